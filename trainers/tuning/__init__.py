"""Searches for hyperparameters: what is tried, how it is asked for, and what came out."""
