"""What the zoo's `fit` costs over plain Keras's `fit` of the same network with the same settings.

    KERAS_BACKEND=jax python -m benchmarks.fit_overhead

Both train the plain loss on the same batches and take turns.
"""

import functools

import keras
from absl import app, flags

from benchmarks import subjects
from benchmarks.timing import interleave
from trainers.runs.devices import device
from zoo.training.execution_plan import STEPS_AT_A_TIME

NETWORKS = flags.DEFINE_list("networks", ["synthetic_mlp", "mnist_mlp"], "Networks to train.")
flags.register_validator(
    "networks", lambda names: set(names) <= set(subjects.NETWORKS), f"Of {', '.join(subjects.NETWORKS)}."
)
BATCH = flags.DEFINE_integer("batch_size", 100, "Inputs in a batch.", lower_bound=1)
ROUNDS = flags.DEFINE_integer("rounds", 15, "How often each takes its turn.", lower_bound=1)
TURN = flags.DEFINE_float("turn_seconds", 0.5, "Length of a turn.", lower_bound=0.0)


def fit_steps(model, network_name, steps):
    batches = subjects.batches(network_name, "baseline", BATCH.value, steps)
    model.fit(batches, verbose=0, shuffle=False)


def make_models(network_name):
    """The zoo's model and plain Keras's, compiled alike."""
    ours = subjects.build_model(network_name, "baseline")
    fit_steps(ours, network_name, STEPS_AT_A_TIME)  # by then it has chosen
    network = subjects.build_network(network_name)
    plan = ours.execution_plan
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile("adam", loss, jit_compile=plan.jit_compile, steps_per_execution=plan.steps_per_execution)
    return {"zoo": ours, "keras": network}


def main(_):
    keras.utils.set_random_seed(0)
    print(f"{keras.backend.backend()}, {device()}, batch {BATCH.value}")
    print(f"{'network':<16}{'keras ms':>10}{'zoo ms':>10}{'ratio':>8}")
    for name in NETWORKS.value:
        models = make_models(name)
        trainers = {key: functools.partial(fit_steps, model, name) for key, model in models.items()}
        times = interleave(trainers, ROUNDS.value, TURN.value)
        ratio = times["zoo"] / times["keras"]
        print(f"{name:<16}{1e3 * times['keras']:>10.3f}{1e3 * times['zoo']:>10.3f}{ratio:>8.3f}")


if __name__ == "__main__":
    app.run(main)
