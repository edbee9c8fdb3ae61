"""The sections of pictures on the page, in their order: what each is about, and which pictures it shows."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from trainers.page.drawing import Pictures
from trainers.results.tables import TABLES

HERO = "methods"  # the picture at the top of the page
PAGE_ORDER = sorted(TABLES, key=lambda key: key == "synthetic")  # readers look for images first


class Section(NamedTuple):
    """A section of pictures.

    Attributes:
        key: its anchor.
        title: heading.
        text: what the pictures show.
        of_zoo: names of pictures of all results.
        of_tables: names of pictures of the results of one table.
        files: names of pictures that `trainers.draw` writes.
    """

    key: str
    title: str
    text: str
    of_zoo: tuple[str, ...] = ()
    of_tables: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


SECTIONS = (
    Section(
        "cost",
        "Error against cost and labels",
        "A regularizer pays for its error with extra passes through the network in every training step. Methods that "
        "need no labels also learn from unlabeled images.",
        of_zoo=("error_by_cost", "errors_by_labels"),
    ),
    Section(
        "attacks",
        "Under attack",
        "An attack searches near an image for one that the network misclassifies. A low test error does not protect "
        "against it. Weak attacks flatter a network that hides its gradients: compare these curves with `pgd_linf` in "
        "the tables of errors below.",
        of_zoo=("accuracy_by_epsilon",),
        files=("adversarial_examples", "perturbations", "signal_perturbations"),
    ),
    Section(
        "movements",
        "Worst movements",
        "VMT penalizes how much the loss changes along the worst shift, rotation, scale or smooth deformation. The "
        "curves show the largest change of the loss, R, during training. R falls when the loss falls. The VMT "
        "paper divides the loss gradient by its norm. R then shows only how well the gradient aligns with movements.",
        of_tables=("worst_movements", "normalized_worst_movements"),
        files=("movement_fields", "sample_pairs", "signal_classes", "signal_pairs"),
    ),
    Section(
        "ladders",
        "What a ladder reconstructs",
        "A ladder network learns to remove noise from every level of its encoder.",
        files=("ladder_reconstructions", "combinators"),
    ),
    Section(
        "learning",
        "Learning curves",
        "Errors during training, on fixed samples of the training and of the test set.",
        of_tables=("learning_curves",),
    ),
    Section(
        "theory",
        "In the plane, and in theory",
        "With ten labels on two moons, the decision shows what each method makes of the unlabeled points. For small "
        "perturbations, each penalty approaches a limit that the Jacobian gives. On linear regression, adversarial "
        "noise has a closed form.",
        files=("decision_boundaries", "limit_ratios", "noise_kinds", "noisy_costs"),
    ),
)


def sections_content(pictures: Pictures, gallery: Mapping[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """The sections that have pictures.

    Args:
        pictures: of results, from `drawn_pictures`.
        gallery: `{name: picture}`, from `gallery_content`. Pictures that no section names are in the last one.

    Returns:
        Title, text and pictures of each section.
    """
    contents = []
    for section in SECTIONS:
        found = [pictures.get((name, None)) for name in section.of_zoo]
        found += [gallery.get(name) for name in section.files]
        found += [pictures.get((name, key)) for key in PAGE_ORDER for name in section.of_tables]
        contents.append({**section._asdict(), "pictures": [picture for picture in found if picture]})
    named = {name for section in SECTIONS for name in section.files} | {HERO}
    others = [picture for name, picture in gallery.items() if name not in named]
    contents.append({"key": "more", "title": "More pictures", "text": "", "pictures": others})
    return [content for content in contents if content["pictures"]]
