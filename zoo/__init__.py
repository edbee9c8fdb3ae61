"""A model zoo of regularized classifiers for Keras 3, on TensorFlow and on JAX.

The zoo has adversarial training, virtual adversarial training, virtual movement training, smoothness penalties and
classical regularizers for any Keras network, ladder networks, and pretrained models.

Example:
    >>> network = zoo.networks.mlp((784,), num_classes=10, hidden_units=(8,))
    >>> model = zoo.RegularizedModel(network, zoo.VirtualAdversarialTraining(epsilon=2.0))
    >>> model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
"""

import zoo.backend.derivatives  # noqa: F401 (first, because it refuses other backends with a clear message)
from zoo import analysis, datasets, ladder, layers, networks, pretrained, recipes, regularizers, training
from zoo.ladder import LadderNetwork
from zoo.pretrained import export, list_models, load, model_card
from zoo.regularizers import (
    AdversarialTraining,
    AdversarialWeightPerturbation,
    EntropyMinimization,
    JacobianPenalty,
    Mart,
    NormConstraint,
    ParameterTying,
    Smoothness,
    TangentPropagation,
    Trades,
    VirtualAdversarialTraining,
    VirtualMovementTraining,
    WeightNoise,
)
from zoo.training import RegularizedModel

__version__ = "0.1.0"

__all__ = [
    "AdversarialTraining",
    "AdversarialWeightPerturbation",
    "EntropyMinimization",
    "JacobianPenalty",
    "LadderNetwork",
    "Mart",
    "NormConstraint",
    "ParameterTying",
    "RegularizedModel",
    "Smoothness",
    "TangentPropagation",
    "Trades",
    "VirtualAdversarialTraining",
    "VirtualMovementTraining",
    "WeightNoise",
    "analysis",
    "datasets",
    "export",
    "ladder",
    "layers",
    "list_models",
    "load",
    "model_card",
    "networks",
    "pretrained",
    "recipes",
    "regularizers",
    "training",
]
