"""Analysis of published models: the plan, the measurements, their files, and the report."""

__all__: list[str] = []
