"""The attacks of torchattacks on a copy of one of our networks in PyTorch."""

import time
from collections.abc import Iterator

import keras
import numpy as np
import torch
import torchattacks
from torch import nn

from zoo.backend.keras_internals import flatten_layers


def in_torch(model: keras.Model) -> nn.Module:
    """The same fully connected network in PyTorch, for images `(n, 1, height, width)` with pixels from 0 to 1."""
    layers: list[nn.Module] = [nn.Flatten()]
    for layer in flatten_layers(model.network):
        weights = [torch.tensor(weight) for weight in layer.get_weights()]
        if isinstance(layer, keras.layers.Dense):
            linear = nn.Linear(*weights[0].shape, bias=layer.use_bias)
            linear.load_state_dict(dict(zip(("weight", "bias"), (weights[0].T, *weights[1:]), strict=False)))
            layers.append(linear)
        elif isinstance(layer, keras.layers.BatchNormalization):
            normalization = nn.BatchNorm1d(len(weights[0]), eps=layer.epsilon)
            names = ("weight", "bias", "running_mean", "running_var")
            normalization.load_state_dict(dict(zip(names, weights, strict=True)), strict=False)
            layers.append(normalization)
        elif isinstance(layer, keras.layers.Activation):
            layers.append(nn.ReLU())
    return nn.Sequential(*layers).eval()


def run_attacks(
    network: nn.Module, x: np.ndarray, y: np.ndarray, epsilon: float, norm: str
) -> Iterator[tuple[str, np.ndarray, float]]:
    """The attacks of AutoAttack, each on the images that resist so far: their names, which resist then, the seconds."""
    images, labels = torch.tensor(x).movedim(-1, 1).contiguous(), torch.tensor(y).long()
    options = {"norm": {"linf": "Linf", "l2": "L2"}[norm], "eps": epsilon, "seed": 0}
    # Not torchattacks.AutoAttack: it takes 10 steps where the standard version takes 100.
    attacks = {
        "apgd_ce": torchattacks.APGD(network, steps=100, loss="ce", **options),
        "apgd_t": torchattacks.APGDT(network, steps=100, n_classes=10, **options),
        "fab_t": torchattacks.FAB(network, steps=100, multi_targeted=True, n_classes=10, **options),
        "square": torchattacks.Square(network, n_queries=5000, **options),
    }
    with torch.no_grad():
        robust = network(images).argmax(dim=1) == labels
    for name, attack in attacks.items():
        if not robust.any():
            return
        start = time.perf_counter()
        attacked = attack(images[robust], labels[robust])
        seconds = time.perf_counter() - start
        with torch.no_grad():
            robust[robust.clone()] = network(attacked).argmax(dim=1) == labels[robust]
        yield name, robust.numpy().copy(), seconds
