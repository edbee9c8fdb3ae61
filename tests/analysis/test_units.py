"""The inputs, network and range of an attack: the same definition for every model and command."""

import keras
import numpy as np
import pytest
from keras import layers

import zoo
from zoo.analysis import attacked, attacked_error_percent, misclassified
from zoo.analysis.units import pixel_range

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, size=(20, 4, 4, 1)).astype("uint8")
LABELS = np.arange(20) % 3
ATTACKS = ("sign", "gaussian_sign", "gaussian_noise", "pgd_linf", "virtual_adversarial")


def network(*first, activation=None, units=3):
    keras.utils.set_random_seed(2)
    model = keras.Sequential([keras.Input((4, 4, 1)), *first, layers.Flatten(), layers.Dense(units, activation)])
    model.set_weights([3 * w for w in model.get_weights()])
    return model


def scaled(scale=1 / 255, **options):
    return zoo.RegularizedModel(network(**options), preprocessing=layers.Rescaling(scale))


@pytest.mark.parametrize(
    "inputs, expected",
    [
        (IMAGES, (0.0, 255.0)),
        (IMAGES / 255, (0.0, 1.0)),
        (IMAGES.astype("float32"), (0.0, 255.0)),
        (IMAGES / 255 - 0.5, None),
        (IMAGES.reshape(20, 16), None),
        (IMAGES[:0], None),
    ],
)
def test_ranges_of_pixels(inputs, expected):
    assert pixel_range(inputs) == expected


def test_pixels_are_attacked_before_the_preprocessing():
    model = scaled(2 / 255)
    classifier, inputs, input_range = attacked(model, IMAGES)
    np.testing.assert_allclose(inputs, IMAGES / 255, rtol=1e-6)
    assert input_range == (0.0, 1.0) and attacked(model, IMAGES, clip=False).input_range is None
    np.testing.assert_allclose(classifier(inputs), model.predict(IMAGES, verbose=0), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("scale", [1 / 255, -2 / 255])
def test_preprocessed_inputs_keep_the_range_of_their_pixels(scale):
    classifier, inputs, input_range = attacked(scaled(scale), IMAGES, units="preprocessed")
    np.testing.assert_allclose(inputs, scale * IMAGES, rtol=1e-5)
    assert input_range == pytest.approx(tuple(sorted((0.0, 255 * scale))))
    assert classifier(inputs).shape == (20, 3)


@pytest.mark.parametrize("attack", ("sign", "pgd_linf"))
def test_both_units_are_one_attack_up_to_the_scale(attack):
    model = scaled(2 / 255)
    errors = [
        attacked_error_percent(model, IMAGES, LABELS, attack, size, units=units)
        for units, size in (("pixels", 0.1), ("preprocessed", 0.2))
    ]
    assert errors[0] == errors[1]


@pytest.mark.parametrize("layer", [layers.Normalization(), zoo.layers.PerImageContrastNormalization()])
def test_preprocessing_that_has_no_single_range_is_named(layer):
    if isinstance(layer, layers.Normalization):
        layer.adapt(IMAGES.reshape(20, 4, 2, 2))
        images, net = IMAGES.reshape(20, 4, 2, 2), keras.Sequential([keras.Input((4, 2, 2)), layers.Flatten()])
    else:
        images, net = IMAGES, network()
    model = zoo.RegularizedModel(net, preprocessing=layer)
    with pytest.raises(ValueError, match="Choose units='pixels', or clip=False"):
        attacked(model, images, units="preprocessed")
    assert attacked(model, images, units="preprocessed", clip=False).input_range is None
    assert attacked(model, images).input_range == (0.0, 1.0)


def test_signals_have_no_pixels():
    signals = RNG.normal(size=(5, 16)).astype("float32")
    model = zoo.RegularizedModel(keras.Sequential([keras.Input((16,)), layers.Dense(3)]))
    assert attacked(model, signals).input_range is None
    with pytest.raises(ValueError, match="units='pixels' needs images.*shape \\(5, 16\\)"):
        attacked(model, signals, units="pixels")
    with pytest.raises(ValueError, match="Unknown units 'pixel'. Did you mean 'pixels'"):
        attacked(model, signals, units="pixel")


@pytest.mark.parametrize("attack", ATTACKS)
def test_images_of_bytes_stay_in_their_range(attack):
    function = zoo.analysis.ATTACKS[attack]
    moved = keras.ops.convert_to_numpy(function(network(), IMAGES, LABELS, 60.0, seed=0))
    assert moved.min() >= 0 and moved.max() <= 255 and np.abs(moved - IMAGES).max() > 1
    free = keras.ops.convert_to_numpy(function(network(), IMAGES.astype("float32"), LABELS, 60.0, seed=0))
    assert free.min() < 0 or free.max() > 255  # floating point has no known range


@pytest.mark.parametrize("seed", [None, 0])
@pytest.mark.parametrize("attack", ATTACKS)
def test_attacks_take_arrays_and_any_seed(attack, seed):
    moved = zoo.analysis.ATTACKS[attack](network(), IMAGES / 255, np.eye(3)[LABELS], 0.1, seed)
    assert keras.ops.convert_to_numpy(moved).shape == IMAGES.shape


@pytest.mark.parametrize("attack", ["sign", "pgd_l2", "shift"])
def test_plain_models_and_one_hot_labels(attack):
    plain = network(layers.Rescaling(1 / 255))
    expected = attacked_error_percent(scaled(), IMAGES, LABELS, attack, 0.1)
    assert attacked_error_percent(plain, IMAGES, LABELS, attack, 0.1) == expected
    assert attacked_error_percent(plain, IMAGES, np.eye(3)[LABELS], attack, 0.1) == expected
    assert attacked_error_percent(scaled(activation="softmax"), IMAGES, LABELS, attack, 0.1) == expected


def test_one_sigmoid_unit_has_the_error_of_its_decisions():
    model, labels = scaled(activation="sigmoid", units=1), LABELS == 0
    wrong = (model.predict(IMAGES, verbose=0)[:, 0] > 0.5) != labels
    assert attacked_error_percent(model, IMAGES, labels, "gaussian_noise", 0.0) == pytest.approx(100 * wrong.mean())
    np.testing.assert_array_equal(misclassified(model, IMAGES, labels), wrong)
    assert attacked_error_percent(model, IMAGES, labels, "sign", 0.3) > 100 * wrong.mean()


def test_the_range_matters_for_the_error():
    dark = np.zeros((20, 4, 4, 1), "uint8")
    both = [attacked(scaled(), dark, clip=clip) for clip in (False, True)]
    free, kept = (zoo.analysis.sign_noise(network, x, LABELS, 0.1, None, bounds) for network, x, bounds in both)
    assert np.min(free) < 0 == np.min(kept)


def several(preprocessing=None, perturb=None):
    """A model of images and ages."""
    keras.utils.set_random_seed(2)
    inputs = {"image": keras.Input((4, 4, 1), name="image"), "age": keras.Input((1,), name="age")}
    joined = layers.Concatenate()([layers.Flatten()(inputs["image"]), inputs["age"]])
    model = zoo.RegularizedModel(
        keras.Model(inputs, layers.Dense(3)(joined)), preprocessing=preprocessing, perturb=perturb
    )
    model.build({"image": (None, 4, 4, 1), "age": (None, 1)})
    return model


BOTH = {"image": IMAGES, "age": RNG.normal(size=(20, 1)).astype("float32")}


def test_images_among_several_inputs_keep_their_range():
    for x, high in ((BOTH, 255.0), ({**BOTH, "image": (IMAGES / 255).astype("float32")}, 1.0)):
        network, inputs, input_range = attacked(several(), x)
        assert input_range == {"image": (0.0, high)}
        np.testing.assert_array_equal(inputs["image"], x["image"])
        moved = zoo.analysis.sign_noise(network, inputs, LABELS, 300.0, None, input_range)
        assert moved["image"].min() == 0 and moved["image"].max() == high and np.abs(moved["age"]).max() > 200
        assert attacked(several(), x, clip=False).input_range is None
        assert attacked(several(perturb={"age": 1.0}), x).input_range is None


def test_a_preprocessing_of_several_inputs_leaves_no_range():
    inputs = {"image": keras.Input((4, 4, 1), name="image"), "age": keras.Input((1,), name="age")}
    scaling = keras.Model(inputs, {**inputs, "image": layers.Rescaling(1 / 255)(inputs["image"])})
    model = several(scaling)
    network, prepared, input_range = attacked(model, BOTH)
    assert input_range is None
    np.testing.assert_allclose(prepared["image"], IMAGES / 255, rtol=1e-6)
    np.testing.assert_allclose(network(prepared), model.predict(BOTH, verbose=0), rtol=1e-4, atol=1e-5)
    assert attacked_error_percent(model, BOTH, LABELS, "pgd_l2", 0.1) >= attacked_error_percent(
        model, BOTH, LABELS, "pgd_l2", 0.0
    )


def test_scales_are_the_units_of_several_inputs():
    """A scale of 255 makes ε one of pixels from 0 to 1."""
    model = several(perturb={"image": 255.0, "age": 0.0})
    model.network.set_weights([weights / 100 for weights in model.network.get_weights()])  # so that no gradient is 0
    network, inputs, input_range = attacked(model, BOTH)
    moved = zoo.analysis.sign_noise(network, inputs, LABELS, 8 / 255, None, input_range)
    change = np.abs(moved["image"] - inputs["image"])
    np.testing.assert_allclose(change[(inputs["image"] >= 8) & (inputs["image"] <= 247)], 8, rtol=1e-4)
    assert moved["image"].min() >= 0 and moved["image"].max() <= 255
    np.testing.assert_array_equal(moved["age"], inputs["age"])


@pytest.mark.parametrize("attack", ["sign", "pgd_linf", "gaussian_noise", "virtual_adversarial", "apgd_l2"])
def test_the_error_of_one_image_among_others_is_that_of_the_image_alone(attack):
    several_model, size = several(perturb={"image": 255.0}), 0.05
    image = keras.Input((4, 4, 1))
    alone = keras.Model(image, several_model.network({"image": image, "age": 0 * image[:, 0, 0]}))
    x = {**BOTH, "age": 0 * BOTH["age"]}
    expected = attacked_error_percent(alone, IMAGES, LABELS, attack, size)
    assert attacked_error_percent(several_model, x, LABELS, attack, size) == expected


def test_units_of_pixels_are_for_one_image():
    with pytest.raises(ValueError, match="units='pixels' needs images.*received several inputs, or layers"):
        attacked(several(), BOTH, units="pixels")
    hidden = zoo.RegularizedModel(network(layers.Conv2D(2, 3, name="conv")), perturb="conv")
    with pytest.raises(ValueError, match="units='pixels' needs images.*received several inputs, or layers"):
        attacked(hidden, IMAGES, units="pixels")
    assert attacked(hidden, IMAGES).input_range is None
    errors = [attacked_error_percent(hidden, IMAGES / 255, LABELS, "pgd_l2", size) for size in (0.0, 5.0)]
    assert errors[0] < errors[1]


def test_a_classifier_says_what_a_plain_model_does_not():
    inputs = keras.Input((4, 4, 1))
    plain = keras.Model(inputs, [layers.Dense(1)(layers.Flatten()(inputs)), network()(inputs)])
    told = zoo.analysis.Classifier(plain, output=1)
    alone = keras.Model(inputs, plain.outputs[1])
    for attack in ("sign", "pgd_l2"):
        assert attacked_error_percent(told, IMAGES, LABELS, attack, 0.1) == attacked_error_percent(
            alone, IMAGES, LABELS, attack, 0.1
        )


def test_batch_statistics_and_layers_do_not_go_together():
    hidden = zoo.RegularizedModel(network(layers.Conv2D(2, 3, name="conv")), perturb="conv")
    with pytest.raises(ValueError, match="statistics='batch' attacks move inputs, received perturb='conv'"):
        attacked_error_percent(hidden, IMAGES, LABELS, "sign", 0.1, statistics="batch")


def test_movements_act_on_the_image_that_moves():
    model = several(perturb={"image": 255.0})
    wrong = attacked_error_percent(model, BOTH, LABELS, "shift", 1.0)
    moved = {**BOTH, "image": zoo.analysis.randomly_moved(IMAGES, "shift", 1.0, 0)}
    assert wrong == pytest.approx(100 * np.mean(model.predict(moved, verbose=0).argmax(axis=1) != LABELS))
    with pytest.raises(ValueError, match="The attack 'shift' moves positions on a lattice.*'age', 'image'"):
        attacked_error_percent(several(), BOTH, LABELS, "shift", 1.0)
    with pytest.raises(ValueError, match="Movements take one array, received a dict of 2"):
        zoo.analysis.move(BOTH, 1.0)


@pytest.mark.parametrize("units", ["pixels", "preprocessed"])
@pytest.mark.parametrize("model", [network(), scaled()], ids=["plain", "preprocessing"])
def test_the_options_of_a_classifier_stay(model, units):
    """With another scale the network would receive other inputs, and the error would be silently wrong."""
    classifier = zoo.analysis.Classifier(model, scale=51.0, statistics="batch")
    images = (IMAGES / 255).astype("float32")
    given = attacked(classifier, images, units=units)
    np.testing.assert_allclose(given.network(given.inputs), classifier(images), rtol=1e-4, atol=1e-5)
    assert given.network.statistics == "batch"


@pytest.mark.parametrize("clip", [True, False])
def test_bytes_among_several_inputs_leave_their_range_without_clipping(clip):
    inputs = {"image": keras.Input((4, 4, 1), name="image"), "age": keras.Input((1,), name="age")}
    joined = layers.Concatenate()([layers.Flatten()(inputs["image"]), inputs["age"]])
    model = keras.Model(inputs, layers.Dense(3)(joined))
    given = attacked(model, {"image": IMAGES, "age": np.ones((20, 1), "float32")}, clip=clip)
    moved = zoo.analysis.gaussian_noise(given.network, given.inputs, None, 100.0, 0, given.input_range)["image"]
    assert (moved.min() >= 0 and moved.max() <= 255) == clip
