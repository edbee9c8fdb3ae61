"""Balance, disjointness and reproducibility of the draws."""

import numpy as np
import pytest

from zoo.datasets import balanced_subset, bootstrap, hold_out

LABELS = np.random.default_rng(0).permutation(np.repeat(np.arange(5), [40, 30, 50, 20, 60]))


def test_balanced_subset_has_equally_many_of_each_class():
    subset = balanced_subset(LABELS, 50, seed=1)
    assert np.bincount(LABELS[subset]).tolist() == [10] * 5
    assert np.array_equal(subset, np.unique(subset))


def test_balanced_subset_of_labels_that_are_not_consecutive():
    subset = balanced_subset(LABELS * 7 + 3, 25, seed=1)
    assert np.bincount(LABELS[subset]).tolist() == [5] * 5


def test_same_seed_same_draw():
    assert np.array_equal(balanced_subset(LABELS, 50, 1), balanced_subset(LABELS, 50, 1))
    assert not np.array_equal(balanced_subset(LABELS, 50, 1), balanced_subset(LABELS, 50, 2))


def test_every_example_can_be_drawn():
    drawn = np.concatenate([balanced_subset(LABELS, 50, seed) for seed in range(60)])
    assert np.array_equal(np.unique(drawn), np.arange(len(LABELS)))


def test_subset_that_does_not_divide():
    with pytest.raises(ValueError, match="divisible by the 5 classes, received 51"):
        balanced_subset(LABELS, 51, seed=0)


def test_too_few_examples_of_a_class_names_the_counts():
    with pytest.raises(ValueError, match=r"needs 21 examples of each class.*3: 20"):
        balanced_subset(LABELS, 105, seed=0)


@pytest.mark.parametrize("num_validation", [0, 1, 25, 33, 199])
def test_hold_out_splits_all_examples(num_validation):
    train, validation = hold_out(LABELS, num_validation, seed=0)
    assert len(validation) == num_validation
    assert np.array_equal(np.sort(np.concatenate([train, validation])), np.arange(len(LABELS)))


def test_hold_out_is_balanced_when_it_divides():
    _, validation = hold_out(LABELS, 50, seed=0)
    assert np.bincount(LABELS[validation]).tolist() == [10] * 5


def test_hold_out_names_its_own_argument():
    with pytest.raises(ValueError, match="num_validation=4 needs 2 examples of each class"):
        hold_out(np.array([0, 1, 1, 1, 1]), 4, seed=0)


def test_hold_out_leaves_something_to_train_on():
    with pytest.raises(ValueError, match="num_validation must be"):
        hold_out(LABELS, len(LABELS), seed=0)


def test_bootstrap_leaves_out_the_expected_share():
    n = 20000
    sample = bootstrap(n, seed=0)
    assert sample.shape == (n,) and sample.min() >= 0 and sample.max() < n
    left_out = 1 - len(np.unique(sample)) / n
    # Each example is missed with probability (1 − 1/n)^n; the variance of the share is below that over n.
    probability = (1 - 1 / n) ** n
    assert abs(left_out - probability) < 5 * np.sqrt(probability / n)
    assert np.array_equal(sample, bootstrap(n, seed=0))


@pytest.mark.parametrize("form", [lambda y: y[:, None], lambda y: np.eye(5)[y]])
def test_labels_in_a_column_or_one_hot_are_split_alike(form):
    for draw in (lambda y: balanced_subset(y, 50, 1), lambda y: hold_out(y, 50, 1)[1], lambda y: hold_out(y, 7, 1)[1]):
        np.testing.assert_array_equal(draw(form(LABELS)), draw(LABELS))


def test_labels_of_several_units_are_held_out_alike():
    several = np.random.default_rng(0).integers(0, 2, (30, 4))
    train, validation = hold_out(several, 6, 0)
    assert len(validation) == 6 and sorted([*train, *validation]) == list(range(30))
    with pytest.raises(ValueError, match="class indices"):
        balanced_subset(several, 6, 0)
