"""The results folder: figures of recipes, tables of them, published models."""
