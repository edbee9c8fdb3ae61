"""Training of any Keras network with a regularizer, by Keras's own `fit`."""

from zoo.training.callbacks.reestimate_statistics import ReestimateStatistics
from zoo.training.execution_plan import ExecutionPlan
from zoo.training.objective_model import ObjectiveModel
from zoo.training.regularized_model import RegularizedModel
from zoo.training.schedules import LinearDecay
from zoo.training.statistics import reestimate_statistics

__all__ = [
    "ExecutionPlan",
    "LinearDecay",
    "ObjectiveModel",
    "ReestimateStatistics",
    "RegularizedModel",
    "reestimate_statistics",
]
