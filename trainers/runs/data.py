"""The data on which a published model was trained."""

import zoo


def load_own_data(content, dataset=None):
    """The data set of a model, drawn as for its training.

    Args:
        content: the model's card.
        dataset: name of another data set in place of its own.

    Returns:
        A `zoo.datasets.Dataset`.

    Raises:
        ValueError: the card names no data set, or the inputs have another shape than the model takes.
    """
    recipe = content.get("recipe") or {}
    name = dataset or recipe.get("dataset")
    if name is None:
        raise ValueError(f"The card of {content['name']} names no data set, and none was given.")
    data = zoo.datasets.load(name, seed=content.get("seed", 0), num_validation=recipe.get("num_validation", 0))
    if list(data.x_test.shape[1:]) != content["input_shape"]:
        raise ValueError(
            f"{content['name']} takes inputs of shape {tuple(content['input_shape'])}, and {name} has "
            f"{data.x_test.shape[1:]}."
        )
    return data
