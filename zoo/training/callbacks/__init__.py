"""Callbacks that run between the steps and the epochs of a training."""

from zoo.training.callbacks.checkpoint import Checkpoint
from zoo.training.callbacks.halt_on_nan import HaltOnNaN
from zoo.training.callbacks.reestimate_statistics import ReestimateStatistics
from zoo.training.callbacks.timer import Timer
from zoo.training.callbacks.warn_on_nan import WarnOnNaN

__all__ = ["Checkpoint", "HaltOnNaN", "ReestimateStatistics", "Timer", "WarnOnNaN"]
