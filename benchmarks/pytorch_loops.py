"""The methods as one would write them by hand in PyTorch: what the zoo's steps are compared with."""

import itertools

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from benchmarks import pytorch_ladder
from benchmarks.subjects import NETWORKS, images
from zoo.regularizers.math.field_bases import orthonormal_basis
from zoo.regularizers.math.movement_fields import Rotation, Scale, Shift, Smooth

EPSILON, XI, NOISE_STD = 2.0, 1e-2, 0.1
RADIUS, NUM_STEPS = 0.1, 10  # of the attacks in L∞
AUTOCAST = {"float32": None, "mixed_bfloat16": torch.bfloat16, "mixed_float16": torch.float16}


def build_mlp(shape, hidden_units):
    widths = [int(np.prod(shape)), *hidden_units]
    layers = [nn.Flatten()]
    for inputs, outputs in itertools.pairwise(widths):
        layers += [nn.Linear(inputs, outputs, bias=False), nn.BatchNorm1d(outputs), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(widths[-1], 10))


def build_conv_small():
    def block(inputs, outputs, size, padding=0):
        convolution = nn.Conv2d(inputs, outputs, size, padding=padding, bias=False)
        return [convolution, nn.BatchNorm2d(outputs), nn.LeakyReLU(0.1)]

    wide = [*block(3, 64, 3, 1), *block(64, 64, 3, 1), *block(64, 64, 3, 1), nn.MaxPool2d(2), nn.Dropout(0.5)]
    wider = [*block(64, 128, 3, 1), *block(128, 128, 3, 1), *block(128, 128, 3, 1), nn.MaxPool2d(2), nn.Dropout(0.5)]
    top = [*block(128, 128, 3), *block(128, 128, 1), *block(128, 128, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*wide, *wider, *top, nn.Linear(128, 10))


def unit(x):
    return x / x.flatten(1).norm(dim=1).view(-1, *[1] * (x.ndim - 1)).clamp_min(1e-12)


def categorical_kl(logits, other):
    log_p, log_q = functional.log_softmax(logits, 1), functional.log_softmax(other, 1)
    return (log_p.exp() * (log_p - log_q)).sum(1).mean()


def baseline(network, x, y):
    return functional.cross_entropy(network(x), y)


def at_l2(network, x, y):
    x.requires_grad_()
    loss = functional.cross_entropy(network(x), y)
    (gradient,) = torch.autograd.grad(loss, x, retain_graph=True)
    return loss + functional.cross_entropy(network((x + EPSILON * unit(gradient)).detach()), y)


def attacked(network, x, start, loss_of):
    """Ten steps up a loss in a ball in L∞, within pixels from 0 to 1."""
    moved = start.clamp(0, 1)
    for _ in range(NUM_STEPS):
        moved.requires_grad_()
        (gradient,) = torch.autograd.grad(loss_of(network(moved)), moved)
        moved = moved.detach() + 2.5 * RADIUS / NUM_STEPS * gradient.sign()
        moved = moved.clamp(x - RADIUS, x + RADIUS).clamp(0, 1)
    return moved


def at_pgd(network, x, y):
    start = x + RADIUS * (2 * torch.rand_like(x) - 1)
    moved = attacked(network, x, start, lambda logits: functional.cross_entropy(logits, y))
    return functional.cross_entropy(network(x), y) + functional.cross_entropy(network(moved), y)


def trades(network, x, y):
    logits = network(x)
    start = x + 1e-3 * torch.randn_like(x)
    moved = attacked(network, x, start, lambda other: categorical_kl(logits.detach(), other))
    return functional.cross_entropy(logits, y) + categorical_kl(logits, network(moved))


def vat(network, x, y):
    logits = network(x)
    direction = unit(torch.randn_like(x)).requires_grad_()
    (gradient,) = torch.autograd.grad(categorical_kl(logits.detach(), network(x + XI * direction)), direction)
    moved = network(x + EPSILON * unit(gradient).detach())
    return functional.cross_entropy(logits, y) + categorical_kl(logits.detach(), moved)


def smoothness(network, x, y):
    logits = network(x)
    moved = network(x + NOISE_STD * torch.randn_like(x))
    return functional.cross_entropy(logits, y) + (logits - moved).square().sum(1).mean()


def jacobian_1(network, x, y):
    x.requires_grad_()
    logits = network(x)
    direction = unit(torch.randn_like(logits))
    (pulled,) = torch.autograd.grad((logits * direction).sum(), x, create_graph=True)
    return functional.cross_entropy(logits, y) + pulled.square().flatten(1).sum(1).mean()


def movement(families, on_lattice):
    """The loss of virtual movement training over some families of fields, on images `(n, channels, height, width)`."""
    bases = [torch.from_numpy(orthonormal_basis(f.basis(on_lattice)).astype("float32")) for f in families]
    bases = [basis.permute(2, 1, 0).contiguous() for basis in bases]  # (axis, position, field)

    def loss(network, x, y):
        x.requires_grad_()
        plain = functional.cross_entropy(network(x), y, reduction="none")
        (gradient,) = torch.autograd.grad(plain.sum(), x, create_graph=True)
        padded = functional.pad(x.detach(), (1, 1, 1, 1))
        down = (padded[:, :, 2:, 1:-1] - padded[:, :, :-2, 1:-1]) / 2
        right = (padded[:, :, 1:-1, 2:] - padded[:, :, 1:-1, :-2]) / 2
        pulls = [(gradient * slope).sum(1).flatten(1) for slope in (down, right)]
        scores = [pulls[0] @ basis[0].to(x.device) + pulls[1] @ basis[1].to(x.device) for basis in bases]
        worst = torch.stack([(each.square().sum(1) + 1e-30).sqrt() for each in scores], 1)
        weights = torch.rand(len(bases), device=x.device) if len(bases) > 1 else torch.ones(1, device=x.device)
        return (plain + worst @ (weights / weights.sum())).mean()

    return loss


METHODS = {
    "baseline": lambda lattice: baseline,
    "at_l2": lambda lattice: at_l2,
    "at_pgd": lambda lattice: at_pgd,
    "trades": lambda lattice: trades,
    "vat": lambda lattice: vat,
    "vmt_shift": lambda lattice: movement([Shift()], lattice),
    "vmt_all": lambda lattice: movement([Shift(), Rotation(), Scale()], lattice),
    "vmt_smooth": lambda lattice: movement([Smooth()], lattice),
    "smoothness": lambda lattice: smoothness,
    "jacobian_1": lambda lattice: jacobian_1,
}


def build_network(network_name):
    shape, recipe = NETWORKS[network_name]
    if network_name == "ladder":
        return pytorch_ladder.Ladder()
    return build_conv_small() if network_name == "conv_small" else build_mlp(shape, recipe.network["hidden_units"])


def loss_function(network_name, method):
    """`(network, images, labels) -> scalar` of a method; None where it is not written here."""
    if network_name == "ladder":
        return pytorch_ladder.METHODS.get(method)
    return METHODS[method](NETWORKS[network_name][0][:-1]) if method in METHODS else None


def put(network_name, batch_size, device):
    """A network, images and labels on a device; channels last in memory where the network has convolutions."""
    network = build_network(network_name).to(device).train()
    images_, labels = images(network_name, 10 * batch_size)
    images_ = images_[:, None] if images_.ndim == 2 else np.moveaxis(images_, -1, 1)  # channels first
    x, y = torch.from_numpy(images_.copy()).to(device), torch.from_numpy(labels).long().to(device)
    if any(isinstance(module, nn.Conv2d) for module in network.modules()):
        network, x = (each.to(memory_format=torch.channels_last) for each in (network, x))
    return network, x, y


def trainer(network_name, method, batch_size, on_cpu, precision="float32"):
    """A function that trains for a number of steps.

    Args:
        network_name: of `benchmarks.subjects.NETWORKS`.
        method: of which there is a `loss_function`.
        batch_size: inputs in a batch.
        on_cpu: whether to train on the CPU, else on the GPU.
        precision: of `zoo.recipes.recipe.PRECISIONS`. Losses are not scaled in float16: only the time counts.
    """
    device, dtype = "cpu" if on_cpu else "cuda", AUTOCAST[precision]
    if not on_cpu:
        torch.set_float32_matmul_precision("high")  # TF32, in which the zoo's float32 computes there too
        torch.backends.cudnn.benchmark = True
    network, x, y = put(network_name, batch_size, device)
    optimizer = torch.optim.Adam(network.parameters(), fused=True)
    loss_of = loss_function(network_name, method)

    def train(steps):
        for step in range(steps):
            rows = slice(step % 10 * batch_size, (step % 10 + 1) * batch_size)
            optimizer.zero_grad()
            with torch.autocast(device, dtype, enabled=dtype is not None):
                loss = loss_of(network, x[rows].detach(), y[rows])
            loss.backward()
            optimizer.step()
        if not on_cpu:
            torch.cuda.synchronize()

    return train
