"""The ladder networks of MNIST as one would write them by hand in PyTorch."""

import itertools

import torch
from torch import nn
from torch.nn import functional

UNITS = (784, 1000, 500, 250, 250, 250, 10)
NOISE_STD, TAU_LABELED, TAU_UNLABELED = 0.3, 4.5e-2, 4.5e-4
# λ of the levels from the input up.
WEIGHTS = {"ladder": (1000.0, 10.0, *[0.1] * 5), "ladder_gamma": (*[0.0] * 6, 0.5)}


class Ladder(nn.Module):
    """Encoder, decoder and combinators of a fully connected ladder; labeled rows come first."""

    def __init__(self):
        super().__init__()
        pairs = list(itertools.pairwise(UNITS))
        self.encoder = nn.ModuleList(nn.Linear(below, above, bias=False) for below, above in pairs)
        self.decoder = nn.ModuleList(nn.Linear(above, below, bias=False) for below, above in pairs)
        self.shifts = nn.ParameterList(torch.zeros(units) for units in UNITS[1:])
        self.scale = nn.Parameter(torch.ones(UNITS[-1]))
        start = torch.tensor([0.0, 1, 0, 0, 0, 0, 1, 0, 0, 0])[:, None]
        self.combinators = nn.ParameterList(start.repeat(1, units) for units in UNITS)
        averages = [torch.zeros(2, units) for units in UNITS[1:]]
        self.averages = nn.ParameterList(nn.Parameter(each, requires_grad=False) for each in averages)

    def encode(self, x, boundary, corrupt=lambda z: z, track=False):
        """z of all levels, logits, and the moments of the rows from `boundary` on."""
        h = corrupt(x)
        z, moments = [h], []
        for level, (linear, shift) in enumerate(zip(self.encoder, self.shifts, strict=True)):
            pre = linear(h).float()  # statistics are in float32 whatever the products are in
            groups = [pre[:boundary], pre[boundary:]] if boundary else [pre]
            of_groups = [torch.var_mean(group, 0, correction=0) for group in groups]
            normal = [(group - m) * torch.rsqrt(v + 1e-10) for group, (v, m) in zip(groups, of_groups, strict=True)]
            z.append(corrupt(torch.cat(normal)))
            moments.append(of_groups[-1])
            h = functional.relu(z[-1] + shift) if level < len(self.encoder) - 1 else self.scale * (z[-1] + shift)
            if track:
                self.averages[level].lerp_(torch.stack(of_groups[-1]).detach(), 0.01)
        return z, h, moments

    def denoise(self, z, logits, lowest):
        """ẑ of the levels from `lowest` up."""
        estimates, u = {}, logits.softmax(1)
        for level in range(len(UNITS) - 1, lowest - 1, -1):
            variance, mean = torch.var_mean(u, 0, correction=0)
            u = (u - mean) * torch.rsqrt(variance + 1e-10)
            a = self.combinators[level]
            center = a[0] * torch.sigmoid(a[1] * u + a[2]) + a[3] * u + a[4]
            estimates[level] = center + (z[level] - center) * (a[5] * torch.sigmoid(a[6] * u + a[7]) + a[8] * u + a[9])
            if level > lowest:
                u = self.decoder[level - 1](estimates[level]).float()
        return estimates


def gaussian(z):
    return z + NOISE_STD * torch.randn_like(z)


def adversarial_noise(network, x, y):
    """The clean pass over all rows, and sign noise for the labeled ones, scaled L2 noise for the others."""
    x = x.detach().requires_grad_()
    clean = network.encode(x, len(y), track=True)
    targets = torch.cat([y, clean[1][len(y) :].argmax(1)])
    loss = functional.cross_entropy(clean[1], targets, reduction="sum")
    (gradient,) = torch.autograd.grad(loss, x, retain_graph=True)
    labeled, unlabeled = gradient[: len(y)], gradient[len(y) :]
    unlabeled = unlabeled / unlabeled.norm(dim=1, keepdim=True).clamp_min(1e-12)
    return clean, torch.cat([TAU_LABELED * labeled.sign(), TAU_UNLABELED * UNITS[0] ** 0.5 * unlabeled])


def ladder(weights, adversarial=False):
    """The cost of a ladder with these λ, the labeled images serving as unlabeled ones, too."""

    def cost(network, images, y):
        labeled = images.flatten(1)
        x = torch.cat([labeled, labeled.flip(0)])
        if adversarial:
            (z, _, moments), noise = adversarial_noise(network, x, y)
            z = [each[len(y) :] for each in z]
        else:
            z, _, moments = network.encode(x[len(y) :], None, track=True)
            noise = 0.0
        noisy_z, logits, _ = network.encode(x + noise, len(y), gaussian)
        total = functional.cross_entropy(logits[: len(y)], y)
        lowest = next(level for level, weight in enumerate(weights) if weight)
        estimates = network.denoise([each[len(y) :] for each in noisy_z], logits[len(y) :], lowest)
        for level, estimate in estimates.items():
            if level:
                variance, mean = moments[level - 1]
                estimate = (estimate - mean) * torch.rsqrt(variance + 1e-10)
            total = total + weights[level] * (z[level] - estimate).square().mean()
        return total

    return cost


def supervised(network, images, y):
    return functional.cross_entropy(network.encode(images.flatten(1), None, track=True)[1], y)


METHODS = {
    "baseline": supervised,
    "ladder_gamma": ladder(WEIGHTS["ladder_gamma"]),
    "ladder": ladder(WEIGHTS["ladder"]),
    "ladder_adversarial": ladder(WEIGHTS["ladder"], adversarial=True),
}
