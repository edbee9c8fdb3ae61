"""The same input perturbed in several ways, with what the network makes of it."""

import numpy as np

from trainers.pictures.style import BLUE, GREY, RED, WIDTH, Picture, new_figure, styled, without_axes


def verdict(probabilities):
    """The decision and its probability: `7, 99.2 %`."""
    return f"{probabilities.argmax()}, {100 * probabilities.max():.1f} %"


def channels_last(image):
    """A picture of one or three channels as `imshow` takes it."""
    return np.squeeze(image, axis=-1) if image.shape[-1] == 1 else image


def show_image(ax, image, low=0.0, high=1.0):
    """An image, `low` being black and `high` white or full colour."""
    shown = np.clip((channels_last(image) - low) / (high - low), 0, 1)
    ax.imshow(shown, vmin=0, vmax=1, interpolation="nearest")
    without_axes(ax)


def show_change(ax, change, size):
    """A perturbation: grey where there is none; three channels as a colour about grey."""
    ax.imshow(np.clip(0.5 + channels_last(change) / (2 * size), 0, 1), vmin=0, vmax=1, interpolation="nearest")
    without_axes(ax)


def draw_signal(ax, clean, perturbed):
    ax.plot(clean, color=GREY, linewidth=1)
    ax.plot(perturbed, color=BLUE, linewidth=1)
    ax.tick_params(labelleft=False, labelbottom=False)


@styled
def perturbed_inputs(versions, probabilities, labels, size, title):
    """Inputs beside their perturbed versions, decision and confidence above each, the perturbation below it.

    Args:
        versions: `{kind of perturbation: inputs (n, ...)}`, the first being the clean inputs: signals `(n, length)`
            or images `(n, height, width, channels)` of one or three channels.
        probabilities: `{kind: (n, num_classes)}`.
        labels: `(n,)`.
        size: what the perturbations have in common, for the title.
        title: of data and network.
    """
    clean, *_ = versions.values()
    signals = clean.ndim == 2
    panel = WIDTH / len(versions)
    rows = len(clean) * (1 if signals else 2)
    figure, axes = new_figure(rows * (panel + 0.22) + 0.1, rows, len(versions))
    largest = max(np.abs(inputs - clean).max() for inputs in versions.values())
    told = []
    for example, label in enumerate(labels):
        for column, (kind, inputs) in enumerate(versions.items()):
            row, told_here = (example if signals else 2 * example), verdict(probabilities[kind][example])
            if signals:
                draw_signal(axes[row, column], clean[example], inputs[example])
            else:
                show_image(axes[row, column], inputs[example], clean.min(), clean.max())
                show_change(axes[row + 1, column], (inputs - clean)[example], largest)
            wrong = probabilities[kind][example].argmax() != label
            heading = f"{kind}\n{told_here}" if example == 0 else told_here
            axes[row, column].set_title(heading, fontsize=8.5, **({"color": RED} if wrong else {}))
            told.append(f"{kind if column else f'label {label}, clean'}: {told_here}")
    return Picture(
        figure,
        f"Perturbations of the same size, {size}. {title}",
        "Decision and confidence above each input, in red where it is wrong; "
        + ("the clean signal in grey behind it. " if signals else "the perturbation below it. ")
        + "; ".join(told)
        + ".",
    )
