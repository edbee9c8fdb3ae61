"""What was measured of published models as the page takes it, from the files of `trainers.analyze`."""

from trainers.analysis.report import names_of, sizes


def measured(entry, key):
    """A value with its standard error, to the digits that this leaves."""
    value, error = entry[key], entry.get("standard_error")
    text = f"{value:.2f}" if key == "error" else f"{value:.3g}"
    return text if error is None else f"{text} ± {error:.2g}"


def analysis_facts(analysis):
    """Terms and values for a model's card."""
    facts = [(f"error, {name}", f"{measured(entry, 'error')} %") for name, entry in analysis["errors"].items()]
    return facts + [(name, measured(entry, "value")) for name, entry in analysis["measures"].items()]


def analysis_tables(analyses, anchors):
    """Tables of all models on each data set: of their errors, and of their measures.

    Args:
        analyses: as from `read_analyses`.
        anchors: `{model name: where its card stands on the page}`.
    """
    tables = []
    for dataset, contents in by_dataset(analyses).items():
        for kind, key, what in (("errors", "error", "errors in per cent"), ("measures", "value", "measures")):
            names = names_of(contents, kind)
            rows = []
            for content in contents:
                cells = [measured(content[kind][name], key) if name in content[kind] else "–" for name in names]
                rows.append({"anchor": anchors.get(content["model"]), "cells": [content["model"], *cells]})
            tables.append({"title": f"{dataset}: {what}", "columns": ["model", *names], "rows": rows})
    return tables


def analysis_settings(analyses):
    """The sizes of the attacks on each data set, in words."""
    return [f"{dataset}: {sizes(contents)}." for dataset, contents in by_dataset(analyses).items()]


def by_dataset(analyses):
    """`{data set: contents of its models}`."""
    sets = dict.fromkeys(content["dataset"] for content in analyses.values())
    return {dataset: [each for each in analyses.values() if each["dataset"] == dataset] for dataset in sets}
