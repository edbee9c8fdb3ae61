"""Measurements of published models for the page, from the files of `trainers.analyze`."""

from collections.abc import Mapping
from typing import Any

from trainers.analysis.report import curve_rows, names_of, sizes


def measured(entry: Mapping[str, Any], key: str) -> str:
    """Formats a figure with its standard error.

    Args:
        entry: of an error or a measure.
        key: `"error"`, in percent, or `"value"`.
    """
    value, error = entry[key], entry.get("standard_error")
    text = f"{value:.2f}" if key == "error" else f"{value:.3g}"
    return text if error is None else f"{text} ± {error:.2g}"


def analysis_facts(analysis: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Terms and values for the card of a model."""
    facts = [(f"error, {name}", f"{measured(entry, 'error')} %") for name, entry in analysis["errors"].items()]
    return facts + [(name, measured(entry, "value")) for name, entry in analysis["measures"].items()]


def analysis_tables(analyses: Mapping[str, Any], anchors: Mapping[str, str]) -> list[dict[str, Any]]:
    """The tables of each data set: errors and measures of its models, and their errors against the size of an attack.

    Args:
        analyses: from `read_analyses`.
        anchors: `{model name: anchor of its card on the page}`.
    """
    tables = []
    for dataset, contents in by_dataset(analyses).items():
        for kind, key, what in (("errors", "error", "errors in percent"), ("measures", "value", "measures")):
            names = names_of(contents, kind)
            rows = []
            for content in contents:
                cells = [measured(content[kind][name], key) if name in content[kind] else "–" for name in names]
                rows.append({"anchor": anchors.get(content["model"]), "cells": [content["model"], *cells]})
            tables.append({"title": f"{dataset}: {what}", "columns": ["model", *names], "rows": rows})
        columns, curves = curve_rows(contents)
        rows = [{"anchor": anchors.get(model), "cells": [model, *cells]} for model, *cells in curves]
        title = f"{dataset}: errors in percent against the size ε of APGD in L∞"
        tables += [{"title": title, "columns": ["model", *columns], "rows": rows}] if rows else []
    return tables


def analysis_settings(analyses: Mapping[str, Any]) -> list[str]:
    """Sentences that describe the attacks on each data set."""
    return [f"{dataset}: {sizes(contents)}." for dataset, contents in by_dataset(analyses).items()]


def by_dataset(analyses: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """`{data set: contents of its models}`."""
    sets = dict.fromkeys(content["dataset"] for content in analyses.values())
    return {dataset: [each for each in analyses.values() if each["dataset"] == dataset] for dataset in sets}
