"""Shapes, types and names of inputs."""

import importlib.util

import keras
import numpy as np
import pytest
from keras import layers

import zoo
from zoo.training.arguments import shape_of
from zoo.training.inputs import as_network_inputs, declared_inputs, input_shapes, symbolic_inputs

VAT, VMT = zoo.VirtualAdversarialTraining(0.5), zoo.VirtualMovementTraining("shift")
RNG = np.random.default_rng(0)
SMALL, LARGE = (RNG.random((12, size, size, 3)).astype("float32") for size in (8, 10))
Y = (np.arange(12) % 3).astype("int32")


def any_size():
    keras.utils.set_random_seed(3)
    return keras.Sequential([keras.Input((None, None, 3)), layers.Conv2D(3, 3), layers.GlobalAveragePooling2D()])


def test_images_without_an_axis_of_channels_have_the_lattice_of_the_network(model, fit, assert_same_weights):
    def network():
        keras.utils.set_random_seed(3)
        return keras.Sequential([keras.Input((8, 8, 1)), layers.Flatten(), layers.Dense(3)])

    x = SMALL[..., 0]
    first, second = model(network(), VMT), model(network(), VMT)
    expected, found = fit(first, x[..., None], Y), fit(second, x, Y)
    assert found == expected and found["vmt_shift"][0] > 0
    assert_same_weights(first, second)
    values = [zoo.analysis.penalty_values(network(), each, VMT, Y) for each in (x, x[..., None])]
    np.testing.assert_array_equal(*values)


PENALTIES = [VMT, VAT, zoo.VirtualAdversarialTraining(0.5, xi=0.1), zoo.AdversarialTraining(0.5, noise="scaled_l2")]


@pytest.mark.parametrize("regularizer", PENALTIES)
def test_networks_of_any_size_train_on_one_size_after_another(regularizer, model, fit):
    trained, fresh = model(any_size(), regularizer, optimizer=keras.optimizers.SGD(0.0)), model(any_size(), regularizer)
    trained.build((None, None, None, 3))
    fit(trained, SMALL, Y, batch_size=12)
    found, expected = fit(trained, LARGE, Y, batch_size=12), fit(fresh, LARGE, Y, batch_size=12)
    if regularizer in (VMT, PENALTIES[-1]):  # the others draw random numbers
        np.testing.assert_allclose(*(each[regularizer.metric_name] for each in (found, expected)), rtol=1e-5)
    assert trained.raw_input_shape == fresh.raw_input_shape == (None, None, 3)
    assert trained.predict(LARGE, verbose=0).shape == (12, 3)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="JAX knows every size")
def test_batches_of_unknown_size(model, fit):
    import tensorflow as tf

    spec = (tf.TensorSpec((None, None, None, 3)), tf.TensorSpec((None,), "int32"))
    dataset = tf.data.Dataset.from_generator(lambda: [(SMALL, Y), (LARGE, Y)], output_signature=spec)
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(2))
    for regularizer in PENALTIES[1:]:
        assert fit(model(any_size(), regularizer), dataset)[regularizer.metric_name][0] > 0
    with pytest.raises(ValueError, match=r"needs the size .* received shape \(None, None, 3\)"):
        fit(model(any_size(), VMT), dataset)


def test_shape_of_several_inputs():
    assert shape_of({"a": np.zeros((5, 2)), "b": np.zeros(5)}) == {"a": (None, 2), "b": (None,)}
    assert shape_of([np.zeros((5, 2))]) == [(None, 2)]
    assert shape_of(zoo.datasets.Batches({"a": np.zeros((5, 2))}, np.zeros(5))) == {"a": (None, 2)}
    assert shape_of(np.zeros(5)) is None and shape_of(None) is None and shape_of(iter([])) is None


def test_shapes_stay_open_where_the_network_takes_any_size():
    assert input_shapes(any_size(), (7, 8, 8, 3)) == (None, None, None, 3)
    assert input_shapes(layers.Flatten(), (7, 8, 8)) == (None, 8, 8)
    assert input_shapes(layers.Flatten(), {"a": [7, 8], "b": (7,)}) == {"a": (None, 8), "b": (None,)}


def test_symbolic_inputs_have_the_declared_types():
    city = keras.Input((1,), name="city", dtype="int64")
    network = keras.Model({"city": city}, layers.Rescaling(1.0)(city))
    assert symbolic_inputs(network, {"city": (None, 1)})["city"].dtype == "int64"


@pytest.mark.parametrize("keep_integers", [False, True])
def test_types(keep_integers):
    age, city = keras.Input((1,), name="age"), keras.Input((1,), name="city", dtype="int32")
    network = keras.Model([age, city], layers.Concatenate()([age, layers.Rescaling(1.0)(city)]))
    whole = keras.ops.convert_to_tensor(np.ones((2, 1), "int64"))
    found = as_network_inputs(network, [whole, whole], keep_integers=keep_integers)
    kinds = [keras.backend.is_int_dtype(each.dtype) for each in found]
    assert kinds == [keep_integers, True]
    undeclared = as_network_inputs(layers.Concatenate(), {"a": whole, "b": keras.ops.ones((2, 1), "float16")})
    assert [keras.backend.is_int_dtype(undeclared[name].dtype) for name in "ab"] == [True, False]
    assert keras.backend.standardize_dtype(undeclared["b"].dtype) == "float32"


def words_and_ages():
    word, age = keras.Input((1,), name="word", dtype="string"), keras.Input((2,), name="age")
    index = layers.StringLookup(vocabulary=["a", "b"])(word)
    joined = layers.Concatenate()([layers.Flatten()(layers.Embedding(3, 2)(index)), age])
    x = {"word": np.array(list("abc") * 8)[:, None], "age": RNG.normal(size=(24, 2)).astype("float32")}
    return keras.Model({"word": word, "age": age}, layers.Dense(3)(joined)), x, (np.arange(24) % 3).astype("int32")


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="strings need TensorFlow")
@pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="strings need TensorFlow")
def test_strings_pass_through(model, fit):
    import tensorflow as tf

    network, x, y = words_and_ages()
    dataset = tf.data.Dataset.from_tensor_slices((x, y)).batch(8)
    trained = model(network, VAT)
    assert fit(trained, dataset)["vat"][0] > 0
    batches = zoo.datasets.SemiSupervised(x, y, x, batch_size=8, unlabeled_batch_size=8)
    assert fit(trained, batches)["vat"][0] > 0
    tensors = {**x, "word": tf.constant(x["word"])}
    assert fit(trained, tensors, y)["vat"][0] > 0 and trained.predict(tensors, verbose=0).shape == (24, 3)


@pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="strings need TensorFlow")
@pytest.mark.parametrize("dtype", ["U", "S", object])
def test_arrays_of_strings(dtype, model, fit):
    network, x, y = words_and_ages()
    trained = model(network, VAT)
    x["word"] = x["word"].astype(dtype)
    remedy = {"tensorflow": "Pass tf.constant", "jax": "JAX has no strings"}[keras.backend.backend()]
    for call in (lambda: fit(trained, x, y), lambda: trained.predict(x), lambda: trained.evaluate(x, y)):
        with pytest.raises(ValueError, match=f"no arrays of strings, received one as the input 'word'. {remedy}"):
            call()


def test_a_function_computes_in_double_precision_if_an_input_has_it():
    double, single = keras.ops.ones((2, 1), "float64"), keras.ops.ones((2, 1), "float32")
    found = as_network_inputs(lambda x: x, [double, single])
    assert [keras.backend.standardize_dtype(each.dtype) for each in found] == ["float64", "float64"]
    found = as_network_inputs(layers.Concatenate(), [double, single])
    assert [keras.backend.standardize_dtype(each.dtype) for each in found] == ["float32", "float32"]


@pytest.mark.parametrize(
    "dtype, options, expected",
    [
        ("float64", {"keep_double": True}, "float64"),
        ("float64", {}, "float32"),
        ("float32", {"keep_double": True}, "float32"),
        ("float16", {"keep_double": True}, "float32"),
        ("uint8", {"keep_double": True}, "float32"),
    ],
)
def test_one_input_in_double_precision_may_stay(dtype, options, expected):
    found = as_network_inputs(layers.Flatten(), keras.ops.ones((2, 3), dtype), **options)
    assert keras.backend.standardize_dtype(found.dtype) == expected


def test_names_of_inputs_survive_saving(model, fit, tmp_path):
    network = keras.Sequential([keras.Input((4,)), layers.Dense(3)])
    (name,) = declared_inputs(network)
    trained = model(network, zoo.VirtualAdversarialTraining(0.1), perturb={name: 0.5})
    x, y = np.ones((6, 4), "float32"), np.arange(6) % 3
    fit(trained, x, y)
    trained.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert list(declared_inputs(loaded.network)) == [name]
    loaded.fit(x, y, verbose=0)
