"""What Keras asks of any model, for a model around a network: shapes, names, configuration, saved state."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np

from zoo.backend.keras_internals import build_metrics, is_random_state
from zoo.datasets.epochwise import kept_epoch
from zoo.training.arguments import arguments_of
from zoo.training.checks import check_prediction
from zoo.training.heads import Head, is_nested, only_label, pick
from zoo.training.input_checks import check_strings
from zoo.training.inputs import symbolic_inputs
from zoo.training.losses import nan_if_out_of_range, reports_wrong_indices
from zoo.training.outputs import Outputs, outputs_of

SEED_STATES = "seed_states"  # name in weights files


class Wrapper(keras.Model):
    """A Keras model around a network with preprocessing. `ObjectiveModel` adds the training.

    `inputs`, `input_shape`, `outputs` and `output_shape` exist once the model is built, as in a functional model.

    Attributes:
        network: the wrapped network.
        preprocessing: layer that runs before it, or None.
        head: name or position of the output that penalties look at; None if there is one output.
        meaning: what that output is, see `outputs` of `RegularizedModel`; None if the loss says so.

    Example:
        >>> model = zoo.RegularizedModel(zoo.networks.mlp((4,), 3))
        >>> model.build((None, 4))
        >>> model.input_shape, model.output_shape
        ((None, 4), (None, 3))
    """

    network: Any
    preprocessing: Any
    raw_input_shape: Any
    seed_generator: Any
    compile_request: Any
    penalty_metrics: list[keras.Metric]
    head: Head = None
    meaning: str | None = None

    def at_head(self, values: Any) -> Any:
        """The entry of the output that penalties look at, among outputs, labels or losses."""
        return pick(values, self.head, getattr(self, "output_names", ()))

    @property
    def output_names(self) -> list[str]:
        """The names of the network's outputs, by which Keras matches losses and labels."""
        return self.network.output_names

    @property
    def inputs(self) -> list[Any]:
        """Symbolic raw inputs."""
        return keras.tree.flatten(self._symbols()[0])

    @property
    def outputs(self) -> list[Any]:
        """Symbolic outputs."""
        return keras.tree.flatten(self._symbols()[1])

    @property
    def input_shape(self) -> Any:
        """The shape of the raw inputs."""
        return keras.tree.map_structure(lambda each: each.shape, self._symbols()[0])

    @property
    def output_shape(self) -> Any:
        """The shapes of the outputs."""
        return keras.tree.map_structure(lambda each: each.shape, self._symbols()[1])

    def _symbols(self):
        if not self.built or self.raw_input_shape is None:
            raise AttributeError(f"{type(self).__name__} has no shapes before it is built.")
        if getattr(self, "_symbolic", None) is None:
            shapes = keras.tree.map_shape_structure(lambda each: (None, *each), self.raw_input_shape)
            inputs = symbolic_inputs(self.network if self.preprocessing is None else self.preprocessing, shapes)
            # In a tuple, which Keras does not track: saving a model reads all its attributes, so this runs once.
            self._symbolic = (inputs, self.compute_output_spec(inputs))
        return self._symbolic

    def outputs_of_loss(self) -> Outputs:
        """The meaning of the output that penalties look at."""
        losses: Any = self.loss
        single = self.head is None and is_nested(losses)  # which outputs_of refuses
        return outputs_of(losses if single else self.at_head(losses), self.meaning)

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Keras's, but NaN if a class index is out of range and the loss would not report it.

        The labels of a network with one output may have a name.
        """
        y = only_label(y, y_pred)
        loss = super().compute_loss(x, y, y_pred, *args, **kwargs)
        if self.loss is None or not self.outputs_of_loss().sparse or reports_wrong_indices(self.at_head(self.loss)):
            return loss
        return loss + keras.ops.cast(nan_if_out_of_range(self.at_head(y), self.at_head(y_pred)), loss.dtype)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Keras's. The labels of a network with one output may have a name."""
        return super().compute_metrics(x, only_label(y, y_pred), y_pred, sample_weight)

    def make_metrics(self, labels: Any) -> None:
        """Makes the variables of the metrics of a built model, which Keras makes in the first step.

        Args:
            labels: symbolic labels.
        """
        if self.built and self.raw_input_shape is not None:
            outputs = self._symbols()[1]
            build_metrics(self, only_label(labels, outputs), outputs)

    def evaluate(self, *args: Any, **kwargs: Any) -> Any:
        """Keras's `evaluate`. The zoo's own batches stay at their epoch."""
        options = arguments_of(keras.Model.evaluate, *args, **kwargs)
        check_strings(self, options.get("x"))
        with single_pass(self, options):
            return super().evaluate(*args, **kwargs)

    def predict(self, *args: Any, **kwargs: Any) -> Any:
        """Keras's `predict`. The zoo's own batches stay at their epoch."""
        options = arguments_of(keras.Model.predict, *args, **kwargs)
        check_prediction(self, options.get("x"))
        with single_pass(self, options):
            return super().predict(*args, **kwargs)

    def test_step(self, *arguments: Any) -> Any:
        """Keras's, without the penalties in its logs: an evaluation computes no penalty."""
        result = super().test_step(*arguments)
        logs, *state = result if isinstance(result, tuple) else (result,)
        penalties = {metric.name for metric in self.penalty_metrics}
        logs = {name: value for name, value in logs.items() if name not in penalties}
        return (logs, *state) if state else logs

    def get_compile_config(self) -> dict[str, Any] | None:
        """Keras's, with the number of steps that `compile` received."""
        config = super().get_compile_config()
        return config and {**config, "steps_per_execution": self.compile_request["steps_per_execution"]}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles a loaded model as before. `fit` decides again whether XLA compiles."""
        self.compile(**keras.saving.deserialize_keras_object({**config, "jit_compile": "auto"}))
        if self.built and self.optimizer is not None:
            self.optimizer.build(self.trainable_variables)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor, serialized.

        Raises:
            NotImplementedError: the network has no configuration, as subclassed networks often do not.
        """
        return {
            **super().get_config(),
            "network": serialize_network(self.network),
            "preprocessing": keras.saving.serialize_keras_object(self.preprocessing),
            "seed": self.seed_generator.get_config()["seed"],
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Wrapper":
        """Makes the model from the result of `get_config`."""
        deserialize = keras.saving.deserialize_keras_object
        return cls(**{k: deserialize(v) if isinstance(v, dict) else v for k, v in config.items()})

    def seed_states(self) -> list[Any]:
        """The variables with the states of all random generators, of penalties and of layers such as dropout."""
        return list(filter(is_random_state, self.non_trainable_variables))

    def save_own_variables(self, store: Any) -> None:
        """Keras's, with the states of the random generators, so that training resumes with the same numbers."""
        super().save_own_variables(store)
        store[SEED_STATES] = np.stack([keras.ops.convert_to_numpy(state.value) for state in self.seed_states()])

    def load_own_variables(self, store: Any) -> None:
        """Keras's, with the states of the random generators if the file has as many."""
        super().load_own_variables({key: store[key] for key in store.keys() if key != SEED_STATES})
        states = np.asarray(store[SEED_STATES]) if SEED_STATES in store.keys() else ()
        variables = self.seed_states()
        if len(states) == len(variables):
            for variable, state in zip(variables, states, strict=True):
                variable.assign(state)


@contextlib.contextmanager
def single_pass(model: Any, options: Mapping[str, Any]) -> Iterator[None]:
    """A context for `evaluate` and `predict`, which keeps the zoo's own batches at their epoch.

    If the caller gives the number of steps and `fit` chose how many run at a time, they run one at a time: otherwise
    Keras would run more steps than given.

    Args:
        model: `ObjectiveModel`.
        options: the arguments of the call by their names.
    """
    before, chosen = model.steps_per_execution, model.compile_request["steps_per_execution"] == "auto"
    single = options.get("steps") is not None and before > 1 and chosen
    if single:
        model.steps_per_execution, model.test_function, model.predict_function = 1, None, None
    try:
        with kept_epoch(options.get("x")):
            yield
    finally:
        if single:
            model.steps_per_execution, model.test_function, model.predict_function = before, None, None


def serialize_network(network: keras.Layer) -> Any:
    """The configuration of a network.

    Args:
        network: any Keras network.

    Raises:
        NotImplementedError: the network has none. The message has the remedies.

    Example:
        >>> from zoo.training.wrapper import serialize_network
        >>> serialize_network(keras.layers.Dense(3))["class_name"]
        'Dense'
    """
    try:
        return keras.saving.serialize_keras_object(network)
    except NotImplementedError as error:
        raise NotImplementedError(
            f"The network {type(network).__name__} has no configuration, so only its weights can be saved. Write its "
            "get_config() and register the class with @keras.saving.register_keras_serializable(); or call "
            "model.save_weights(), and load_weights() on a model that your own code makes."
        ) from error
