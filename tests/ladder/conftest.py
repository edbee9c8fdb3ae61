"""Small ladders, their weights for the NumPy reference, and fixed noise."""

import keras
import numpy as np
import pytest

from zoo.ladder import LadderNetwork, ladder_encoder

DENSE = [{"name": "dense", "units": 5}, {"name": "dense", "units": 4}, {"name": "dense", "units": 3}]
CONV = [
    {"name": "conv", "filters": 3, "size": 2, "padding": "full"},
    {"name": "max_pool", "size": 2},
    {"name": "conv", "filters": 4, "size": 2},
    {"name": "global_mean"},
    {"name": "dense", "units": 3},
]
NUM_LABELED, NUM_UNLABELED = 7, 9


@pytest.fixture
def make():
    """Makes a ladder with random weights of every kind, by default for 3 classes."""

    def build(rungs=DENSE, shape=(6,), dtype="float64", seed=0, **options):
        if dtype is not None:  # otherwise the current policy
            keras.config.set_floatx(dtype)
            keras.mixed_precision.set_dtype_policy(dtype)
        keras.utils.set_random_seed(seed)
        encoder = ladder_encoder(shape, rungs[-1]["units"], rungs=rungs)
        options.setdefault("denoising_weights", [1.0] * (len(rungs) + 1))
        model = LadderNetwork(encoder, seed=seed, **options)
        model.build((None, *shape))
        # On TensorFlow, XLA takes seconds to compile steps that run in milliseconds.
        jit_compile = "auto" if keras.backend.backend() == "jax" else False
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.SGD(0.1), loss, jit_compile=jit_compile)
        rng = np.random.default_rng(seed)
        for variable in model.trainable_variables:
            variable.assign(keras.ops.convert_to_numpy(variable) + 0.3 * rng.normal(size=variable.shape))
        return model

    return build


@pytest.fixture
def batch():
    """Labeled inputs, then unlabeled ones; labels; and noise for every level of a ladder."""

    def draw(model, seed=1):
        rng = np.random.default_rng(seed)
        n = NUM_LABELED + NUM_UNLABELED
        noise = [0.3 * rng.normal(size=(n, *shape)) for shape in model.level_shapes]
        return rng.normal(size=(n, *model.level_shapes[0])), rng.integers(0, 3, NUM_LABELED), noise

    return draw


@pytest.fixture
def cost():
    """A ladder's cost of a batch with the given noise, as `objective` computes it."""

    def compute(model, x, y, noise, num_labeled=NUM_LABELED):
        model.gaussian_noise = lambda level, z: keras.ops.convert_to_tensor(noise[level], z.dtype)[: z.shape[0]]
        inputs = {"labeled": x[:num_labeled], "unlabeled": x[num_labeled:]}
        inputs = {role: keras.ops.convert_to_tensor(value) for role, value in inputs.items()}
        return float(model.objective(inputs, keras.ops.convert_to_tensor(y))[0])

    return compute
