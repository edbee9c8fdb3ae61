"""Steps on several devices: what does not run there is refused before training."""

import keras
import numpy as np
import pytest

if keras.backend.backend() != "tensorflow":
    pytest.skip("TensorFlow's strategies", allow_module_level=True)

from zoo.training.tensorflow_step import check_division


@pytest.mark.parametrize(
    "num_examples, batch_size, split, refused",
    [
        (64, 16, 0, False),
        (66, 16, 0, False),
        (65, 16, 0, True),  # the last batch has one example for two devices
        (64, None, 0, False),
        (65, None, 0, True),
        (63, 9, 0, True),
        (7, None, 0, True),
        (80, 16, 0.2, False),
        (82, 16, 0.2, True),
    ],
)
def test_batches_divide_among_two_devices(num_examples, batch_size, split, refused):
    options = {"x": np.zeros((num_examples, 3)), "batch_size": batch_size, "validation_split": split}
    if refused:
        with pytest.raises(ValueError, match="divide among the 2 devices, received"):
            check_division(options, 2)
    else:
        check_division(options, 2)
    check_division(options, 1)


def test_other_data_is_not_looked_at():
    check_division({"x": iter(())}, 2)
