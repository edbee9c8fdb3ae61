"""The code that depends on the backend, except the two training steps in `zoo.training`."""

__all__: list[str] = []
