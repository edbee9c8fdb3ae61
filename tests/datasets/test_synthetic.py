"""The synthetic signals against the model that they are drawn from."""

import numpy as np
import pytest

from zoo.datasets import synthetic_sines

OMEGAS = (0.99, 1.01)
T = np.linspace(-2 * np.pi, 2 * np.pi, 100)


def joined(**options):
    x_train, y_train, x_test, y_test = synthetic_sines(**options)
    return np.concatenate([x_train, x_test]).astype("float64"), np.concatenate([y_train, y_test])


def log_evidence(x, omega, noise_std):
    """log ∫ N(x; sin(ωt + φ), σ²) dφ over [0, π/2] by the trapezoidal rule, up to a constant."""
    phase = np.linspace(0, np.pi / 2, 201)
    templates = np.sin(omega * T + phase[:, None])
    log_likelihood = (x @ templates.T - np.sum(templates**2, 1) / 2) / noise_std**2
    largest = log_likelihood.max(1, keepdims=True)
    return np.log(np.trapezoid(np.exp(log_likelihood - largest), phase)) + largest[:, 0]


def test_shapes_types_and_sizes():
    x_train, y_train, x_test, y_test = synthetic_sines()
    assert x_train.shape == (1000, 100) and x_test.shape == (9000, 100)
    assert x_train.dtype == x_test.dtype == np.float32
    assert y_train.dtype == y_test.dtype == np.int32
    assert np.bincount(np.concatenate([y_train, y_test])).tolist() == [5000, 5000]


def test_noiseless_signals_are_sines_of_the_label_frequency():
    x, y = joined(noise_std=0.0)
    for label, omega in enumerate(OMEGAS):
        signals = x[y == label]
        basis = np.stack([np.sin(omega * T), np.cos(omega * T)], 1)
        (cos_phase, sin_phase), *_ = np.linalg.lstsq(basis, signals.T)
        np.testing.assert_allclose(basis @ [cos_phase, sin_phase], signals.T, atol=1e-6)
        np.testing.assert_allclose(cos_phase**2 + sin_phase**2, 1, atol=1e-6)
        phase = np.arctan2(sin_phase, cos_phase)
        assert phase.min() >= -1e-6 and phase.max() <= np.pi / 2 + 1e-6
        # The mean of 5000 uniform draws lies within 5 standard errors.
        assert abs(phase.mean() - np.pi / 4) < 5 * (np.pi / 2) / np.sqrt(12 * len(phase))


def test_noise_is_white_and_of_the_given_size():
    noise_std = 0.2
    x, y = joined(noise_std=noise_std)
    for label, omega in enumerate(OMEGAS):
        basis, _ = np.linalg.qr(np.stack([np.sin(omega * T), np.cos(omega * T)], 1))
        signals = x[y == label]
        residual = signals - signals @ basis @ basis.T
        expected = noise_std**2 * (len(T) - 2)
        standard_error = expected * np.sqrt(2 / (len(T) - 2) / len(signals))
        assert abs(np.mean(np.sum(residual**2, 1)) - expected) < 5 * standard_error


def test_matched_filter_errs_on_half_a_percent():
    x, y = joined()
    decision = log_evidence(x, OMEGAS[1], 0.1) > log_evidence(x, OMEGAS[0], 0.1)
    assert 0.002 < np.mean(decision != y) < 0.012


def test_seed_fixes_the_draw():
    again = zip(synthetic_sines(3), synthetic_sines(3), strict=True)
    assert all(np.array_equal(a, b) for a, b in again)
    assert not np.array_equal(synthetic_sines(3)[0], synthetic_sines(4)[0])


@pytest.mark.parametrize("options", [{"noise_std": -0.1}, {"seed": -1}])
def test_out_of_range_arguments(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        synthetic_sines(**options)
