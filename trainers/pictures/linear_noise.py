"""Adversarial noise on linear regression, where everything has a closed form: figures 22 and 25 to 27 of the thesis."""

import numpy as np
from keras import ops

from trainers.pictures.sources import Sources
from trainers.pictures.style import BLUE, GRAY, INK, RED, WIDTH, Picture, new_figure, styled
from zoo.regularizers import adversarial_noise

WEIGHTS, BIAS, THRESHOLD = np.array([-20.0, -40.0]), -40.0, 0.5
EPSILONS = {"gradient": 2.5e-4, "l2": 0.25, "sign": 0.25}  # those of the thesis, which does not give the points
CENTERS = {1: (-1.2, -1.0), 0: (-0.4, -0.2)}  # of the two classes, by their targets
NUM_POINTS, STD = 15, 0.25
EXTENT = (-2.1, 0.5, -1.9, 0.7)
COSTS = (0.02, 0.1, 0.3, 0.7, 1.5)  # levels of contours
EPSILON = 0.3  # of the noise on the one example whose cost is drawn: x = 1, target 1


def corrupted(
    points: np.ndarray, targets: np.ndarray, kind: str, epsilon: float, weights: np.ndarray, bias: np.ndarray | float
) -> np.ndarray:
    """Adds noise to points: ε times the direction in which the squared error `½(w·x + b − t)²` grows.

    Args:
        points: x, `(n, d)`.
        targets: t, `(n,)`.
        kind: of the noise, see `adversarial_noise`.
        epsilon: ε.
        weights: w, `(d,)` or `(n, d)`.
        bias: b, a number or `(n,)`.

    Returns:
        `(n, d)`.
    """
    gradient = ((weights * points).sum(-1) + bias - targets)[:, None] * weights
    return points + epsilon * ops.convert_to_numpy(adversarial_noise(ops.convert_to_tensor(gradient), kind))


def costs(weights: np.ndarray, biases: np.ndarray, kind: str | None, epsilon: float = EPSILON) -> np.ndarray:
    """The cost of the example x = 1 with target 1, for many weights and biases.

    Args:
        weights: `(n,)`.
        biases: `(n,)`.
        kind: of the noise on x, or None.
        epsilon: ε.

    Returns:
        `(n,)`.
    """
    x = np.ones((len(weights), 1))
    if kind is not None:
        x = corrupted(x, np.ones(len(weights)), kind, epsilon, weights[:, None], biases)
    return 0.5 * (weights * x[:, 0] + biases - 1) ** 2


def two_classes(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Points `(n, 2)` of two Gaussians, and their targets `(n,)`, 0 and 1."""
    rng = np.random.default_rng(seed)
    points = [rng.normal(center, STD, (NUM_POINTS, 2)) for center in CENTERS.values()]
    return np.concatenate(points), np.repeat(list(CENTERS), NUM_POINTS).astype("float64")


@styled
def draw_noise_kinds(sources: Sources) -> Picture:
    """Draws what each kind of noise does to points of two classes, with the decision threshold."""
    points, targets = two_classes()
    figure, axes = new_figure(WIDTH * 1.05, 2, 2, sharex=True, sharey=True)
    x, y = (np.linspace(low, high, 80) for low, high in (EXTENT[:2], EXTENT[2:]))
    outputs = WEIGHTS[0] * x + WEIGHTS[1] * y[:, None] + BIAS
    told = []
    for ax, kind in zip(axes.flat, [None, *EPSILONS], strict=True):
        if kind is None:
            ax.clabel(ax.contour(x, y, outputs, [-20, 20], colors=[GRAY], linewidths=0.7), fontsize=7)
        ax.contour(x, y, outputs, [THRESHOLD], colors=[INK], linewidths=1.2)
        for target, marker, color in ((0, "o", BLUE), (1, "^", RED)):
            ax.scatter(*points[targets == target].T, s=14, marker=marker, color=color, linewidths=0)
        ax.set_title("outputs" if kind is None else f"{kind}, ε = {EPSILONS[kind]:g}", fontsize=9)
        ax.set(xlim=EXTENT[:2], ylim=EXTENT[2:], aspect="equal")
        if kind is not None:
            moved = corrupted(points, targets, kind, EPSILONS[kind], WEIGHTS, BIAS)
            lengths = np.linalg.norm(moved - points, axis=-1)
            told.append(f"{kind} by {lengths.min():.2g} to {lengths.max():.2g}")
            for before, after in zip(points, moved, strict=True):
                ax.annotate("", after, before, arrowprops={"arrowstyle": "->", "color": INK, "linewidth": 0.7})
    return Picture(
        figure,
        "Adversarial noise on linear regression in the plane",
        "Two classes of points, and the line where the output is 0.5. The first panel has lines of equal outputs. "
        f"In the others arrows show how noise moves the points: {', '.join(told)}. The gradient moves those points "
        "most whose outputs are far from the targets 0 and 1. All arrows point away from the line: the outputs lie "
        "beyond the targets, and squared error grows with their distance.",
    )


@styled
def draw_noisy_costs(sources: Sources) -> Picture:
    """Draws the cost of one example over the weight and the bias, without noise and with two kinds."""
    titles = {None: "no noise", "gradient": f"gradient, ε = {EPSILON:g}", "sign": f"sign, ε = {EPSILON:g}"}
    figure, axes = new_figure(WIDTH / 3 + 0.5, 1, 3, sharey=True)
    weights, biases = np.meshgrid(np.linspace(-2, 2, 121), np.linspace(-1, 3, 121))
    for ax, (kind, title) in zip(axes.flat, titles.items(), strict=True):
        found = costs(weights.ravel(), biases.ravel(), kind).reshape(weights.shape)
        ax.contour(weights, biases, found, COSTS, colors=[BLUE], linewidths=0.8)
        ax.plot([-2, 2], [3, -1], color=RED, linestyle="--", linewidth=1)
        ax.set_title(title, fontsize=9)
        ax.set(xlabel="weight", aspect="equal")
    axes[0, 0].set_ylabel("bias")
    return Picture(
        figure,
        "The cost of one example over the parameters, with adversarial noise",
        f"Three panels with lines of equal cost ({', '.join(f'{cost:g}' for cost in COSTS)}) over the weight and the "
        "bias of a linear regression on the example x = 1 with target 1. A dashed line marks where the clean cost is "
        "0. Gradient noise narrows the valley where the weight is large. Sign noise raises the floor of the valley "
        "with the weight, so that the least cost next to the line is at weight 0.",
    )
