"""The shared head of the models that train on their own objective."""

from typing import Any

import keras
from keras import ops

from zoo.backend.keras_internals import takes_training
from zoo.backend.random_numbers import Seed, as_generator
from zoo.backend.replicas import num_replicas
from zoo.datasets import Batches, SemiSupervised
from zoo.training.arguments import arguments_of, first_batch
from zoo.training.checks import check_data
from zoo.training.circumstances import let_jax_compile
from zoo.training.execution_plan import ExecutionPlan
from zoo.training.heads import is_nested
from zoo.training.input_checks import check_wrapped
from zoo.training.inputs import as_network_inputs, input_shapes, packed, split_inputs, symbolic_inputs, unwrap
from zoo.training.lazy_terms import TakingTurns
from zoo.training.outputs import check_outputs
from zoo.training.perturbed_layers import layer_names
from zoo.training.precision import computes_in
from zoo.training.train_function import fitting, make_train_function, plan_fit, watch_loss
from zoo.training.wrapper import Wrapper

Tensor = Any


class ObjectiveModel(Wrapper):
    """A network with its preprocessing, which `fit` trains on `objective(x, y, sample_weight)`.

    A subclass writes the objective. Everything else is Keras's: `predict` and `evaluate` run preprocessing and network.

    Args:
        network: any `keras.Model` or layer with outputs of shape `(batch, ..., units)`.
        preprocessing: a Keras layer that runs before the network, or None. No gradient runs through it. The model makes
            it not trainable, so that weight decay does not act on it.
        seed: integer or `keras.random.SeedGenerator` for the random numbers of the objective. None draws a seed, which
            `keras.utils.set_random_seed` fixes.
        **kwargs: arguments of `keras.Model`.

    Attributes:
        execution_plan: the `ExecutionPlan` of the last `fit`; None before the first.
        iterations: variable with the number of training steps so far.
        penalty_metrics: metrics of the penalties. A subclass fills the list.

    Raises:
        ValueError: the network has such an objective already, or a layer mixes examples but not their labels.

    Example:
        >>> class Doubled(zoo.training.ObjectiveModel):
        ...     def objective(self, x, y, sample_weight=None, active=None):
        ...         inputs, _ = self.prepare(x)
        ...         outputs = self.call_network(inputs, training=True)
        ...         return 2 * self.labeled_loss(x, y, outputs, sample_weight), outputs
        >>> model = Doubled(zoo.networks.mlp((4,), 3, hidden_units=()))
        >>> model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), run_eagerly=True)
        >>> sorted(model.fit(np.zeros((8, 4)), np.zeros(8, "int32"), verbose=0).history)
        ['loss']
    """

    def __init__(
        self, network: keras.Layer, *, preprocessing: keras.Layer | None = None, seed: Seed = None, **kwargs: Any
    ):
        super().__init__(**kwargs)
        check_wrapped(network, preprocessing, ObjectiveModel)
        self.network = network
        self.preprocessing = preprocessing
        if preprocessing is not None:
            preprocessing.trainable = False
        self.perturb: Any = None
        self.seed_generator = as_generator(seed)
        self.iterations: Any = self.add_weight(
            shape=(), dtype="int32", initializer="zeros", trainable=False, name="steps"
        )
        self.raw_input_shape = None
        self.fitted_shape: Any = None  # of the inputs of the last `fit`
        self.penalty_metrics: list[keras.Metric] = []
        self.execution_plan: ExecutionPlan | None = None
        self.compile_request: Any = {"jit_compile": "auto", "steps_per_execution": "auto"}

    @property
    def intervals(self) -> list[int]:
        """K of every term of the objective that takes part in every k-th step only."""
        return []

    def objective(
        self, x: Any, y: Tensor, sample_weight: Tensor | None = None, active: Any = None
    ) -> tuple[Tensor, Tensor]:
        """The loss of one batch. It updates the state of the network.

        Args:
            x: inputs, or labeled and unlabeled ones.
            y: labels of the labeled inputs, as the loss takes them.
            sample_weight: `(num_labeled,)` or None.
            active: for each of `intervals` whether its term takes part; None if all do.

        Returns:
            The scalar loss, and the outputs for the labeled inputs.
        """
        raise NotImplementedError

    def labeled_loss(self, x: Any, y: Tensor, y_pred: Tensor, sample_weight: Tensor | None) -> Tensor:
        """The compiled loss plus the weight penalties of the layers: the mean over the examples of this device.

        Args:
            x: inputs.
            y: labels.
            y_pred: outputs for the labeled inputs.
            sample_weight: `(num_labeled,)` or None.

        Returns:
            A scalar.
        """
        # Keras divides the loss by the number of devices, whose gradients it adds up.
        return self.compute_loss(x, y, y_pred, sample_weight, training=True) * num_replicas()

    def compile(
        self,
        *args: Any,
        jit_compile: bool | str = "auto",
        steps_per_execution: int | str = "auto",
        **kwargs: Any,
    ) -> None:
        """Keras's `compile`. `fit` decides what is `"auto"` when it begins, see `zoo.training.execution_plan`.

        Args:
            *args: arguments of Keras's `compile`: optimizer, loss, metrics.
            jit_compile: whether XLA compiles the training step, or `"auto"`.
            steps_per_execution: number of training steps at a time, or `"auto"`.
            **kwargs: further arguments of Keras's `compile`.

        Raises:
            ValueError: `loss_weights` is given for one loss. Keras would not apply it to the penalties.
        """
        options = arguments_of(keras.Model.compile, *args, **kwargs)
        weights = options.get("loss_weights")
        if weights is not None and not is_nested(options.get("loss")):
            raise ValueError(
                "There is one loss, and penalties have their own weights: loss_weights must be None, received "
                f"{weights!r}."
            )
        self.compile_request = {"jit_compile": jit_compile, "steps_per_execution": steps_per_execution}
        self.execution_plan = None
        let_jax_compile([self.network, self.preprocessing])
        steps = 1 if steps_per_execution == "auto" else steps_per_execution
        super().compile(*args, jit_compile=jit_compile, steps_per_execution=steps, **kwargs)
        scaled = self.optimizer is None or isinstance(self.optimizer, keras.optimizers.LossScaleOptimizer)
        if options.get("auto_scale_loss", True) and not scaled and computes_in(self, "float16"):
            # Keras reads the policy of this model only, not that of the network inside.
            self.optimizer = keras.optimizers.LossScaleOptimizer(self.optimizer)

    def build(self, input_shape: Any) -> None:
        """Builds preprocessing and network for raw inputs of a shape `(None, ...)`, or a nest of shapes."""
        shape = input_shapes(self.network, split_inputs(input_shape)[0])
        self.raw_input_shape = keras.tree.map_shape_structure(lambda each: tuple(each[1:]), shape)
        inputs = symbolic_inputs(self.network if self.preprocessing is None else self.preprocessing, shape)
        if self.preprocessing is not None:
            inputs = self.preprocessing(inputs)
        if not self.network.built:
            self.network(inputs)  # a call and not build(): only a call builds the layers inside any layer
        self.built = True

    def call(self, x: Any, training: bool = False) -> Tensor:
        """Runs preprocessing and network on the labeled inputs."""
        outputs = self.call_network(self._preprocessed(split_inputs(x)[0], training), training)
        if self.compiled and self.loss is not None:
            head = self.at_head(outputs)
            check_outputs(head, self.outputs_of_loss().of_units(head.shape[-1]).kind)  # before the loss fails on them
        return outputs

    def call_network(self, inputs: Tensor, training: bool) -> Tensor:
        """Runs the network. A network whose `call` has no argument `training` is called without it."""
        inputs = packed(self.network, inputs)
        return self.network(inputs, training=training) if takes_training(self.network) else self.network(inputs)

    def fit(self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any) -> keras.callbacks.History:
        """Keras's `fit`. Arrays are checked first, and the zoo's own batches keep their order.

        Args:
            x: as for Keras's `fit`, or `zoo.datasets.Batches` or `SemiSupervised`.
            y: labels, or None if `x` has them.
            *args: further arguments of Keras's `fit`.
            **kwargs: further arguments of Keras's `fit`.

        Returns:
            Keras's `History`.

        Raises:
            ValueError: inputs are not those of the network, or NaN or infinite; labels are out of range or not as many
                as inputs, or are not integers although the loss takes class indices. `validation_data` is checked too,
                and of a data set the first batch.
        """
        options = arguments_of(keras.Model.fit, x, y, *args, **kwargs)
        own = isinstance(x, (Batches, SemiSupervised))
        if own:
            options.setdefault("shuffle", False)
        # A tf.data set may fill a buffer before its first batch, so it is read ahead before the first step only.
        ahead = not own and (self.train_function is None or isinstance(x, keras.utils.PyDataset))
        batch = first_batch(x) if ahead else None
        check_data(self, options, batch)
        if not self.compiled:
            return super().fit(**options)  # which says so
        plan = plan_fit(self, options, batch)
        options["callbacks"] = watch_loss(options.get("callbacks"))
        if own and options.get("steps_per_epoch") is not None:
            options["x"] = x.endless()
        with fitting(self, plan, options) as options:
            return super().fit(**options)

    def make_train_function(self, force: bool = False) -> None:
        """Makes a step for each set of terms that take part together. Keras's own method compiles `train_step`."""
        if self.train_function is None or force:
            self.train_function = make_train_function(self)
        if isinstance(self.train_function, TakingTurns):
            self.train_function.forget()

    def prepare(self, x: Any, training: bool = True) -> tuple[Any, Tensor]:
        """Makes the inputs of the network.

        Args:
            x: raw inputs, or labeled and unlabeled ones.
            training: mode of the preprocessing.

        Returns:
            Preprocessed inputs, labeled ones first; and the number of labeled inputs.
        """
        labeled, unlabeled = split_inputs(x)
        inputs = labeled
        if unlabeled is not None:
            inputs = keras.tree.map_structure(lambda *each: ops.concatenate(each), labeled, unlabeled)
        inputs = as_network_inputs(
            self.network, self._preprocessed(inputs, training), keep_integers=bool(layer_names(self.perturb))
        )
        return inputs, ops.shape(keras.tree.flatten(labeled)[0])[0]

    def _preprocessed(self, x, training):
        x = unwrap(self.network, x, preprocessed=self.preprocessing is not None)
        return x if self.preprocessing is None else self.preprocessing(x, training=training)
