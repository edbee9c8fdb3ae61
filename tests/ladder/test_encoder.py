"""The encoder's passes, and the layers it refuses."""

import numpy as np
import pytest
from keras import ops

from tests.ladder.conftest import NUM_LABELED
from zoo.ladder import ladder_encoder
from zoo.ladder.encoder import encode


def test_statistics_of_labeled_and_unlabeled_rows_do_not_mix(make, batch):
    model = make()
    x, _, _ = batch(model)
    other = x.copy()
    other[NUM_LABELED:] *= 10.0
    first, second = (encode(model.rungs, ops.convert_to_tensor(each), NUM_LABELED) for each in (x, other))
    np.testing.assert_allclose(first.logits[:NUM_LABELED], second.logits[:NUM_LABELED], rtol=1e-12)
    mixed = [
        ops.convert_to_numpy(encode(model.rungs, ops.convert_to_tensor(each)).logits)[:NUM_LABELED]
        for each in (x, other)
    ]
    assert np.max(np.abs(mixed[0] - mixed[1])) > 0.1


@pytest.mark.parametrize(
    "rungs, shape, message",
    [
        ([], (6,), "at least one entry"),
        ([{"name": "densse", "units": 3}], (6,), "Did you mean 'dense'"),
        ([{"name": "dense"}], (6,), "dense lacks units; received no options"),
        ([{"name": "max_pool", "size": 0}], (4, 4, 1), "size must be at least 1, received 0"),
        ([{"name": "max_pool", "size": 5}], (4, 4, 1), r"size 5 does not fit an input of shape \(4, 4, 1\)"),
        ([{"name": "dense", "unit": 3}], (6,), "Did you mean 'units'"),
        ([{"name": "conv", "filters": 2, "size": 5}], (4, 4, 1), r"does not fit an input of shape \(4, 4, 1\)"),
        ([{"name": "max_pool", "size": 2}], (6,), r"does not fit an input of shape \(6,\)"),
        ([{"name": "conv", "filters": 3, "size": 2}], (4, 4, 1), r"for 3 classes it must give \(3,\)"),
        ([{"name": "dense", "units": 4}], (6,), r"gives outputs of shape \(4,\)"),
    ],
)
def test_layers_that_do_not_fit(rungs, shape, message):
    with pytest.raises(ValueError, match=message):
        ladder_encoder(shape, 3, rungs=rungs)


def test_an_activation_is_checked_though_the_one_rung_has_none():
    with pytest.raises(ValueError, match="Did you mean 'relu'"):
        ladder_encoder((6,), 3, rungs=[{"name": "dense", "units": 3}], activation="rellu")
