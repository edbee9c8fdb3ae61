"""The shared head of the models that train on an objective of their own."""

import contextlib
import functools
from typing import Any

import keras
from keras import ops

from zoo.backend.keras_internals import takes_training
from zoo.backend.random_numbers import as_generator
from zoo.backend.replicas import num_replicas
from zoo.datasets import Batches, SemiSupervised
from zoo.datasets.epochwise import kept_epoch
from zoo.training.arguments import arguments_of, shape_of, split_inputs
from zoo.training.checks import check_data
from zoo.training.execution_plan import let_jax_compile, observe, plan_execution
from zoo.training.lazy_terms import TakingTurns, patterns
from zoo.training.outputs import check_outputs, outputs_of
from zoo.training.precision import computes_in

if keras.backend.backend() == "jax":
    from zoo.training import jax_step as backend_step
else:
    from zoo.training import tensorflow_step as backend_step

Tensor = Any


class ObjectiveModel(keras.Model):
    """A network with its preprocessing, which `fit` trains on `objective(x, y, sample_weight)`.

    A subclass writes the objective. Everything else is Keras's: `predict` and `evaluate` run preprocessing and network.

    Args:
        network: any `keras.Model` or layer with one input tensor and one output of shape `(batch, units)`.
        preprocessing: a Keras layer that runs before the network, or None. No gradient runs through it: it is made
            not trainable, so that weight decay does not act on it.
        seed: integer from which the objective's random numbers are drawn; None takes one from Keras's global state.

    Attributes:
        execution_plan: the `ExecutionPlan` of the last `fit`, None before the first.
        iterations: number of training steps so far.

    Raises:
        ValueError: the network has several inputs.
    """

    def __init__(self, network, *, preprocessing=None, seed=None, **kwargs):
        super().__init__(**kwargs)
        if len(inputs := getattr(network, "inputs", None) or ()) > 1:
            raise ValueError(f"{type(self).__name__} wraps networks with one input, received {len(inputs)} inputs.")
        self.network = network
        self.preprocessing = preprocessing
        if preprocessing is not None:
            preprocessing.trainable = False
        self.seed_generator = as_generator(seed)
        self.iterations = self.add_weight(shape=(), dtype="int32", initializer="zeros", trainable=False, name="steps")
        self.raw_input_shape = None
        self.penalty_metrics = []
        self.execution_plan = None

    @property
    def intervals(self) -> list[int]:
        """K of every term of the objective that takes part in every k-th step only."""
        return []

    def objective(self, x, y, sample_weight=None, active=None) -> tuple[Tensor, Tensor]:
        """The loss of one batch; updates the state of the network.

        Args:
            x: inputs, or labeled and unlabeled ones.
            y: labels of the labeled inputs, as the loss takes them.
            sample_weight: `(num_labeled,)` or None.
            active: for each of `intervals` whether the term takes part; None for all.

        Returns:
            The scalar loss and the outputs for the labeled inputs.
        """
        raise NotImplementedError

    def labeled_loss(self, x, y, y_pred, sample_weight):
        """The compiled loss and the weight penalties of the layers: the mean over the examples of this device."""
        # Keras divides the loss by the number of devices, whose gradients it adds up.
        return self.compute_loss(x, y, y_pred, sample_weight, training=True) * num_replicas()

    def compile(self, *args, jit_compile="auto", steps_per_execution="auto", **kwargs):
        """Keras's `compile`. What is `"auto"` is decided when `fit` begins, see `zoo.training.execution_plan`.

        Raises:
            ValueError: `loss_weights`, which Keras would apply to the loss but not to the penalties.
        """
        options = arguments_of(keras.Model.compile, *args, **kwargs)
        if options.get("loss_weights") is not None:
            raise ValueError(
                "There is one loss, and penalties have their own weights: loss_weights must be None, received "
                f"{options['loss_weights']!r}."
            )
        self.compile_request = {"jit_compile": jit_compile, "steps_per_execution": steps_per_execution}
        self.execution_plan = None
        let_jax_compile([self.network, self.preprocessing])
        steps = 1 if steps_per_execution == "auto" else steps_per_execution
        super().compile(*args, jit_compile=jit_compile, steps_per_execution=steps, **kwargs)
        scaled = self.optimizer is None or isinstance(self.optimizer, keras.optimizers.LossScaleOptimizer)
        if options.get("auto_scale_loss", True) and not scaled and computes_in(self, "float16"):
            # Keras looks at the policy of this model only, not at that of the network inside.
            self.optimizer = keras.optimizers.LossScaleOptimizer(self.optimizer)

    def get_compile_config(self):
        config = super().get_compile_config()
        return config and {**config, "steps_per_execution": self.compile_request["steps_per_execution"]}

    def compile_from_config(self, config):
        """Compiles a loaded model as it was. The backend that runs now decides again whether XLA compiles."""
        self.compile(**keras.saving.deserialize_keras_object({**config, "jit_compile": "auto"}))
        if self.built and self.optimizer is not None:
            self.optimizer.build(self.trainable_variables)

    def build(self, input_shape):
        self.raw_input_shape = tuple(split_inputs(input_shape)[0][1:])
        inputs = keras.KerasTensor((None, *self.raw_input_shape))
        if self.preprocessing is not None:
            inputs = self.preprocessing(inputs)
        if not self.network.built:
            self.network(inputs)  # not its build(): only a call builds the layers inside any layer
        self.built = True

    def call(self, x, training=False):
        inputs, _ = split_inputs(x)
        if self.preprocessing is not None:
            inputs = self.preprocessing(inputs, training=training)
        outputs = self.call_network(inputs, training)
        if self.compiled and self.loss is not None:
            check_outputs(outputs, outputs_of(self.loss).kind)  # before the loss fails on them
        return outputs

    def call_network(self, inputs, training):
        """The network in the given mode; networks whose `call` knows no modes are called without."""
        return self.network(inputs, training=training) if takes_training(self.network) else self.network(inputs)

    def fit(self, x=None, y=None, *args, **kwargs):
        """Keras's `fit`. Arrays are checked first, and the zoo's own batches keep their order.

        Raises:
            ValueError: NaN or infinite inputs; labels out of range, of another length, or not integers if the loss
                wants class indices; in `validation_data` too. Several inputs.
        """
        options = arguments_of(keras.Model.fit, x, y, *args, **kwargs)
        own = isinstance(x, (Batches, SemiSupervised))
        if own:
            options.setdefault("shuffle", False)
        check_data(self, options)
        if self.compiled:
            self._plan(options)
        if own and options.get("steps_per_epoch") is not None:
            options["x"] = x.endless()
        with backend_step.fitting(self, self.execution_plan, options) as options:
            return super().fit(**options)

    def _plan(self, options):
        """Decides how the steps of a call of `fit` run. Functions that were made for another plan are dropped."""
        if not self.built and (shape := shape_of(options["x"])) is not None:
            self.build(shape)  # only then is it known which layers there are
        alternates = len(patterns(self.intervals)) > 1
        seen = observe([self.network, self.preprocessing], options, alternates=alternates)
        plan = plan_execution(seen, **self.compile_request)
        if plan != self.execution_plan:
            self.train_function = self.test_function = self.predict_function = None
        self.execution_plan, self.steps_per_execution = plan, plan.steps_per_execution

    def make_train_function(self, force=False):
        """Keras's compiles `train_step`. This one makes a step for each set of terms that take part together."""
        if self.train_function is None or force:
            if self.execution_plan is None:
                self._plan({"x": None, "steps_per_epoch": 1})  # `train_on_batch` before any `fit`
            actives = patterns(self.intervals)
            if len(actives) > 1 and self.steps_per_execution > 1:
                raise ValueError(
                    f"Penalties with an interval need steps one at a time, received steps_per_execution="
                    f"{self.steps_per_execution} and intervals {self.intervals}."
                )
            make = functools.partial(backend_step.train_function, self, self.execution_plan)
            functions = {active: make(active) for active in actives}
            iterations = functools.partial(backend_step.iterations, self)
            several = len(actives) > 1
            turns = TakingTurns(functions, self.intervals, iterations)
            self.train_function = turns if several else functions[actives[0]]
        if isinstance(self.train_function, TakingTurns):
            self.train_function.forget()

    def evaluate(self, *args, **kwargs):
        """Keras's `evaluate`; the zoo's own batches stay at their epoch."""
        with self._single_pass(arguments_of(keras.Model.evaluate, *args, **kwargs)):
            return super().evaluate(*args, **kwargs)

    def predict(self, *args, **kwargs):
        """Keras's `predict`; the zoo's own batches stay at their epoch."""
        with self._single_pass(arguments_of(keras.Model.predict, *args, **kwargs)):
            return super().predict(*args, **kwargs)

    @contextlib.contextmanager
    def _single_pass(self, options):
        """Runs steps one by one if their number is given and `fit` chose how many run at a time."""
        before, chosen = self.steps_per_execution, self.compile_request["steps_per_execution"] == "auto"
        single = options.get("steps") is not None and before > 1 and chosen
        if single:
            self.steps_per_execution, self.test_function, self.predict_function = 1, None, None
        try:
            with kept_epoch(options.get("x")):
                yield
        finally:
            if single:
                self.steps_per_execution, self.test_function, self.predict_function = before, None, None

    def test_step(self, *arguments):
        """Keras's, with logs without the penalties: an evaluation computes none."""
        result = super().test_step(*arguments)
        logs, *state = result if isinstance(result, tuple) else (result,)
        penalties = {metric.name for metric in self.penalty_metrics}
        logs = {name: value for name, value in logs.items() if name not in penalties}
        return (logs, *state) if state else logs

    def prepare(self, x, training=True):
        """Inputs ready for the network, labeled first, and the number of the labeled ones."""
        labeled, unlabeled = split_inputs(x)
        inputs = labeled if unlabeled is None else ops.concatenate([labeled, unlabeled])
        if self.preprocessing is not None:
            inputs = self.preprocessing(inputs, training=training)
        # Integers have no derivatives, and half precision does not hold small perturbations.
        in_double = getattr(self.network, "compute_dtype", None) == "float64"
        inputs = ops.cast(inputs, "float64" if in_double else keras.config.floatx())
        return ops.stop_gradient(inputs), ops.shape(labeled)[0]

    def get_config(self):
        return {
            **super().get_config(),
            "network": keras.saving.serialize_keras_object(self.network),
            "preprocessing": keras.saving.serialize_keras_object(self.preprocessing),
            "seed": self.seed_generator.get_config()["seed"],
        }

    @classmethod
    def from_config(cls, config):
        deserialize = keras.saving.deserialize_keras_object
        return cls(**{k: deserialize(v) if isinstance(v, dict) else v for k, v in config.items()})
