"""What the benchmarks time: networks, methods on them, and the work that no implementation of a method avoids."""

import dataclasses
import functools
import math
from typing import NamedTuple

import keras
import numpy as np

import zoo
from zoo import recipes
from zoo.recipes import build as recipe_build
from zoo.regularizers import build


class Products(NamedTuple):
    """The passes through the network's products that a method cannot avoid.

    Attributes:
        forward: products of inputs and kernels: forward passes, and movements pushed through the network.
        weight_gradient: products that give the gradient of the kernels.
        input_gradient: products that give the gradient of a layer's inputs.
        spared: how many of the last kind leave out the first layer, for whose inputs no gradient is wanted there.
    """

    forward: int
    weight_gradient: int
    input_gradient: int
    spared: int


class Layer(NamedTuple):
    """The product of one layer.

    Attributes:
        inputs, outputs: shapes of a whole batch, channels last.
        kernel: its shape.
        padding: `"same"` or `"valid"`; None where the layer is dense.
    """

    inputs: tuple
    outputs: tuple
    kernel: tuple
    padding: str | None

    @property
    def operations(self):
        """Floating-point operations of the product; either gradient takes as many."""
        return 2 * math.prod(self.outputs[:-1]) * math.prod(self.kernel)


TEN_STEPS = {"epsilon": 0.1, "norm": "linf", "num_steps": 10, "input_range": (0.0, 1.0)}
# Per method: its recipe, and the products that no implementation avoids. AT adds to a plain step the input gradient of
# the first layer, and a plain step at the moved inputs. With ten steps from a random start, and in TRADES, each step of
# the attack is a forward pass and an input gradient, next to two plain steps. VMT pushes the movement through the
# network, returns along both passes, and needs both products in the weight gradient. VAT makes two plain steps, and a
# push forward and a pull back for the direction.
METHODS = {
    "baseline": ({}, Products(1, 1, 1, 1)),
    "at_l2": ({"at": {"epsilon": 2.0}}, Products(2, 2, 2, 1)),
    "at_pgd": ({"at": {**TEN_STEPS, "random_start": True}}, Products(12, 2, 12, 2)),
    "trades": ({"trades": TEN_STEPS}, Products(12, 2, 12, 2)),
    "vat": ({"vat": {"epsilon": 2.0}}, Products(3, 2, 3, 2)),
    "vmt_shift": ({"vmt": {"field": "shift"}}, Products(2, 2, 2, 1)),
    "vmt_all": ({"vmt": {"field": "all"}}, Products(2, 2, 2, 1)),
    "vmt_smooth": ({"vmt": {"field": "smooth"}}, Products(2, 2, 2, 1)),
    "smoothness": ({"smoothness": {"epsilon": 0.1}}, Products(2, 2, 2, 2)),
    "jacobian_1": ({"jacobian": {"num_projections": 1}}, Products(2, 2, 2, 1)),
}
# Passes of the labeled rows, with as many unlabeled ones. Corrupted pass over both halves, clean pass over the
# unlabeled one, decoder; each of them once forwards and twice backwards.
LADDER_METHODS = {
    "baseline": (None, Products(1, 1, 1, 1)),
    "ladder_gamma": ("mnist_ladder-100_gamma", Products(3, 3, 3, 3)),
    "ladder": ("mnist_ladder-100_full", Products(4, 4, 4, 3)),
    "ladder_adversarial": ("mnist_ladder-100_adversarial", Products(5, 5, 5, 3)),
}
NETWORKS = {
    "mnist_mlp": ((28, 28, 1), recipes.get("mnist_mlp-baseline")),
    "conv_small": ((32, 32, 3), recipes.get("cifar10_conv_small-baseline")),
    "synthetic_mlp": ((100,), recipes.get("synthetic_mlp-baseline")),
    "ladder": ((28, 28, 1), recipes.get("mnist_ladder-100_full")),
}


def methods_of(network_name):
    """The methods that are timed on a network, each with its unavoidable products."""
    return LADDER_METHODS if network_name == "ladder" else METHODS


def build_network(network_name, precision="float32"):
    shape, recipe = NETWORKS[network_name]
    return recipe_build.build_network(dataclasses.replace(recipe, precision=precision), shape, num_classes=10)


def build_model(network_name, method, precision="float32", **compile_options):
    """A compiled model of one method, as its users have it.

    Args:
        network_name: of `NETWORKS`.
        method: of `methods_of` the network.
        precision: of `zoo.recipes.recipe.PRECISIONS`.
        **compile_options: of `compile`.
    """
    network = build_network(network_name, precision)
    spec, _ = methods_of(network_name)[method]
    if network_name == "ladder" and spec:
        model = zoo.LadderNetwork(network, **recipe_build.ladder_options(recipes.get(spec).ladder), seed=0)
    else:
        model = zoo.RegularizedModel(network, build(spec or {}), seed=0)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), **compile_options)
    return model


def images(network_name, num_examples):
    """Random inputs and labels."""
    rng = np.random.default_rng(0)
    x = rng.random((num_examples, *NETWORKS[network_name][0]), dtype="float32")
    return x, rng.integers(0, 10, num_examples).astype("int32")


@functools.cache
def batches(network_name, method, batch_size, steps):
    """An epoch of so many steps; ladders get as many unlabeled inputs as labeled ones."""
    x, y = images(network_name, 10 * batch_size)
    if network_name == "ladder" and method != "baseline":
        return zoo.datasets.SemiSupervised(
            x, y, x, batch_size=batch_size, unlabeled_batch_size=batch_size, steps_per_epoch=steps
        )
    return zoo.datasets.Batches(x, y, batch_size, steps_per_epoch=steps)


def layers_of(network, batch_size):
    """The products in one forward pass, a `Layer` each, the first one first.

    Raises:
        ValueError: a convolution has strides or dilation.
    """
    found = []
    for layer in network.layers:
        kernel = next((variable for variable in layer.trainable_variables if len(variable.shape) > 1), None)
        if kernel is None:
            continue
        if {*getattr(layer, "strides", ()), *getattr(layer, "dilation_rate", ())} - {1}:
            raise ValueError(f"The layer {layer.name!r} has strides or dilation, which the limit does not know.")
        inputs, outputs = ((batch_size, *tensor.shape[1:]) for tensor in (layer.input, layer.output))
        found.append(Layer(inputs, outputs, tuple(kernel.shape), getattr(layer, "padding", None)))
    return found
