"""ONNX and LiteRT files compute what the SavedModel computes."""

import functools

import keras
import numpy as np
import pytest

import zoo
from zoo.ladder.pooling import ScaledGlobalMean2D
from zoo.layers import build_preprocessing
from zoo.optional import is_installed
from zoo.pretrained import conversion, runtimes

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="written by the TensorFlow backend")

SHAPES = {"signals": (9,), "images": (6, 6, 3)}
PIPELINES = {
    "signals": [{"name": "normalization"}],
    "images": [
        {"name": "contrast_normalization", "scale": 5.0},
        {"name": "zca_whitening"},
        {"name": "random_flip", "mode": "horizontal"},
    ],
}


def small_conv(input_shape, num_classes, pooling=ScaledGlobalMean2D):
    layers = keras.layers
    stage = [layers.Conv2D(6, 3, padding="same"), layers.BatchNormalization(), layers.LeakyReLU(0.1)]
    head = [layers.MaxPooling2D(), layers.Dropout(0.5), pooling(), layers.Dense(num_classes)]
    return keras.Sequential([keras.Input(input_shape), *stage, *head])


def network(kind):
    if kind == "images":
        return small_conv(SHAPES[kind], 3)
    rungs = [{"name": "dense", "units": units} for units in (5, 3)]
    return zoo.ladder.ladder_encoder(SHAPES[kind], 3, rungs=rungs)


@pytest.fixture(scope="module")
def models():
    """A trained model of each kind."""
    made = {}
    for kind, shape in SHAPES.items():
        keras.utils.set_random_seed(0)
        x = conversion.random_inputs(shape, 48)
        model = zoo.RegularizedModel(network(kind), preprocessing=build_preprocessing(PIPELINES[kind], x), seed=0)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile("adam", loss, run_eagerly=True)
        model.fit(x, np.arange(48) % 3, epochs=2, batch_size=16, verbose=0)
        made[kind] = model
    return made


def needs(file_format):
    """Skips, visibly, where the packages of a format are not installed."""
    for package in conversion.PACKAGES[file_format]:
        if not is_installed(package):
            pytest.skip(f"{package} is not installed")


@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize("file_format", conversion.SUFFIXES)
def test_file_equals_keras_and_savedmodel(models, kind, file_format, tmp_path):
    import tensorflow as tf

    needs(file_format)
    model = models[kind]
    zoo.export(model, tmp_path / "model")
    saved_model = tf.saved_model.load(str(tmp_path / "model"))
    path = tmp_path / f"file{conversion.SUFFIXES[file_format]}"
    difference = conversion.convert(model, path, file_format, reference=saved_model.serve)
    assert difference <= conversion.TOLERANCE
    run = runtimes.RUNTIMES[file_format](path)
    for num_examples in (1, 5):
        x = conversion.random_inputs(SHAPES[kind], num_examples, seed=3)
        expected = keras.ops.softmax(model.predict(x, verbose=0))
        np.testing.assert_allclose(run(x), expected, atol=1e-5)
        np.testing.assert_allclose(run(x), saved_model.serve(x), atol=1e-5)
    assert np.ptp(run(conversion.random_inputs(SHAPES[kind])), axis=0).max() > 1e-3  # it looks at its inputs


def test_difference_is_told_and_a_wrong_file_not_kept(models, tmp_path):
    needs("onnx")
    path = tmp_path / "file.onnx"
    path.write_text("earlier")
    model = models["signals"]

    def nudged(x):
        return keras.ops.softmax(model(x, training=False)) + nudge

    nudge = 0.25
    with pytest.raises(ValueError, match="differs from the model by 2.5e-01"):
        conversion.convert(model, path, "onnx", reference=nudged)
    assert path.read_text() == "earlier" and list(tmp_path.iterdir()) == [path]
    nudge = 5e-5
    assert conversion.convert(model, path, "onnx", reference=nudged) == pytest.approx(nudge, rel=0.05)
    assert list(tmp_path.iterdir()) == [path] and path.read_bytes() != b"earlier"


def test_bad_requests_are_named(models, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="Did you mean 'onnx'"):
        conversion.convert(models["signals"], tmp_path / "file.onnx", "onxx")
    monkeypatch.setattr(conversion, "PACKAGES", {"onnx": ("no_such_package",), "litert": ()})
    with pytest.raises(ImportError, match=r"needs no_such_package, .*\'\.\[interchange\]\'"):
        conversion.convert(models["signals"], tmp_path / "file.onnx", "onnx")
    with pytest.raises(ValueError, match="ends in .tflite, received 'file.onnx'"):
        conversion.convert(models["signals"], tmp_path / "file.onnx", "litert")
    with pytest.raises(TypeError, match="Functional"):
        conversion.convert(models["signals"].network, tmp_path / "file.tflite", "litert")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("file_format", conversion.SUFFIXES)
def test_files_take_images_of_any_size(file_format, tmp_path):
    needs(file_format)
    network = small_conv((None, None, 3), 3, keras.layers.GlobalAveragePooling2D)
    model = zoo.RegularizedModel(network, preprocessing=keras.layers.Rescaling(1 / 255))
    model.build((None, None, None, 3))
    path = tmp_path / f"file{conversion.SUFFIXES[file_format]}"
    conversion.convert(model, path, file_format)
    run = runtimes.RUNTIMES[file_format](path)
    for num_examples, height, width in ((2, 9, 14), (3, 32, 7)):
        x = conversion.random_inputs((height, width, 3), num_examples)
        np.testing.assert_allclose(run(x), keras.ops.softmax(model.predict(x, verbose=0)), atol=1e-5)


@pytest.mark.parametrize("file_format", conversion.SUFFIXES)
def test_a_file_for_a_fixed_number_of_inputs(models, file_format, tmp_path):
    needs(file_format)
    path = tmp_path / f"file{conversion.SUFFIXES[file_format]}"
    conversion.convert(models["signals"], path, file_format, batch_size=2)
    run = runtimes.in_batches(runtimes.RUNTIMES[file_format](path), 2)
    x = conversion.random_inputs(SHAPES["signals"], 5)
    np.testing.assert_allclose(run(x), keras.ops.softmax(models["signals"].predict(x, verbose=0)), atol=1e-5)
    if file_format == "onnx":
        import onnxruntime

        (inputs,) = onnxruntime.InferenceSession(str(path)).get_inputs()
        assert inputs.shape == [2, 9]
    else:
        from ai_edge_litert.interpreter import Interpreter

        (inputs,) = Interpreter(str(path)).get_input_details()
        np.testing.assert_array_equal(inputs["shape_signature"], [2, 9])


@pytest.mark.parametrize("kind", SHAPES)
def test_quantized_files(models, kind, tmp_path):
    """Calibration matters: with the ranges of signals that are a thousand times smaller, the file cuts signals off."""
    from ai_edge_litert.interpreter import Interpreter

    needs("litert")
    x, path = conversion.random_inputs(SHAPES[kind], 40), tmp_path / "file.tflite"
    quantize = functools.partial(conversion.convert, models[kind], path, "litert", batch_size=1)
    difference = quantize(calibration=x)
    expected = keras.ops.softmax(models[kind].predict(x, verbose=0))
    run = runtimes.in_batches(runtimes.open_litert(path), 1)
    assert np.max(np.abs(run(x) - expected)) == pytest.approx(difference, abs=1e-6) and 0 < difference < 0.1
    types = {np.dtype(tensor["dtype"]) for tensor in Interpreter(str(path)).get_tensor_details()}
    assert np.dtype("int8") in types
    if kind == "signals":  # images are normalized by their own contrast
        quantize(calibration=x / 1000)
        cut = runtimes.in_batches(runtimes.open_litert(path), 1)(x)
        assert np.max(np.abs(cut - expected)) > 2 * difference


@pytest.mark.parametrize(
    "options, message",
    [
        ({"file_format": "onnx"}, "Only 'litert' files can be quantized, received 'onnx'"),
        ({"batch_size": None}, "choose batch_size=1, received None"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
        ({"calibration": np.zeros((3, 4))}, r"Calibration takes inputs of shape \(n, 9\), received \(3, 4\)"),
    ],
)
def test_quantization_that_cannot_be(models, tmp_path, options, message):
    options = {"file_format": "litert", "batch_size": 1, "calibration": np.zeros((3, 9)), **options}
    needs(options["file_format"])
    path = tmp_path / f"file{conversion.SUFFIXES[options['file_format']]}"
    with pytest.raises(ValueError, match=message):
        conversion.convert(models["signals"], path, **options)
    assert not list(tmp_path.iterdir())


def test_what_a_converter_refuses_is_one_line(models, tmp_path, monkeypatch):
    def export(*arguments, **options):
        raise RuntimeError("no such operation\nand a long trace")

    monkeypatch.setattr(keras.Model, "export", export)
    needs("onnx")
    with pytest.raises(ValueError, match="cannot be converted to onnx: no such operation$"):
        conversion.convert(models["signals"], tmp_path / "file.onnx", "onnx")
    assert not list(tmp_path.iterdir())


def test_random_inputs_of_any_size():
    assert conversion.random_inputs((None, None, 3), 2).shape == (2, 32, 32, 3)


def test_random_inputs_are_raw():
    images, signals = conversion.random_inputs((4, 4, 1), 50), conversion.random_inputs((30,), 50)
    assert images.dtype == signals.dtype == np.float32
    assert images.min() >= 0 and images.max() > 200 and np.all(images == images.round())
    assert abs(signals.std() - 1) < 0.1
