"""What the execution plan depends on is seen in layers, data and arguments of `fit`."""

import keras
import numpy as np
import pytest
from keras import layers

import zoo
from tests.support.small_models import Watching, image_network
from zoo.training.callbacks import HaltOnNaN
from zoo.training.circumstances import COMPILED_BY_JAX, let_jax_compile, observe, whole_epoch


def seen_of(*parts, **options):
    return observe(parts, {"x": None, **options}, alternates=False)


@pytest.mark.parametrize(
    ("hidden", "convolves", "draws"),
    [
        ([layers.Dense(2), layers.BatchNormalization()], False, False),
        ([layers.Conv2D(2, 3)], True, False),
        ([layers.Dropout(0.5)], False, True),
        ([keras.Sequential([layers.GaussianNoise(0.5)])], False, True),
    ],
)
def test_layers_are_seen_in_network_and_preprocessing(hidden, convolves, draws):
    for parts in ([image_network(*hidden), None], [image_network(), image_network(*hidden)]):
        seen = seen_of(*parts)
        assert (seen.convolves, seen.draws, seen.built) == (convolves, draws, True)
    assert not seen_of(keras.Sequential([layers.Flatten()]), None).built


@pytest.mark.parametrize("place", ["network", "preprocessing"])
@pytest.mark.parametrize("kind", [*COMPILED_BY_JAX, layers.RandomCrop])
def test_augmentation_is_compiled_if_it_can_be(kind, place, model, recwarn):
    options = {layers.RandomTranslation: [0.1, 0.1], layers.RandomCrop: [4, 4]}.get(kind, [0.1])
    layer = kind(*options, seed=1)
    trained = model(image_network(layer)) if place == "network" else model(image_network(), preprocessing=layer)
    compiled = keras.backend.backend() == "jax" and kind in COMPILED_BY_JAX
    assert seen_of(trained.network, trained.preprocessing).compilable is trained.jit_compile is compiled
    trained.fit(np.ones((4, 4, 4, 1)), np.zeros(4, "int32"), verbose=0)
    assert not [each for each in recwarn if "jit_compile" in str(each.message)]


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="only JAX compiles it")
def test_equalization_inside_an_augmentation_is_a_small_program():
    import jax

    def size(layer):
        images = np.ones((2, 4, 4, 1), "float32")
        return len(str(jax.make_jaxpr(lambda x: layer.equalization(x))(images)).splitlines())

    layer, other = (layers.RandAugment(value_range=(0, 1), seed=1) for _ in range(2))
    let_jax_compile([keras.Sequential([layer]), None])
    assert 10 * size(layer) < size(other)


@pytest.mark.parametrize(
    "callbacks", [None, [], [keras.callbacks.EarlyStopping()], keras.callbacks.EarlyStopping(), [HaltOnNaN()]]
)
def test_callbacks_that_do_not_watch_steps(callbacks):
    assert not seen_of(image_network(), callbacks=callbacks).watched


@pytest.mark.parametrize(
    "callbacks",
    [
        Watching(),
        [Watching()],
        [keras.callbacks.EarlyStopping(), Watching()],
        keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None),
    ],
)
def test_callbacks_that_watch_steps(callbacks):
    assert seen_of(image_network(), callbacks=callbacks).watched


@pytest.mark.parametrize("needs", [True, False])
@pytest.mark.parametrize("callback", [Watching(), keras.callbacks.Callback()], ids=["hooks", "no_hooks"])
def test_a_callback_that_says_what_it_needs(callback, needs, monkeypatch):
    monkeypatch.setattr(callback, "needs_every_step", needs, raising=False)
    assert seen_of(image_network(), callbacks=callback).watched is needs


@pytest.mark.parametrize(
    ("num_examples", "options", "expected"),
    [
        (20, {"batch_size": 2}, (10, 2 * 4 * 8)),
        (21, {"batch_size": 2}, (None, 0)),
        (320, {}, (10, 32 * 4 * 8)),  # Keras's default of 32
        (20, {"batch_size": 2, "validation_split": 0.5}, (None, 0)),
        (20, {"batch_size": 2, "steps_per_epoch": 5}, (None, 0)),
    ],
)
def test_epochs_of_whole_batches_of_arrays(num_examples, options, expected):
    assert whole_epoch(np.zeros((num_examples, 4)), options) == expected


def test_epochs_of_whole_batches():
    x, y = np.zeros((21, 4)), np.zeros(21, "int32")
    # The last example is left out.
    assert whole_epoch(zoo.datasets.Batches(x, y, 2), {}) == (10, 2 * 4 * 8)
    both = zoo.datasets.SemiSupervised(x, y, x, batch_size=2, unlabeled_batch_size=3)
    assert whole_epoch(both, {}) == (7, (2 + 3) * 4 * 8)
    assert whole_epoch(zoo.datasets.Batches(x, y, 2), {"steps_per_epoch": 5}) == (None, 0)
    assert whole_epoch(iter([(x, y)]), {}) == (None, 0)
