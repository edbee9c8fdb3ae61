"""What the commands share: the frame of a command, the flags of recipes and of distribution."""

__all__: list[str] = []
