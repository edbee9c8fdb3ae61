"""The searches that the papers describe, by name. A search fits every recipe that has its fields."""

from typing import Any

EPSILON = {"min": 0.01, "max": 10.0, "sampling": "log"}
WEIGHT = {"min": 0.005, "max": 5.0, "sampling": "log"}
LABELED, UNLABELED = "ladder.adversarial_noise.labeled", "ladder.adversarial_noise.unlabeled"


def ranged(path: str, domain: dict[str, Any]) -> dict[str, Any]:
    """A search of the VMT paper: a grid over a range, whose steps the paper does not give, and the mean of five runs.

    Example:
        >>> from zoo.recipes.searches import WEIGHT, ranged
        >>> ranged("regularizers.vmt.weight", WEIGHT)["num_seeds"]
        5
    """
    return {"space": {path: domain}, "engine": "grid", "num_seeds": 5}


def powers(*exponents: int) -> dict[str, Any]:
    """The values `4.5·10^e` for each exponent e.

    Example:
        >>> from zoo.recipes.searches import powers
        >>> powers(-5, -4)
        {'values': [4.5e-05, 0.00045]}
    """
    return {"values": [float(f"4.5e{exponent}") for exponent in exponents]}


def noise(labeled: dict[str, Any], unlabeled: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """A search of the thesis: a grid over τ_s of labeled and τ_u of unlabeled images, one run each.

    Example:
        >>> from zoo.recipes.searches import noise, powers
        >>> noise(powers(-5, -4))["engine"]
        'grid'
    """
    space = {LABELED: labeled, **({UNLABELED: unlabeled} if unlabeled else {}), **fields}
    return {"space": space, "engine": "grid", "num_seeds": 1}


TAU = powers(-5, -4, -3, -2)
SEARCHES: dict[str, dict[str, Any]] = {
    "vmt_paper_at": ranged("regularizers.at.epsilon", EPSILON),
    "vmt_paper_vat": ranged("regularizers.vat.epsilon", EPSILON),
    "vmt_paper_vmt": ranged("regularizers.vmt.weight", WEIGHT),
    # Tables 6 and 7: no unlabeled images; recipes without and with Gaussian noise. Of the kind "gradient", the thesis's
    # τ is 100 times as large for the same noise, because its gradient is that of a batch's mean cost.
    "thesis_supervised": noise(
        {"values": [0.25, 0.025, 0.0025, 0.00025]},
        **{"ladder.adversarial_noise.labeled_kind": {"values": ["gradient", "sign", "l2", "scaled_l2"]}},
    ),
    "thesis_sign": noise({"values": [1.5e-4, 2.5e-4, 3.5e-4, 4.5e-4]}),  # table 8
    "thesis_norm": noise(  # table 9, for recipes with noise of the kind "scaled_l2"
        {"values": [1.5e-4, 2.5e-4, 3.5e-4, 4.5e-4, 2.5e-3, 2.5e-2]}, **{"ladder.noise_std": {"values": [0.25, 0.3]}}
    ),
    "thesis_unlabeled": noise({"values": [4.5e-4]}, powers(*range(-9, 0))),  # table 11
    "thesis_dense": noise(TAU, powers(-9, -7, -6, -5, -4, -3, -1)),  # tables 13 and 14
    # Tables 15 and 16. With the largest τ_s, they have τ_u 4.5e-4 instead of 4.5e-3.
    "thesis_conv": noise(TAU, powers(-9, -7, -5, -3, -1)),
}
