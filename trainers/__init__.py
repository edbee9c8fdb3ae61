"""Command-line programs of the zoo."""
