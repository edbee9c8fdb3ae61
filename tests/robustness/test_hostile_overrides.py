"""Any JSON value in any recipe field gives a model or a clear error."""

import json

import hypothesis
import pytest
from hypothesis import strategies as st

from tests.support.tiny_datasets import tiny_dataset
from zoo import recipes
from zoo.datasets import tfds_images
from zoo.recipes.build import build_callbacks, build_model, training_batches

BASES = {
    name: recipes.get(name).override({"epochs": 1, **changes})
    for name, changes in {
        "synthetic_mlp-vat_vmt_shift": {"network.hidden_units": [4]},
        "synthetic_mlp-smoothness_adversarial": {"network.hidden_units": [4]},
        "mnist_ladder-100_adversarial": {
            "dataset": "synthetic",
            "network.rungs": [{"name": "dense", "units": 4}, {"name": "dense", "units": 2}],
            "ladder.denoising_weights": [1, 0.1, 0],
            "num_labels": 20,
            "batch_size": 20,
            "unlabeled_batch_size": 20,
        },
    }.items()
}
WORDS = ["mlp", "conv_small", "adam", "sgd", "name", "epsilon", "field", "shift", "../../x", "", "zca_whitening", "é\0"]
# Small or absurdly large. Values between would be valid, and fill the memory.
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 40),
    st.sampled_from([10**30, -(10**30)]),
    st.floats(),
    st.sampled_from(WORDS),
)
VALUES = st.recursive(
    SCALARS, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.sampled_from(WORDS), v, max_size=3), max_leaves=6
)


def paths(values, prefix=""):
    """All dotted paths into a recipe, and for each of its ends one path beyond it."""
    pairs = values.items() if isinstance(values, dict) else enumerate(values)
    for key, value in pairs:
        yield f"{prefix}{key}"
        yield f"{prefix}{key}.x"
        if isinstance(value, (dict, list)):
            yield from paths(value, f"{prefix}{key}.")


@st.composite
def overrides(draw):
    name = draw(st.sampled_from(sorted(BASES)))
    fields = sorted(paths(BASES[name].as_dict()))
    return name, draw(st.dictionaries(st.sampled_from(fields), VALUES, min_size=1, max_size=2))


@hypothesis.given(overrides())
def test_overrides_give_a_model_or_an_error_in_words(case):
    name, assignments = case
    dataset = tiny_dataset("synthetic")
    try:
        recipe = BASES[name].override(assignments)
        batches = training_batches(recipe, dataset, 0)
        build_model(recipe, dataset, len(batches), 0)
        build_callbacks(recipe, dataset, batches)
    except (ValueError, TypeError) as error:
        assert str(error)
    else:
        assert json.dumps(recipe.as_dict()) and "/" not in recipe.name


@pytest.mark.parametrize(
    "path, value, message",
    [
        ("name", "../../x", "letters, digits"),
        ("name", ".hidden", "letters, digits"),
        ("preprocessing.3.name", "rescaling", "list of 0"),
        ("network.hidden_units.7", 3, "places are 0 to 0, received '7'"),
        ("network", [], "'network' must be dict, received \\[\\]"),
        ("bagging", 1, "'bagging' must be bool, received 1"),
    ],
)
def test_refused_overrides(path, value, message):
    with pytest.raises((ValueError, TypeError), match=message):
        BASES["synthetic_mlp-vat_vmt_shift"].override({path: value})


@pytest.mark.parametrize("rungs", ["x", [1], [None], {"name": "dense"}])
def test_rungs_that_are_no_maps_are_refused(rungs):
    recipe = BASES["mnist_ladder-100_adversarial"].override({"network.rungs": rungs})
    with pytest.raises(TypeError, match="rungs must be a list of dictionaries"):
        build_model(recipe, tiny_dataset("synthetic"), 2, 0)


CODE = {"class_name": "__lambda__", "config": {"value": ["4wAAAA==", None, None]}}


@pytest.mark.parametrize("option", ["kernel_regularizer", "kernel_constraint", "activity_regularizer"])
def test_code_in_a_recipe_is_not_run(option):
    recipe = BASES["synthetic_mlp-vat_vmt_shift"].override({f"network.{option}": CODE})
    with pytest.raises(ValueError, match="(?i)lambda"):
        build_model(recipe, tiny_dataset("synthetic"), 2, 0)


@hypothesis.given(st.text(max_size=30) | st.from_regex(r"[\w./:*+-]{1,20}", fullmatch=True))
def test_data_set_names_never_lead_out_of_the_cache(name):
    reached = []

    def fill(name, file):
        reached.append(file)
        raise ValueError("nothing there")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tfds_images, "_fill_cache", fill)
        with pytest.raises(ValueError):
            tfds_images.load_images(name)
    assert all(file.parent == tfds_images.cache_folder() for file in reached)
