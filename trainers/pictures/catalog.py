"""All pictures by name."""

from trainers.pictures.from_networks import FROM_NETWORKS
from trainers.pictures.from_results import OF_TABLE, OF_ZOO, draw_results
from trainers.pictures.sources import Sources
from trainers.pictures.style import Picture
from zoo.validation import check_choice

FROM_RESULTS = (*OF_TABLE, *OF_ZOO)
PICTURES = (*FROM_NETWORKS, *FROM_RESULTS)


def draw(name: str, sources: Sources) -> Picture:
    """Draws a picture by its name.

    Args:
        name: one of `PICTURES`.
        sources: where to find the data.

    Raises:
        ValueError: the name is unknown, or the data are missing.
    """
    check_choice("picture", name, PICTURES)
    picture = FROM_NETWORKS[name](sources) if name in FROM_NETWORKS else draw_results(name, sources)
    if picture is None:
        raise ValueError(f"{sources.results} and {sources.analysis} have no data for the picture {name!r}.")
    return picture
