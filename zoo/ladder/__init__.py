"""Ladder networks: classifiers that learn from labels and from denoising their own layers."""

from zoo.ladder.adversarial_noise import AdversarialNoise
from zoo.ladder.combinators import COMBINATORS
from zoo.ladder.encoder import ladder_encoder
from zoo.ladder.ladder_network import LadderNetwork

__all__ = ["COMBINATORS", "AdversarialNoise", "LadderNetwork", "ladder_encoder"]
