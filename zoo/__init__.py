"""A model zoo of regularized classifiers for Keras 3.

Adversarial training, virtual adversarial training, virtual movement training, smoothness penalties and the classical
regularizers, for any Keras network, on TensorFlow and on JAX.
"""

import zoo.backend.derivatives  # noqa: F401 (first: it refuses a backend on which nothing else would work)
from zoo import analysis, datasets, ladder, layers, networks, pretrained, recipes, regularizers
from zoo.ladder import LadderNetwork
from zoo.pretrained import export, list_models, load, model_card
from zoo.regularizers import (
    AdversarialTraining,
    EntropyMinimization,
    JacobianPenalty,
    ParameterTying,
    Smoothness,
    VirtualAdversarialTraining,
    VirtualMovementTraining,
    WeightNoise,
)
from zoo.training import RegularizedModel

__version__ = "0.1.0"

__all__ = [
    "AdversarialTraining",
    "EntropyMinimization",
    "JacobianPenalty",
    "LadderNetwork",
    "ParameterTying",
    "RegularizedModel",
    "Smoothness",
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
]
