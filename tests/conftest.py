"""Every test starts from the same random state, with double precision at hand on both backends."""

import os
import tempfile

import hypothesis
import keras
import pytest

# The same few inputs every time; ZOO_FUZZ_EXAMPLES asks for more of them, and for others.
hypothesis.settings.register_profile(
    "zoo",
    derandomize="ZOO_FUZZ_EXAMPLES" not in os.environ,
    max_examples=int(os.environ.get("ZOO_FUZZ_EXAMPLES", "25")),
    deadline=None,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)
hypothesis.settings.load_profile("zoo")

if keras.backend.backend() == "jax":
    import jax

    jax.config.update("jax_enable_x64", True)
    # Most of the time goes into compiling small programs, many of them the same ones again.
    jax.config.update("jax_disable_most_optimizations", True)
    jax.config.update("jax_compilation_cache_dir", tempfile.mkdtemp())
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)


@pytest.fixture(autouse=True)
def fresh_state():
    """Seeds all generators, forgets earlier models and restores the global precision."""
    keras.utils.clear_session(free_memory=False)  # collecting garbage would take longer than most tests
    keras.utils.set_random_seed(0)
    yield
    keras.mixed_precision.set_dtype_policy("float32")
    keras.config.set_floatx("float32")
