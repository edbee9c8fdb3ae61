"""What the benchmarks time: networks, methods on them, and the work that no implementation of a method avoids."""

import functools
import math

import keras
import numpy as np

import zoo
from zoo import recipes
from zoo.recipes import build as recipe_build
from zoo.regularizers import build

# Per method: its recipe, and its unavoidable work as multiples (a, b): a of the network's forward products less b of
# its first layer's, for whose inputs no gradient is wanted. A plain step is forward product, weight gradient and input
# gradient: (3, 1). AT adds the input gradient of the first layer, and a plain step at the moved inputs. VMT pushes the
# movement through the network, returns along both passes, and needs both products in the weight gradient. VAT makes
# two plain steps, and a push forward and a pull back for the direction.
METHODS = {
    "baseline": ({}, (3, 1)),
    "at_l2": ({"at": {"epsilon": 2.0}}, (6, 1)),
    "vat": ({"vat": {"epsilon": 2.0}}, (8, 2)),
    "vmt_shift": ({"vmt": {"field": "shift"}}, (6, 1)),
    "vmt_all": ({"vmt": {"field": "all"}}, (6, 1)),
    "vmt_smooth": ({"vmt": {"field": "smooth"}}, (6, 1)),
    "smoothness": ({"smoothness": {"epsilon": 0.1}}, (6, 2)),
    "jacobian_1": ({"jacobian": {"num_projections": 1}}, (6, 1)),
}
# In forward products of the labeled rows, with as many unlabeled ones. Corrupted pass over both halves, clean pass
# over the unlabeled one, decoder; each of them once forwards and twice backwards.
LADDER_METHODS = {
    "baseline": (None, (3, 1)),
    "ladder_gamma": ("mnist_ladder-100_gamma", (9, 3)),
    "ladder": ("mnist_ladder-100_full", (12, 3)),
    "ladder_adversarial": ("mnist_ladder-100_adversarial", (15, 3)),
}
NETWORKS = {
    "mnist_mlp": ((28, 28, 1), recipes.get("mnist_mlp-baseline")),
    "conv_small": ((32, 32, 3), recipes.get("cifar10_conv_small-baseline")),
    "synthetic_mlp": ((100,), recipes.get("synthetic_mlp-baseline")),
    "ladder": ((28, 28, 1), recipes.get("mnist_ladder-100_full")),
}


def methods_of(network_name):
    """The methods that are timed on a network, each with its unavoidable work."""
    return LADDER_METHODS if network_name == "ladder" else METHODS


def build_network(network_name):
    shape, recipe = NETWORKS[network_name]
    return recipe_build.build_network(recipe, shape, num_classes=10)


def build_model(network_name, method, **compile_options):
    """A compiled model of one method, as its users have it."""
    network = build_network(network_name)
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


def forward_work(network, batch_size):
    """Floating-point operations of the products in one forward pass: of all layers, and of the first."""
    work = []
    for layer in network.layers:
        kernel = next((variable for variable in layer.trainable_variables if len(variable.shape) > 1), None)
        if kernel is not None:
            positions = math.prod(layer.output.shape[1:-1])
            work.append(2 * batch_size * positions * math.prod(kernel.shape))
    return sum(work), work[0]
