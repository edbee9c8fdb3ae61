"""The classifier of a ladder: its loss, and what it needs."""

import keras
import numpy as np
import pytest

from tests.ladder.conftest import DENSE
from zoo.ladder import LadderNetwork, ladder_encoder


def test_the_classifier_has_the_loss_of_the_ladder(make):
    x, y = np.random.default_rng(0).normal(size=(24, 6)).astype("float32"), np.arange(24) % 3
    model = make(dtype="float32")
    model.compile("sgd", keras.losses.CategoricalCrossentropy(from_logits=True), run_eagerly=True)
    model.fit(x, np.eye(3, dtype="float32")[y], batch_size=12, verbose=0)
    loss, _ = model.classifier().evaluate(x, np.eye(3, dtype="float32")[y], verbose=0)
    assert np.isfinite(loss)


def test_a_classifier_needs_a_built_ladder():
    encoder = ladder_encoder((6,), 3, rungs=DENSE)
    ladder = LadderNetwork(encoder, denoising_weights=[1.0] * 4)
    with pytest.raises(ValueError, match="Build the ladder first"):
        ladder.classifier()
