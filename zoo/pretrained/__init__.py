"""Pretrained models: write, list, load and convert SavedModels whose card states the measured error."""

from zoo.pretrained.card import verify
from zoo.pretrained.conversion import convert
from zoo.pretrained.exporting import error_percent, export
from zoo.pretrained.finding import default_directory, find, list_models
from zoo.pretrained.loading import load, model_card
from zoo.pretrained.plain import plain
from zoo.pretrained.readme import readme
from zoo.pretrained.uploading import upload

__all__ = [
    "convert",
    "default_directory",
    "error_percent",
    "export",
    "find",
    "list_models",
    "load",
    "model_card",
    "plain",
    "readme",
    "upload",
    "verify",
]
