"""Measures training steps of several methods on one network, next to the device's limit and PyTorch."""

import dataclasses
import functools

import keras

from benchmarks import subjects
from benchmarks.limit import limit, memory_rate
from benchmarks.products import DTYPES, has_torch, layer_times
from benchmarks.timing import interleave
from trainers.runs.devices import accelerators, device
from trainers.runs.measuring import versions
from zoo.validation import check_choice


@dataclasses.dataclass(frozen=True)
class StepTable:
    """What is timed.

    Attributes:
        network: of `benchmarks.subjects.NETWORKS`.
        methods: to time, in addition to `baseline`; None times all methods of the network.
        batch_size: labeled inputs in a batch.
        precision: of `zoo.recipes.recipe.PRECISIONS`, for network, limit and PyTorch alike.
        rounds: how often each method takes its turn.
        turn_seconds: length of a turn.
        turn_steps: number of steps in a turn, in place of its length; spares programs that only find it out.
        jit_compile: `"auto"`, or whether XLA compiles the step.
        pytorch: whether to time PyTorch too, where it is installed; on the CPU not in float16.
    """

    network: str
    methods: list | None = None
    batch_size: int = 100
    precision: str = "float32"
    rounds: int = 9
    turn_seconds: float = 0.5
    turn_steps: int | None = None
    jit_compile: bool | str = "auto"
    pytorch: bool = True

    def names(self):
        """The methods, the plain network first.

        Raises:
            ValueError: the network lacks one of them.
        """
        known = subjects.methods_of(self.network)
        others = [check_choice("method", name, known) for name in self.methods or known]
        return ["baseline", *(name for name in others if name != "baseline")]

    @property
    def stem(self):
        """The name of the files that hold the figures, without its ending."""
        parts = [self.network, keras.backend.backend(), "gpu" if accelerators() else "cpu"]
        return "-".join(parts + ([] if self.precision == "float32" else [self.precision]))

    def measure(self):
        """The figures as JSON has them: settings, device, rates, the network's products, and a row for each method."""
        keras.utils.set_random_seed(0)
        on_cpu = not accelerators()
        bounds, measured = self._limits(on_cpu)
        times = interleave(self._trainers(on_cpu), self.rounds, self.turn_seconds, self.turn_steps)
        settings = {"network": self.network, "batch_size": self.batch_size, "precision": self.precision}
        where = {"device": device(), "versions": versions()}
        return {**settings, **where, **measured, "methods": tabulate(times, bounds)}

    def _limits(self, on_cpu):
        """Seconds that each method cannot go below, and what they follow from."""
        network = subjects.build_network(self.network, self.precision)
        layers, num_parameters = subjects.layers_of(network, self.batch_size), network.count_params()
        times, bandwidth = layer_times(layers, self.precision, on_cpu), memory_rate(on_cpu)
        operations = 3 * sum(layer.operations for layer in layers)
        rates = {"product": operations / sum(map(sum, times)), "memory": bandwidth}
        rows = [
            {"kernel": layer.kernel, "outputs": layer.outputs}
            | {f"{name}_ms": 1e3 * seconds for name, seconds in each._asdict().items()}
            for layer, each in zip(layers, times, strict=True)
        ]
        known = subjects.methods_of(self.network)
        bounds = {name: limit(times, known[name][1], num_parameters, bandwidth) for name in self.names()}
        return bounds, {"rates": rates, "products": rows}

    def _trainers(self, on_cpu):
        """`{(engine, method): number of steps -> None}`."""
        trainers = {}
        for name in self.names():
            model = subjects.build_model(self.network, name, self.precision, jit_compile=self.jit_compile)
            trainers["zoo", name] = functools.partial(self._fit_steps, model, name)
        if self.pytorch and has_torch(DTYPES[self.precision], on_cpu):
            from benchmarks import pytorch_loops

            for name in (name for name in self.names() if pytorch_loops.loss_function(self.network, name)):
                job = (self.network, name, self.batch_size, on_cpu, self.precision)
                trainers["pytorch", name] = pytorch_loops.trainer(*job)
        return trainers

    def _fit_steps(self, model, method, steps):
        model.fit(subjects.batches(self.network, method, self.batch_size, steps), verbose=0)


def tabulate(times, bounds):
    """One row per method: milliseconds, and ratios to the plain network, the limit and PyTorch."""
    rows = {}
    for method, bound in bounds.items():
        seconds, torch_seconds = times["zoo", method], times.get(("pytorch", method))
        rows[method] = {
            "ms": 1e3 * seconds,
            "ratio": seconds / times["zoo", "baseline"],
            "limit_ms": 1e3 * bound,
            "over_limit": seconds / bound,
            "pytorch_ms": torch_seconds and 1e3 * torch_seconds,
            "over_pytorch": torch_seconds and seconds / torch_seconds,
        }
    return rows


def print_table(content):
    """Prints what `StepTable.measure` returns."""
    rows, rates = content["methods"], content["rates"]
    print(f"{content['network']}, batch {content['batch_size']}, {content['precision']}, {content['device']}")
    print(f"{rates['product'] / 1e9:.0f} GFLOP/s, {rates['memory'] / 1e9:.1f} GB/s")
    print(f"{'method':<20}" + "".join(f"{column:>14}" for column in next(iter(rows.values()))))
    for name, row in rows.items():
        print(f"{name:<20}" + "".join(f"{'-' if value is None else f'{value:.2f}':>14}" for value in row.values()))
