"""What a run does between its epochs."""
