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
    """An image, `low` being black and `high` white or full color."""
    shown = np.clip((channels_last(image) - low) / (high - low), 0, 1)
    ax.imshow(shown, vmin=0, vmax=1, interpolation="nearest")
    without_axes(ax)


def show_change(ax, change, size):
    """A perturbation: gray where there is none; three channels as a color about gray."""
    ax.imshow(np.clip(0.5 + channels_last(change) / (2 * size), 0, 1), vmin=0, vmax=1, interpolation="nearest")
    without_axes(ax)


def draw_signal(ax, signal, behind=0.0):
    """A signal before a gray one."""
    ax.plot(np.broadcast_to(behind, signal.shape), color=GREY, linewidth=1)
    ax.plot(signal, color=BLUE, linewidth=1)
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
    panel, signals, told = WIDTH / len(versions), clean.ndim == 2, []
    figure, axes = new_figure(2 * len(clean) * (panel + 0.22), 2 * len(clean), len(versions))
    largest = max(np.abs(inputs - clean).max() for inputs in versions.values()) or 1.0
    for example, label in enumerate(labels):
        for column, (kind, inputs) in enumerate(versions.items()):
            (above, below), found = axes[2 * example : 2 * example + 2, column], probabilities[kind][example]
            if signals:
                draw_signal(above, inputs[example], clean[example])
                draw_signal(below, (inputs - clean)[example])
                below.set_ylim(-1.1 * largest, 1.1 * largest)
            else:
                show_image(above, inputs[example], clean.min(), clean.max())
                show_change(below, (inputs - clean)[example], largest)
            heading = verdict(found) if example else f"{kind}\n{verdict(found)}"
            above.set_title(heading, fontsize=8.5, **({"color": RED} if found.argmax() != label else {}))
            told.append(f"{kind if column else f'label {label}, clean'}: {verdict(found)}")
    return Picture(
        figure,
        f"Perturbations of the same size, {size}. {title}",
        f"Decision and confidence above each input, in red where it is wrong; the perturbation below it. "
        f"{'; '.join(told)}.",
    )
