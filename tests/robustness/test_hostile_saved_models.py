"""Untrusted SavedModels: damaged files, links out of the folder and code in the card give a clear error."""

import json
import os
import shutil

import hypothesis
import keras
import pytest
from hypothesis import strategies as st
from keras.src.saving.serialization_lib import SafeModeScope

import zoo
from trainers.results.publishing import write_index
from zoo.pretrained.card import CARD_FILE, CHECKSUM, card_sum, verify, write_card
from zoo.pretrained.safe_deserialization import check_config, read_model

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="SavedModels are TensorFlow's")


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """An intact SavedModel."""
    model = zoo.RegularizedModel(zoo.networks.mlp((3,), 2, hidden_units=(2,)), zoo.VirtualAdversarialTraining(0.1))
    model.build((None, 3))
    path = tmp_path_factory.mktemp("models") / "toy"
    zoo.export(model, path)
    return path


@pytest.fixture
def copied(exported, tmp_path):
    """A copy of it in a separate folder."""
    return shutil.copytree(exported, tmp_path / "toy")


def sign(path, card):
    """Writes a card with matching checksums, as an attacker would."""
    path.joinpath(CARD_FILE).write_text(json.dumps({**card, CHECKSUM: card_sum(card)}))


def read(path):
    return json.loads((path / CARD_FILE).read_text())


@hypothesis.given(st.data())
def test_flipped_and_cut_files_are_refused(exported, tmp_path_factory, data):
    path = shutil.copytree(exported, tmp_path_factory.mktemp("flip") / "toy")
    file = data.draw(st.sampled_from(sorted(p.relative_to(path).as_posix() for p in path.rglob("*") if p.is_file())))
    content = bytearray((path / file).read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        content[place] ^= 1 << data.draw(st.integers(0, 7))
    else:
        del content[place:]
    (path / file).write_bytes(content)
    if file == CARD_FILE:
        try:
            assert verify(path) == verify(exported)  # a blank may have become another blank
        except ValueError as error:
            assert CARD_FILE in str(error)
    else:
        with pytest.raises(ValueError, match=file):
            zoo.load(path)
    shutil.rmtree(path.parent)


SCALARS = st.none() | st.booleans() | st.integers(-3, 5) | st.floats() | st.sampled_from(["", "../x", "zoo"])
VALUES = st.recursive(SCALARS, lambda v: st.lists(v, max_size=2) | st.dictionaries(st.text(max_size=3), v, max_size=2))


def places(content, prefix=()):
    """The paths to all values in JSON."""
    for key, value in content.items() if isinstance(content, dict) else enumerate(content):
        yield (*prefix, key)
        if isinstance(value, (dict, list)):
            yield from places(value, (*prefix, key))


@hypothesis.given(st.data())
def test_signed_cards_of_any_content_load_or_are_refused(exported, tmp_path_factory, data):
    path = shutil.copytree(exported, tmp_path_factory.mktemp("sign") / "toy")
    card = read(path)
    *parents, last = data.draw(st.sampled_from(sorted(places(card), key=str)))
    container = card
    for key in parents:
        container = container[key]
    container[last] = data.draw(VALUES)
    sign(path, card)
    try:
        model = zoo.load(path)
    except (ValueError, TypeError) as error:
        assert str(error)
    else:
        assert isinstance(model, zoo.RegularizedModel)
    assert sorted(p.name for p in path.parent.iterdir()) == ["toy"]
    shutil.rmtree(path.parent)


@pytest.mark.parametrize("content", ["[" * 100_000, '"text"', "5", "\x00", '{"card_sha256": 3}'])
def test_files_that_are_not_cards_count_as_damaged(copied, content):
    (copied / CARD_FILE).write_text(content)
    with pytest.raises(ValueError, match="damaged|altered"):
        zoo.load(copied)


@pytest.mark.parametrize("name", ["variables", "saved_model.pb", "assets/more"])
def test_links_out_of_the_folder_are_refused(copied, tmp_path, name):
    """TensorFlow would follow them to files that no checksum covers."""
    card, outside = read(copied), tmp_path / "outside"
    if (copied / name).exists():
        (copied / name).rename(outside)
    (copied / name).parent.mkdir(exist_ok=True)
    os.symlink(outside, copied / name)
    card["files"] = {file: total for file, total in card["files"].items() if not file.startswith(name)}
    sign(copied, card)
    with pytest.raises(ValueError, match=f"{name}.*link"):
        zoo.load(copied)


def test_a_pipe_is_refused_without_waiting_for_it(copied):
    os.mkfifo(copied / "assets.extra")
    with pytest.raises(ValueError, match="assets.extra"):
        zoo.load(copied)


def test_names_of_files_on_a_card_are_only_compared(copied):
    card = read(copied)
    card["files"]["../../secret"] = "0" * 64
    sign(copied, card)
    with pytest.raises(ValueError, match="../../secret"):
        zoo.load(copied)


def with_layer(card, config):
    """Replaces one layer of the network on a card."""
    layers = card["model"]["config"]["network"]["config"]["layers"]
    index = next(i for i, layer in enumerate(layers) if layer["class_name"] == "Activation")
    layers[index] = {**layers[index], **config, "config": {"name": "activation", **config["config"]}}
    return card


EXECUTED = []


def hostile_lambda():
    """The description of a Lambda layer with code, as Keras writes it."""
    layer = keras.layers.Lambda(
        lambda x: __import__("tests.robustness.test_hostile_saved_models").EXECUTED.append(1) or x
    )
    return {**keras.saving.serialize_keras_object(layer), "build_config": None}


@pytest.mark.parametrize(
    "layer",
    [
        hostile_lambda(),
        {"module": "keras.layers", "class_name": "TFSMLayer", "config": {"filepath": "/etc"}},
        {"module": "keras.layers", "class_name": "StringLookup", "config": {"vocabulary": "/etc/passwd"}},
        {"module": "keras.layers", "class_name": "TextVectorization", "config": {"vocabulary": "/etc/passwd"}},
        {"module": "keras.src.layers.core.lambda_layer", "class_name": "Lambda", "config": {"function": "relu"}},
        {"module": "keras.utils", "class_name": "get_file", "config": {"fname": "x", "origin": "file:///etc/passwd"}},
        {"module": "os", "class_name": "system", "config": {"command": "true"}},
        {"module": "subprocess", "class_name": "Popen", "config": {"args": ["true"]}},
    ],
    ids=lambda layer: layer["class_name"],
)
def test_code_and_file_names_in_a_card_are_refused(copied, layer):
    sign(copied, with_layer(read(copied), {"registered_name": None, **layer}))
    with pytest.raises(ValueError, match=layer["class_name"]):
        zoo.load(copied)
    assert EXECUTED == []


def test_keras_file_with_code_is_refused(tmp_path):
    network = keras.Sequential([keras.Input((3,)), keras.layers.Lambda(lambda x: EXECUTED.append(1) or x)])
    EXECUTED.clear()
    zoo.RegularizedModel(network).save(tmp_path / "code.keras")
    with pytest.raises(ValueError, match="(?i)lambda"):
        keras.models.load_model(tmp_path / "code.keras")
    assert EXECUTED == []


def test_own_descriptions_pass(exported):
    config = read(exported)["model"]
    check_config(config)
    assert isinstance(read_model(config), zoo.RegularizedModel)
    with pytest.raises(ValueError, match="Dense, not a RegularizedModel"):
        read_model(keras.saving.serialize_keras_object(keras.layers.Dense(2)))


def test_index_leaves_out_what_is_not_complete(copied):
    shutil.copytree(copied, copied.parent / ".toy.host-1")
    write_card(copied.parent / ".toy.host-1", {**read(copied), "name": "half"})
    assert "half" not in write_index(copied.parent)


@pytest.mark.parametrize(
    "config",
    [
        {"module": "keras", "class_name": "layers.Lambda", "config": {}},
        {"module": "keras", "class_name": "layers.StringLookup", "config": {"vocabulary": "/etc/passwd"}},
        {"module": "keras", "class_name": "function", "config": "layers.Lambda"},
        # A registered name excuses no function, which Keras finds by its own name.
        {"module": "os", "class_name": "function", "config": "system", "registered_name": "zoo>RegularizedModel"},
    ],
)
def test_names_that_lead_into_other_modules_are_refused(config):
    with pytest.raises(ValueError, match="not part of a network"):
        check_config({"layers": [config]})
    check_config({"module": "builtins", "class_name": "function", "config": "relu"})


def test_code_is_refused_where_a_process_has_allowed_it(exported, monkeypatch):
    """The list of unsafe names is the first defense; Keras's safe mode is the second."""
    config = read(exported)["model"]
    with pytest.warns(UserWarning, match="lambda"):
        config["config"]["network"] = keras.saving.serialize_keras_object(lambda x: x)
    monkeypatch.setattr("zoo.pretrained.safe_deserialization.check_config", lambda config: None)
    with SafeModeScope(None):  # restores what was before
        keras.config.enable_unsafe_deserialization()
        with pytest.raises((ValueError, TypeError), match="Requested the deserialization of a.*lambda"):
            read_model(config)
