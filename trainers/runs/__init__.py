"""One run: its working directory, lock, queue, training and figures."""
