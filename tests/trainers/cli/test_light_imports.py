"""Recipes without Keras: the context removes its imports, and a later import is complete."""

import os
import subprocess
import sys

PROGRAM = """
import sys
from trainers.cli.light_imports import without_keras
with without_keras():
    from zoo.recipes import RECIPES
    from trainers.cli.recipe_list import recipe_facts
names = list(RECIPES)
assert not {"keras", "tensorflow", "jax", "zoo", "zoo.recipes", "trainers.results"} & set(sys.modules)
import zoo
assert list(zoo.recipes.RECIPES) == names and zoo.load and zoo.RegularizedModel
with without_keras():
    from zoo import recipes
assert recipes is zoo.recipes and sys.modules["zoo"] is zoo
print("complete")
"""


def test_nothing_is_left_of_the_context_and_zoo_imports_as_usual():
    environment = {**os.environ, "KERAS_BACKEND": "jax"}  # which is imported faster
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True)
    assert done.stdout == "complete\n", done.stderr
