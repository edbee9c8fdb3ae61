"""Everything that names a backend, apart from the two training steps in `zoo.training`."""
