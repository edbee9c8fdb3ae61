"""The shared head of the models that train on an objective of their own."""

import contextlib
import inspect

import keras
from keras import ops

from zoo.datasets.batches import Batches, SemiSupervised
from zoo.training.checks import check_arrays, check_single_input
from zoo.training.execution import (
    can_be_one_program,
    choose_jit_compile,
    choose_steps_per_execution,
    let_jax_compile,
    whole_epoch,
)
from zoo.training.outputs import check_outputs, outputs_of
from zoo.training.precision import computes_in

if keras.backend.backend() == "jax":
    from zoo.training.jax_step import TrainStep
else:
    from zoo.training.tensorflow_step import TrainStep


def split_inputs(x):
    """The labeled and the unlabeled inputs of a batch; None where there are none of the latter."""
    if isinstance(x, dict) and set(x) == {"labeled", "unlabeled"}:
        return x["labeled"], x["unlabeled"]
    return x, None


def num_units(network):
    """The number of classes among which a network decides; None where it does not tell yet or has no such output."""
    shape = getattr(network, "output_shape", None) if network.built else None
    units = shape[-1] if isinstance(shape, tuple) else None
    return units if isinstance(units, int) and units > 1 else None


class ObjectiveModel(TrainStep, keras.Model):
    """A network behind its preprocessing, which `fit` trains on `objective(x, y, sample_weight)`.

    A subclass writes the objective: the scalar loss and the outputs for the labeled inputs of a batch. All else is
    Keras's: `predict` and `evaluate` run preprocessing and network.

    Args:
        network: any `keras.Model` or layer with one input tensor and one output of shape `(batch, units)`.
        preprocessing: a Keras layer that comes before the network, or None. No gradient runs through it: it is made
            not trainable, lest weight decay act on it.
        seed: integer from which the objective's random numbers are drawn; None takes one from Keras's global state.

    Raises:
        ValueError: the network has several inputs.
    """

    takes_single_steps = False  # whether steps differ from each other

    def __init__(self, network, *, preprocessing=None, seed=None, **kwargs):
        super().__init__(**kwargs)
        if len(inputs := getattr(network, "inputs", None) or ()) > 1:
            raise ValueError(f"{type(self).__name__} wraps networks with one input, received {len(inputs)} inputs.")
        self.network = network
        self.preprocessing = preprocessing
        if preprocessing is not None:
            preprocessing.trainable = False
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.raw_input_shape = None
        self.penalty_metrics = []

    def compile(self, *args, jit_compile="auto", steps_per_execution="auto", **kwargs):
        """Keras's `compile`; what is `"auto"` is chosen when `fit` begins, see `zoo.training.execution`.

        Raises:
            ValueError: `loss_weights`, which Keras would apply to the loss alone, not to that within penalties.
        """
        options = inspect.signature(keras.Model.compile).bind(self, *args, **kwargs).arguments
        if options.get("loss_weights") is not None:
            raise ValueError(
                f"There is one loss, and penalties have weights of their own: loss_weights must be None, received "
                f"{options['loss_weights']!r}."
            )
        self.chosen = {"jit_compile": jit_compile, "steps_per_execution": steps_per_execution}
        self.in_one_program = False
        let_jax_compile([self.network, self.preprocessing])
        steps = 1 if steps_per_execution == "auto" else steps_per_execution
        super().compile(*args, jit_compile=jit_compile, steps_per_execution=steps, **kwargs)
        scaled = self.optimizer is None or isinstance(self.optimizer, keras.optimizers.LossScaleOptimizer)
        if options.get("auto_scale_loss", True) and not scaled and computes_in(self, "float16"):
            # Keras looks at the policy of this model alone, not at that of the network inside.
            self.optimizer = keras.optimizers.LossScaleOptimizer(self.optimizer)

    def get_compile_config(self):
        config = super().get_compile_config()
        return config and {**config, "steps_per_execution": self.chosen["steps_per_execution"]}

    def compile_from_config(self, config):
        """Compiles a loaded model as it was; the backend that now runs chooses anew whether XLA compiles."""
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
        return self.network(inputs, training=training) if self.network._call_has_training_arg else self.network(inputs)

    def fit(self, x=None, y=None, *args, **kwargs):
        """Keras's `fit`; arrays are checked first, and the zoo's own batches keep their order.

        Raises:
            ValueError: NaN or infinite inputs; labels out of range, of another length, or no integers where the loss
                wants class indices; in `validation_data` too. Several inputs.
        """
        options = inspect.signature(keras.Model.fit).bind(self, x, y, *args, **kwargs).arguments
        del options["self"]
        outputs = outputs_of(self.loss) if self.compiled else None
        num_classes = num_units(self.network)
        pairs = {"training": (x, y)}
        check_single_input(x)
        if isinstance(x, (Batches, SemiSupervised)):
            pairs = {"training": (x.x, x.y)}
            if isinstance(x, SemiSupervised):
                pairs["unlabeled training"] = (x.x_unlabeled, None)
            options.setdefault("shuffle", False)
        if isinstance(options.get("validation_data"), (tuple, list)):
            pairs["validation"] = options["validation_data"][:2]
        for role, (inputs, labels) in pairs.items():
            check_arrays(role, inputs, labels, outputs, num_classes)
        if self.compiled:
            self._choose_steps(**options)
        if isinstance(x, (Batches, SemiSupervised)) and options.get("steps_per_epoch") is not None:
            options["x"] = x.endless()
        return super().fit(**options)

    def evaluate(self, *args, **kwargs):
        """Keras's `evaluate`."""
        options = inspect.signature(keras.Model.evaluate).bind(self, *args, **kwargs).arguments
        with self._single_steps(options.get("steps")), kept_epoch(options.get("x")):
            return super().evaluate(*args, **kwargs)

    def predict(self, *args, **kwargs):
        """Keras's `predict`."""
        options = inspect.signature(keras.Model.predict).bind(self, *args, **kwargs).arguments
        with self._single_steps(options.get("steps")), kept_epoch(options.get("x")):
            return super().predict(*args, **kwargs)

    @contextlib.contextmanager
    def _single_steps(self, num_steps):
        """Runs steps one by one where their number is given and `fit` chose how many run at a time."""
        before = self.steps_per_execution
        if num_steps is None or before == 1 or self.chosen["steps_per_execution"] != "auto":
            yield
            return
        self.steps_per_execution, self.test_function, self.predict_function = 1, None, None
        try:
            yield
        finally:
            self.steps_per_execution, self.test_function, self.predict_function = before, None, None

    def _choose_steps(self, x, **options):
        """Chooses how many steps run at a time, and whether as one program."""
        layers, epoch = [self.network, self.preprocessing], whole_epoch(x, options)
        steps = self.chosen["steps_per_execution"]
        if steps == "auto":
            single = self.takes_single_steps
            steps = 1 if single else choose_steps_per_execution(layers, epoch, options)
        chosen = steps, steps > 1 and can_be_one_program(layers, epoch, steps)
        if chosen != (self.steps_per_execution, self.in_one_program):  # the functions that are made are for others
            self.train_function = self.test_function = self.predict_function = None
        self.steps_per_execution, self.in_one_program = chosen

    def make_train_function(self, force=False):
        """Compiles the training step by XLA where that is faster; predictions, whose batches vary, stay without."""
        made, before = force or self.train_function is None, self.jit_compile
        if self.chosen["jit_compile"] == "auto":
            self.jit_compile = choose_jit_compile([self.network, self.preprocessing])
        super().make_train_function(force)
        if made and self.in_one_program and self.jit_compile and not self.run_eagerly:
            self.train_function = self.steps_in_one_program(self.train_function)
        self.jit_compile = before

    def pass_over_steps(self, steps):
        """Lets `fit`, which has just begun, read the batches of the first steps without training: they were taken
        before. Their number is a multiple of the steps that run at a time."""
        function, left = self.train_function, steps

        def pass_over(*arguments):
            nonlocal left
            *state, iterator = arguments
            for _ in range(self.steps_per_execution):
                next(iterator)
            left -= self.steps_per_execution
            if left <= 0:
                self.train_function = function
            return ({}, *state) if state else {}

        self.train_function = pass_over

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

    def without_training_metrics(self, logs):
        """Logs of an evaluation, in which no penalty was computed."""
        penalties = {metric.name for metric in self.penalty_metrics}
        return {name: value for name, value in logs.items() if name not in penalties}

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


@contextlib.contextmanager
def kept_epoch(batches):
    """Leaves the zoo's batches at the epoch where they are: passes over them in `evaluate` and `predict` count none."""
    epoch = batches.epoch if isinstance(batches, (Batches, SemiSupervised)) else None
    try:
        yield
    finally:
        if epoch is not None and batches.epoch != epoch:
            batches.epoch = epoch
