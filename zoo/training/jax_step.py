"""The training step on JAX."""

import itertools

import jax
import keras
import numpy as np

from zoo.datasets.batches import Batches, SemiSupervised
from zoo.training.execution import choose_resident


@jax.jit
def _stack_on_device(leaves):
    return jax.numpy.stack(leaves)


def stack(*leaves):
    """Arrays of one shape, one behind the other: NumPy's in NumPy, JAX's on their device."""
    return np.stack(leaves) if isinstance(leaves[0], np.ndarray) else _stack_on_device(leaves)


class TrainStep:
    """Trains on `self.objective(x, y, sample_weight) -> (loss, outputs)` in place of Keras's forward pass and loss."""

    def fit(self, x=None, *args, **kwargs):
        """Keras's `fit`; the zoo's batches are gathered on an accelerator where there is one with the room."""
        if isinstance(x, (Batches, SemiSupervised)) and choose_resident(x):
            x.move_to_device()
        return super().fit(x, *args, **kwargs)

    def steps_in_one_program(self, one_by_one):
        """A training function that runs `steps_per_execution` steps as one program.

        Args:
            one_by_one: Keras's, which dispatches each step; for fewer of them, such as that of `train_on_batch`.
        """

        def step(state, batch):
            logs, state = self.train_step(state, batch)
            return state, logs

        def scan(state, batches):
            state, logs = jax.lax.scan(step, state, batches)
            return jax.tree.map(lambda values: values[-1], logs), state

        program = jax.jit(scan, donate_argnums=0)

        def train_function(state, iterator):
            batches = list(itertools.islice(iterator, self.steps_per_execution))
            if len(batches) < self.steps_per_execution:
                return one_by_one(state, iter(batches))
            return program(state, jax.tree.map(stack, *batches))

        return train_function

    def compute_loss_and_updates(
        self,
        trainable_variables,
        non_trainable_variables,
        metrics_variables,
        x,
        y,
        sample_weight,
        training=False,
        optimizer_variables=None,
    ):
        """Keras's stateless loss, by the objective where it is a training step."""
        if not training:
            return super().compute_loss_and_updates(
                trainable_variables, non_trainable_variables, metrics_variables, x, y, sample_weight
            )
        variables = self.trainable_variables + self.non_trainable_variables + self.metrics_variables
        values = [*trainable_variables, *non_trainable_variables, *metrics_variables]
        with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))) as scope:
            loss, y_pred = self.objective(x, y, sample_weight)
        with keras.StatelessScope(state_mapping=list(zip(self.optimizer.variables, optimizer_variables, strict=True))):
            scaled_loss = self.optimizer.scale_loss(loss)
        non_trainable_values = [scope.get_current_value(v) for v in self.non_trainable_variables]
        metrics_values = [scope.get_current_value(v) for v in self.metrics_variables]
        return scaled_loss, (loss, y_pred, non_trainable_values, metrics_values)

    def steps_taken(self, state, iterator):
        """The number of training steps before the one with these arguments; `fit` empties the variables."""
        index = [variable is self.num_steps for variable in self.non_trainable_variables].index(True)
        return int(state[1][index])

    def test_step(self, state, data):
        logs, state = super().test_step(state, data)
        return self.without_training_metrics(logs), state
