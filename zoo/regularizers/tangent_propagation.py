"""Tangent propagation."""

from collections.abc import Mapping
from typing import Any

import keras

from zoo.regularizers.clean_pass import CleanPass
from zoo.regularizers.math import per_example
from zoo.regularizers.math.movement import (
    BORDERS,
    FORMATS,
    lattice_view,
    movement_tangents,
    off_lattice,
    spatial_gradient,
)
from zoo.regularizers.math.movement_fields import MovementField, get_field
from zoo.regularizers.regularizer import Regularizer
from zoo.regularizers.virtual_movement_training import check_field, movement_bases
from zoo.validation import as_lattice_shape, check_choice

Tensor = Any  # a tensor of the backend


@keras.saving.register_keras_serializable(package="zoo")
class TangentPropagation(Regularizer):
    """Tangent propagation: `J = L(x, y) + λ·Σ_k ‖∂h/∂ε_k‖²`, the derivatives of the logits h along movements.

    An infinitesimal movement `ε_k·B_k` of the lattice of an input changes the logits by `∂h/∂ε_k = J·t_k`, with their
    Jacobian J and the tangent `t_k(p) = ∇I_p · B_k(p)`. The fields B_k are those of `VirtualMovementTraining`,
    orthonormal with `mean_p ‖B_k(p)‖² = 1`. VMT looks at the loss and at its worst combination of fields; this penalty
    looks at all logits and adds up the fields. It needs no labels. Each field costs one product with J.

    Args:
        field: `"shift"`, `"rotation"`, `"scale"`, `"affine"` or `"smooth"`; `"all"` for the sum over the first three; a
            mapping such as `{"name": "smooth", "num_cosines": 2}`; or a `MovementField`.
        border: values outside the lattice: `"zero"` (default), `"nearest"` or `"periodic"`.
        lattice_shape: lengths of the m axes of the lattice, see `VirtualMovementTraining`.
        data_format: place of the channels, see `VirtualMovementTraining`.
        **common: `weight` λ, `ramp_up_steps` and `interval`, see `Regularizer`.

    Raises:
        TypeError: `field` is not a name, a mapping or a `MovementField`.
        ValueError: an unknown name; at the first batch, if inputs do not fill the lattice or the family has no field on
            it.

    Source: Simard, Victorri, LeCun, Denker, 1991, "Tangent prop: a formalism for specifying selected invariances in an
    adaptive network", https://papers.nips.cc/paper/1991/hash/65658fde58ab3c2b6e5132a39fae7cb9-Abstract.html; Na,
    "Regularization for deep learning" (lecture slides).

    Example:
        >>> network = zoo.networks.mlp((28, 28, 1), num_classes=10, hidden_units=(8,))
        >>> model = zoo.RegularizedModel(network, zoo.TangentPropagation("shift", weight=0.1))
        >>> model.terms[0].metric_name
        'tangent_shift'
    """

    needs_input_derivatives = True
    needs_lattice = True

    def __init__(
        self,
        field: str | Mapping[str, Any] | MovementField,
        *,
        border: str = "zero",
        lattice_shape: tuple[int, ...] | None = None,
        data_format: str | None = None,
        **common: Any,
    ):
        super().__init__(**common)
        self.field = check_field(field)
        self.border = check_choice("border", border, BORDERS)
        self.lattice_shape = as_lattice_shape(lattice_shape)
        self.data_format = data_format if data_format is None else check_choice("data_format", data_format, FORMATS)

    @property
    def metric_name(self) -> str:
        """`"tangent_"` and the name of the field."""
        return "tangent_all" if self.field == "all" else f"tangent_{get_field(self.field).name}"

    def per_example(self, clean_pass: CleanPass) -> Tensor:
        """`Σ_k ‖J·t_k‖²` of each example, `(n,)`."""
        inputs = clean_pass.inputs
        images = lattice_view(inputs, self.lattice_shape, self.data_format)
        gradient = spatial_gradient(images, self.border)
        bases = movement_bases(self.field, tuple(images.shape[1:-1]))
        moved = (movement_tangents(gradient, field) for basis in bases for field in basis)
        tangents = (off_lattice(images, inputs, self.data_format) for images in moved)
        squares = (per_example.squared_norm(clean_pass.push_forward(tangent)) for tangent in tangents)
        return sum(squares) / clean_pass.num_positions
