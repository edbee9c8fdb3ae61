"""The model card in Markdown that goes to the Hugging Face Hub with a model."""

import json
import re

import pytest
import yaml

import zoo
from tests.support.documents import ROOT
from tests.support.hub_server import metadata_errors
from zoo.optional import is_installed
from zoo.pretrained.readme import readme

pytestmark = pytest.mark.skipif(not is_installed("huggingface_hub"), reason="huggingface_hub is not installed")
PATH = ROOT / "saved_models" / "synthetic_mlp-vat"
ADDRESS = "hf://someone/signals"
LICENSE = {"weights_license": "apache-2.0"}


def test_metadata_of_the_model_card():
    import huggingface_hub

    card = zoo.model_card(PATH)
    analysis = json.loads((ROOT / "results" / "analysis" / "synthetic_mlp-vat.json").read_text())
    text = readme(card, ADDRESS, command="python -m trainers.train", analysis=analysis, **LICENSE)
    assert metadata_errors(text) == [] and "under these attacks" in text
    data = huggingface_hub.ModelCard(text).data
    assert (data.license, data.library_name, data.model_name) == ("apache-2.0", "keras", card["name"])
    assert data.tags == ["regularized-zoo", "saved-model", "vat"] and data.datasets is None
    results = {(each.dataset_split, each.metric_name): each.metric_value for each in data.eval_results}
    assert results["test", "test error (%)"] == pytest.approx(card["errors"]["test"], abs=1e-4)
    pgd = analysis["errors"]["pgd_linf"]
    assert results["test", "test error (%) under pgd_linf, ε = 0.01"] == pgd["error"]
    (arguments,) = [each.metric_args for each in data.eval_results if "pgd_linf" in each.metric_name]
    assert arguments == {"attack": "pgd_linf", "epsilon": 0.01, "num_examples": pgd["settings"]["num_examples"]}
    mnist = {**card, "input_shape": [28, 28, 1], "recipe": {**card["recipe"], "dataset": "mnist"}}
    header = yaml.safe_load(readme(mnist, ADDRESS).split("---\n")[1])
    assert header["datasets"] == ["ylecun/mnist"] and header["pipeline_tag"] == "image-classification"
    assert "license" not in header


def test_text_of_the_model_card():
    card = zoo.model_card(PATH)
    text = readme(card, ADDRESS, command="python -m trainers.train --recipe=synthetic_mlp-vat")
    assert "under these attacks" not in text and "does not promise a low error under attack" in text
    for part in (f'zoo.load("{ADDRESS}")', 'snapshot_download("someone/signals")', f"--model={ADDRESS} --format=onnx"):
        assert part in text
    assert 'snapshot_download("someone/signals", revision="dev")' in readme(card, f"{ADDRESS}@dev")
    assert f"| test | {card['errors']['test']:.2f} | {card['published_error']:g} |" in text
    assert "```sh\npython -m trainers.train --recipe=synthetic_mlp-vat\n```" in text
    assert "https://arxiv.org/abs/1507.00677" in text and "Under attack" not in text
    headings = re.findall("^## (.*)$", text, re.MULTILINE)
    assert headings == ["Use", "Errors", "Training", "Limits", "Sources"]
    assert "\n\n\n" not in text and text.count("```") % 2 == 0
    few = readme({**card, "recipe": {**card["recipe"], "num_labels": 10, "ladder": {"noise_std": 0.3}}}, ADDRESS)
    assert "`synthetic` with 10 labels." in few and "- `zoo.LadderNetwork`: A classifier that learns" in few
    own = {**card, "recipe": None, "published_error": None, "source": None, "training": None, "model": {}}
    own_text = readme(own, ADDRESS)
    assert "into" not in own_text.split("## Use")[0] and "no recipe" in own_text
    with pytest.raises(ValueError, match="does not describe a model that this version knows"):
        readme({**card, "model": {"class_name": "Unknown", "module": "zoo", "config": {}}}, ADDRESS)


def test_an_analysis_of_another_model_is_refused():
    card = zoo.model_card(PATH)
    with pytest.raises(ValueError, match="must be that of the files of synthetic_mlp-vat, received"):
        readme(card, ADDRESS, analysis={"sha256": "0", "errors": {}})
