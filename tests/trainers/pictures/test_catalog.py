"""All pictures by name, drawn from tiny networks instead of published ones."""

import types

import numpy as np
import pytest

import zoo
from tests.support.train_program import without_xla
from trainers.pictures import changes, from_networks, subjects
from trainers.pictures.catalog import FROM_RESULTS, draw
from trainers.pictures.sources import Sources
from zoo import recipes


@pytest.fixture(autouse=True)
def no_xla():
    with without_xla():
        yield


@pytest.fixture
def tiny(monkeypatch):
    """Small untrained networks, and few examples."""
    rng = np.random.default_rng(0)
    data = {"images": rng.uniform(size=(20, 6, 6, 1)).astype("float32"), "labels": np.arange(20) % 3}

    def published(name, directory, num_examples):
        network = zoo.networks.mlp((6, 6, 1), 3, hidden_units=(5,))
        return types.SimpleNamespace(
            title=name, network=network, inputs=data["images"][:num_examples], labels=data["labels"][:num_examples]
        )

    def train_briefly(recipe, seed):
        if not recipe.ladder:
            x_test, y_test = rng.normal(size=(5, 12)).astype("float32"), np.arange(5) % 2
            model = zoo.RegularizedModel(zoo.networks.mlp((12,), 2, hidden_units=(5,)))
        else:
            x_test, y_test = data["images"], data["labels"]
            rungs = [{"name": "dense", "units": units} for units in (5, 3)]
            encoder = zoo.ladder.ladder_encoder((6, 6, 1), 3, rungs=rungs)
            model = zoo.LadderNetwork(encoder, denoising_weights=[1, 1, 1])
        model.build((None, *x_test.shape[1:]))
        return model, types.SimpleNamespace(x_test=x_test, y_test=y_test)

    monkeypatch.setattr(subjects, "Published", published)
    monkeypatch.setattr(subjects, "train_briefly", train_briefly)
    monkeypatch.setattr(subjects, "PLANE_METHODS", {"VAT": ({}, {"vat": {"epsilon": 0.3}})})
    monkeypatch.setattr(subjects.train_on_moons, "__defaults__", (1,))
    monkeypatch.setattr(from_networks, "FAMILIES", ("shift", "rotation"))
    monkeypatch.setattr(from_networks, "ATTACKED", {"one": "none", "another": "VAT"})
    monkeypatch.setattr(from_networks, "SIZES", (0.0, 0.1))
    monkeypatch.setattr(from_networks, "RATIO_EPSILONS", (0.1, 1.0))
    subjects.trained_once.cache_clear()
    yield
    subjects.trained_once.cache_clear()


@pytest.mark.parametrize("name", sorted(from_networks.FROM_NETWORKS))
def test_every_picture_of_networks_is_drawn(tiny, name):
    picture = draw(name, Sources())
    assert picture.figure.axes and picture.title and picture.alt.endswith(".")


def test_pictures_of_one_network_train_it_once(tiny, monkeypatch):
    trained, train = [], subjects.train_briefly
    monkeypatch.setattr(subjects, "train_briefly", lambda *given: (trained.append(given), train(*given))[1])
    for name in ("ladder_reconstructions", "combinators", "signal_pairs", "signal_perturbations"):
        draw(name, Sources())
    assert len(trained) == 2


def test_perturbations_have_their_norm():
    network, x = zoo.networks.mlp((8,), 3, hidden_units=(6,)), np.random.default_rng(0).normal(size=(4, 8))
    x, labels = x.astype("float32"), np.arange(4) % 3
    versions = changes.perturbed(network, x, labels, changes.loss_gradient(network, x, labels), 0.5, 0)
    clean = versions.pop("clean")
    for kind, version in versions.items():
        np.testing.assert_allclose(np.linalg.norm(version - clean, axis=1), 0.5, rtol=1e-4, err_msg=kind)


def test_the_worst_direction_of_a_linear_network_is_the_singular_vector():
    rng = np.random.default_rng(0)
    weights, x = rng.normal(size=(8, 3)).astype("float32"), rng.normal(size=(2, 8)).astype("float32")
    network = zoo.networks.mlp((8,), 3, hidden_units=())
    network.set_weights([weights, np.zeros(3)])
    labels = np.array([0, 2])
    directions = changes.worst_direction(network, x, changes.loss_gradient(network, x, labels))
    expected = np.linalg.svd(weights)[0][:, 0]
    np.testing.assert_allclose(np.abs(directions @ expected), 1.0, rtol=1e-5)
    for step, label, start in zip(directions, labels, x, strict=True):
        before, after = (np.log(np.exp(z).sum()) - z[label] for z in (start @ weights, (start + 1e-3 * step) @ weights))
        assert after > before


def test_changes_of_methods_have_one_norm():
    network = zoo.networks.mlp((6, 6, 1), 3, hidden_units=(5,))
    x = np.random.default_rng(0).uniform(size=(1, 6, 6, 1)).astype("float32")
    versions = changes.changed_by_methods(network, x, np.array([1]), 2.0, 1.5, 0)
    np.testing.assert_array_equal(versions.pop("clean"), x)
    norms = {method: np.linalg.norm(version - x) for method, version in versions.items()}
    for method in ("random noise", "AT, L2", "AT, L∞", "VAT", "Jacobian"):
        assert norms[method] == pytest.approx(2.0, rel=1e-4), method
    assert all(norms[f"VMT, {family}"] > 0 for family in ("shift", "rotation", "scale", "smooth"))


def test_a_finished_ladder_is_restored_and_an_unfinished_one_refused(tmp_path, monkeypatch):
    from trainers.runs import run
    from trainers.runs.workdir import opened as workdir_of

    ladder = {"name": "ladder_encoder", "rungs": [{"name": "dense", "units": units} for units in (4, 2)]}
    recipe = recipes.Recipe(
        "toy", "synthetic", ladder, ladder={"denoising_weights": [1, 1, 1]}, unlabeled_batch_size=100, epochs=1
    )
    workdir = tmp_path / "run"
    with workdir_of(workdir, recipe, 3), pytest.raises(ValueError, match="holds no finished run"):
        subjects.restore_run(workdir)
    trained, _ = run.train_member(recipe, zoo.datasets.load("synthetic", seed=3), 3, workdir / "member-0", verbose=0)
    found, restored, _ = subjects.restore_run(workdir)
    assert found.settings() == recipe.settings()
    for a, b in zip(trained.get_weights(), restored.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_run_of_another_network_is_named(monkeypatch):
    monkeypatch.setattr(subjects, "restore_run", lambda workdir: (recipes.get("synthetic_mlp-vat"), None, None))
    with pytest.raises(ValueError, match="runs/x holds a run of synthetic_mlp-vat, which is not a ladder"):
        draw("combinators", Sources(workdir="runs/x"))


def test_errors_for_unknown_names_and_missing_results(tmp_path):
    with pytest.raises(ValueError, match="Did you mean 'combinators'"):
        draw("combinator", Sources())
    for name in FROM_RESULTS:
        with pytest.raises(ValueError, match="no results for the table|have no data for the picture"):
            draw(name, Sources(results=str(tmp_path), analysis=str(tmp_path)))


def test_models_without_a_data_set_are_refused(monkeypatch):
    monkeypatch.setattr(subjects.pretrained, "load", lambda name, directory: None)
    monkeypatch.setattr(subjects.pretrained, "model_card", lambda name, directory: {"name": name})
    with pytest.raises(ValueError, match="names no data set"):
        subjects.Published("own", None, 1)
