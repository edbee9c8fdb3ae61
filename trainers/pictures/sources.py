"""Where pictures find their data."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Sources:
    """Where pictures find their data.

    Attributes:
        results: results folder.
        analysis: folder of the figures of models, from `trainers.analyze`.
        table: key of the table whose results to draw.
        model: name of a published model, or path of a SavedModel.
        saved_models: folder of published models; None for the default one.
        step_times: folder of the step times that `benchmarks` measured.
        workdir: finished run of a ladder; None trains one for an epoch.
    """

    results: str = "results"
    analysis: str = "results/analysis"
    table: str = "synthetic"
    model: str = "mnist_mlp-baseline"
    saved_models: str | None = None
    step_times: str = "benchmarks/measured"
    workdir: str | None = None
