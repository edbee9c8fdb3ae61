"""Searches that the sources describe, by name; each fits the recipes that have its fields."""

EPSILON = {"min": 0.01, "max": 10.0, "sampling": "log"}
WEIGHT = {"min": 0.005, "max": 5.0, "sampling": "log"}
LABELED, UNLABELED = "ladder.adversarial_noise.labeled", "ladder.adversarial_noise.unlabeled"


def ranged(path, domain):
    """The VMT paper: a grid over a range whose steps it does not give, and the mean of five runs."""
    return {"space": {path: domain}, "engine": "grid", "num_seeds": 5}


def powers(*exponents):
    """`4.5·10^e` for each exponent e."""
    return {"values": [float(f"4.5e{exponent}") for exponent in exponents]}


def noise(labeled, unlabeled=None, **fields):
    """The thesis: a grid over τ_s and τ_u, one run each."""
    space = {LABELED: labeled, **({UNLABELED: unlabeled} if unlabeled else {}), **fields}
    return {"space": space, "engine": "grid", "num_seeds": 1}


TAU = powers(-5, -4, -3, -2)
SEARCHES = {
    "vmt_paper_at": ranged("regularizers.at.epsilon", EPSILON),
    "vmt_paper_vat": ranged("regularizers.vat.epsilon", EPSILON),
    "vmt_paper_vmt": ranged("regularizers.vmt.weight", WEIGHT),
    # Tables 6 and 7: without unlabeled images, for recipes without and with Gaussian noise.
    "thesis_supervised": noise(
        {"values": [0.25, 0.025, 0.0025, 0.00025]},
        **{"ladder.adversarial_noise.labeled_kind": {"values": ["gradient", "sign", "l2", "scaled_l2"]}},
    ),
    "thesis_sign": noise({"values": [1.5e-4, 2.5e-4, 3.5e-4, 4.5e-4]}),  # table 8
    "thesis_unlabeled": noise({"values": [4.5e-4]}, powers(*range(-9, 0))),  # table 11
    "thesis_dense": noise(TAU, powers(-9, -7, -6, -5, -4, -3, -1)),  # tables 13 and 14
    # Tables 15 and 16; beside the largest τ_s they have a τ_u of 4.5e-4 in place of 4.5e-3.
    "thesis_conv": noise(TAU, powers(-9, -7, -5, -3, -1)),
}
