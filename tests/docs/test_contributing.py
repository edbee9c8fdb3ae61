"""The way of one batch, as CONTRIBUTING.md tells it, is the way that `fit` takes."""

import pathlib
import re
import sys

import keras
import numpy as np

import zoo
from tests.support.documents import ROOT

ZOO = pathlib.Path(zoo.__file__).parent


def told():
    """The files and functions of the table."""
    section = (ROOT / "CONTRIBUTING.md").read_text().partition("## Following one batch")[2].partition("\n## ")[0]
    step = f"{keras.backend.backend()}_step"
    return [
        (file.replace("*_step", step), name) for file, name in re.findall(r"^\| `(\S+)` \| `(\S+)` \|", section, re.M)
    ]


def calls_of(function):
    """The functions of `zoo/` in the order of their first calls."""
    codes = {}

    def watch(frame, event, argument):
        if event == "call":
            codes.setdefault(frame.f_code)

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        function()
    finally:
        sys.setprofile(before)
    files = [(pathlib.Path(code.co_filename), code.co_qualname) for code in codes]
    return [(file.relative_to(ZOO).as_posix(), name) for file, name in files if file.is_relative_to(ZOO)]


def test_a_batch_takes_the_way_that_is_told():
    model = zoo.RegularizedModel(zoo.networks.mlp((4,), 3, hidden_units=(3,)), zoo.VirtualAdversarialTraining(0.5))
    eager = keras.backend.backend() == "tensorflow"  # whose functions are others once AutoGraph has converted them
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), run_eagerly=eager)
    way = told()
    assert len(way) > 9
    taken = calls_of(lambda: model.fit(np.zeros((4, 4), "float32"), np.zeros(4, "int32"), verbose=0))
    assert [each for each in taken if each in way] == way
