"""Labels of dense outputs, and what a message advises."""

import numpy as np
import pytest

from zoo.training.label_checks import check_class_indices


@pytest.mark.parametrize("classes", [2, 5])
def test_dense_class_indices_may_look_like_one_hot_rows(classes):
    labels = np.eye(5, dtype="int32")
    check_class_indices("training", labels, (None, 5, classes))
    for shape in ((None, 5), None):
        with pytest.raises(ValueError, match="one-hot labels"):
            check_class_indices("training", labels, shape)


@pytest.mark.parametrize("role, advised", [("training", True), ("given", False)])
def test_sets_without_labels_are_advised_in_training_alone(role, advised):
    with pytest.raises(ValueError, match="received -1") as caught:
        check_class_indices(role, np.array([0, -1]), (None, 3))
    assert ("SemiSupervised" in str(caught.value)) == advised
