"""Every test starts from the same random state, with double precision at hand on both backends.

What does not depend on the backend runs once: plain Python on TensorFlow; searches, queues and benchmarks, which train,
on JAX, where processes start faster. What takes minutes (killed processes, several processes, a browser) is marked
`stress` by its place and runs under `make stress`.
"""

import os
import pathlib
import tempfile

# Most of the time goes into compiling small programs, for which XLA need not optimize. XLA reads this once. JAX has an
# option of its own for that, see below; what else shortens its compilation is here.
if os.environ.get("KERAS_BACKEND", "tensorflow") == "tensorflow":
    os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true")
elif os.environ["KERAS_BACKEND"] == "jax":
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1")

import hypothesis
import keras
import pytest

pytest_plugins = [
    "tests.support.model_server",
    "tests.support.hub_server",
    "tests.support.report_folders",
    "tests.support.served_models",
    "tests.support.small_models",
    "tests.support.train_program",
]

TESTS = pathlib.Path(__file__).parent
RUN_ONCE = {
    "tensorflow": (
        "benchmarks/test_collectives.py",
        "datasets/test_dataset.py",
        "datasets/test_numpy_files.py",
        "datasets/test_splits.py",
        "datasets/test_synthetic.py",
        "datasets/test_tfds_images.py",
        "datasets/test_tfds_reader.py",
        "docs/test_commands.py",
        "docs/test_docstrings.py",
        "docs/test_links.py",
        "docs/test_method_table.py",
        "docs/test_notebooks.py",
        "docs/test_public_names.py",
        "docs/test_site.py",
        "pretrained/test_card.py",
        "pretrained/test_downloading.py",
        "pretrained/test_http_source.py",
        "pretrained/test_hub.py",
        "pretrained/test_index.py",
        "pretrained/test_readme.py",
        "recipes/test_recipes.py",
        "recipes/test_search.py",
        "robustness/test_browser.py",
        "robustness/test_hostile_flags.py",
        "test_files.py",
        "test_optional.py",
        "test_project.py",
        "test_rooms.py",
        "test_validation.py",
        "trainers/cli",
        "trainers/page",
        "trainers/pictures",
        "trainers/results",
        "trainers/runs/test_progress.py",
        "trainers/test_real_data.py",
    ),
    "jax": (
        "benchmarks/test_gpu_queue.py",
        "benchmarks/test_pytorch_loops.py",
        "trainers/runs/callbacks/test_picture_log.py",
        "trainers/runs/callbacks/test_scalar_log.py",
        "trainers/runs/test_queue.py",
        "trainers/test_publish.py",
        "trainers/test_tune.py",
        "trainers/tuning",
    ),
}
STRESS = (
    "backend/test_distribution.py",
    "robustness/test_browser.py",
    "robustness/test_distributed_runs.py",
    "robustness/test_killed_runs.py",
    "robustness/test_termination.py",
)


def is_in(path, places):
    place = path.relative_to(TESTS).as_posix() if TESTS in path.parents else ""
    return any(place == each or place.startswith(f"{each}/") for each in places)


def pytest_ignore_collect(collection_path, config):
    """What runs on the other backend or at another time; None leaves the decision to pytest."""
    elsewhere = (places for backend, places in RUN_ONCE.items() if backend != keras.backend.backend())
    if any(is_in(collection_path, places) for places in elsewhere):
        return True
    is_test = collection_path.name.startswith("test_")
    return True if config.option.markexpr == "stress" and is_test and not is_in(collection_path, STRESS) else None


def pytest_collection_modifyitems(items):
    for item in items:
        if is_in(item.path, STRESS):
            item.add_marker(pytest.mark.stress)


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
    jax.config.update("jax_disable_most_optimizations", True)
    # Many of the programs are the same ones again. The cache is shared by all workers, by the processes that tests
    # start, and by later runs.
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", os.path.join(tempfile.gettempdir(), "zoo-tests-jax-cache"))
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    jax.config.update("jax_compilation_cache_dir", os.environ["JAX_COMPILATION_CACHE_DIR"])
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)


@pytest.fixture(autouse=True)
def fresh_state():
    """Seeds all generators, forgets earlier models and restores the global precision."""
    keras.utils.clear_session(free_memory=False)  # collecting garbage would take longer than most tests
    keras.utils.set_random_seed(0)
    yield
    keras.mixed_precision.set_dtype_policy("float32")
    keras.config.set_floatx("float32")
