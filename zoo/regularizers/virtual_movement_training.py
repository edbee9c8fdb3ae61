"""Virtual movement training."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.backend.random_numbers import uniform
from zoo.regularizers.clean_pass import CleanPass
from zoo.regularizers.math import per_example
from zoo.regularizers.math.field_bases import orthonormal_basis
from zoo.regularizers.math.movement import (
    BORDERS,
    FORMATS,
    NORMALIZATIONS,
    lattice_view,
    movement_scores,
    spatial_gradient,
    unit_gradient,
)
from zoo.regularizers.math.movement_fields import FIELDS, MovementField, Rotation, Scale, Shift, get_field
from zoo.regularizers.regularizer import Regularizer
from zoo.validation import as_lattice_shape, check_choice

Tensor = Any  # a tensor of the backend


def check_field(field: Any) -> Any:
    """Returns the argument `field` of a regularizer if it is a name, `"all"`, a mapping or a `MovementField`.

    Args:
        field: the value received.

    Raises:
        TypeError: the field is none of these.
        ValueError: the name is unknown.

    Example:
        >>> from zoo.regularizers.virtual_movement_training import check_field
        >>> check_field("all")
        'all'
    """
    if isinstance(field, str):
        return check_choice("movement field", field, [*FIELDS, "all"])
    get_field(field)
    return field


def movement_bases(field: Any, lattice: tuple[int, ...]) -> list[np.ndarray]:
    """The orthonormal basis of each family on a lattice, without families that have no field there.

    Args:
        field: see `check_field`. `"all"` has three families.
        lattice: lengths of its m axes.

    Returns:
        Arrays `(num_fields, positions, m)`.

    Raises:
        ValueError: no family has a field there.

    Example:
        >>> from zoo.regularizers.virtual_movement_training import movement_bases
        >>> [basis.shape for basis in movement_bases("all", (4, 5))]
        [(2, 20, 2), (1, 20, 2), (2, 20, 2)]
    """
    families = [Shift(), Rotation(), Scale()] if field == "all" else [get_field(field)]
    bases = [orthonormal_basis(family.basis(lattice)) for family in families]
    bases = [basis for basis in bases if len(basis)]
    if not bases:
        raise ValueError(f"The lattice {lattice} has no movement of the kind {field!r}.")
    return bases


@keras.saving.register_keras_serializable(package="zoo")
class VirtualMovementTraining(Regularizer):
    """Virtual movement training (VMT): `J = L(x, y) + λ·mean_n R(V*)`, `R = max_V |∂L/∂ε|`.

    An infinitesimal movement εV of the lattice of an input changes the loss by `∂L/∂ε = Σ_p g_p (∇I_p · V_p)`, with the
    loss gradient g and the spatial gradient ∇I of the input. Over the combinations `V = Σ_k c_k B_k` of a family of
    fields with `mean_p ‖V_p‖² = 1` the largest change is `R = sqrt(sᵀ G⁻¹ s)`, with the scores
    `s_k = Σ_p g_p (∇I_p · B_k(p))` and the Gram matrix G of the family. The weights' gradient runs through g.

    VMT needs labels. In semi-supervised training it covers only the labeled inputs, unless `virtual_labels` is set.

    Args:
        field: `"shift"`, `"rotation"`, `"scale"`, `"affine"` or `"smooth"`; `"all"` for `Σ_i w_i R_i / Σ_i w_i` over
            the first three with new `w_i ~ U(0, 1)` for every batch; a mapping such as
            `{"name": "smooth", "num_cosines": 6}`; or a `MovementField`.
        normalization: `"none"` (default) uses g as it is, `"example"` divides g by its norm for each example, `"batch"`
            by its norm over the batch.
        border: values outside the lattice: `"zero"` (default), `"nearest"` or `"periodic"`.
        lattice_shape: lengths of the m axes of the lattice, each at least 2, for inputs that do not show it, such as
            flattened images. With None, `(n, length)` is a signal, and any other input has channels where `data_format`
            says.
        data_format: `"channels_last"` or `"channels_first"`. None takes Keras's `image_data_format()`, and refuses
            inputs such as `(n, 3, 32, 32)` that do not look like it.
        virtual_labels: whether inputs without labels take part, with the network's own decisions as labels. This is not
            in the paper.
        **common: `weight` λ, `ramp_up_steps` and `interval`, see `Regularizer`.

    Raises:
        TypeError: `field` is not a name, a mapping or a `MovementField`.
        ValueError: an unknown name; at the first batch, if inputs do not fill the lattice or the family has no field on
            it (such as the rotation of a signal).

    Source: "Regularization neural networks via constrained virtual movement field", anonymous submission to ICLR 2018,
    equations 9 to 15 and 23. Affine and smooth fields are additions. Virtual mixup training is a different method.

    Example:
        >>> network = zoo.networks.mlp((28, 28, 1), num_classes=10, hidden_units=(8,))
        >>> model = zoo.RegularizedModel(network, zoo.VirtualMovementTraining("affine", weight=2.0))
        >>> model.terms[0].metric_name
        'vmt_affine'
    """

    needs_input_derivatives = True
    needs_lattice = True

    def __init__(
        self,
        field: str | Mapping[str, Any] | MovementField,
        *,
        normalization: str = "none",
        border: str = "zero",
        lattice_shape: tuple[int, ...] | None = None,
        data_format: str | None = None,
        virtual_labels: bool = False,
        **common: Any,
    ):
        super().__init__(**common)
        self.field = check_field(field)
        self.normalization = check_choice("normalization", normalization, NORMALIZATIONS)
        self.border = check_choice("border", border, BORDERS)
        self.lattice_shape = as_lattice_shape(lattice_shape)
        self.data_format = data_format if data_format is None else check_choice("data_format", data_format, FORMATS)
        self.virtual_labels = bool(virtual_labels)

    @property
    def metric_name(self) -> str:
        """`"vmt_"` and the name of the field."""
        return "vmt_all" if self.field == "all" else f"vmt_{get_field(self.field).name}"

    def bases(self, lattice: tuple[int, ...]) -> list[np.ndarray]:
        """The orthonormal basis of each family on a lattice, without families that have no field there.

        Args:
            lattice: lengths of its m axes.

        Returns:
            Arrays `(num_fields, positions, m)`.

        Raises:
            ValueError: no family has a field there.
        """
        return movement_bases(self.field, lattice)

    def scores(self, clean_pass: CleanPass) -> list[tuple[np.ndarray, Tensor]]:
        """The derivatives of the loss along every basis field, for each labeled example (all with virtual labels).

        Args:
            clean_pass: the `CleanPass` over the batch.

        Returns:
            A pair for each family: the basis, `(num_fields, positions, m)`, and the scores,
            `(num_labeled, num_fields)`.
        """
        gradient = clean_pass.virtual_loss_gradient if self.virtual_labels else clean_pass.loss_gradient
        gradient = self._on_lattice(unit_gradient(gradient, self.normalization))
        images = self._on_lattice(self._moved(clean_pass))
        image_gradient = spatial_gradient(images, self.border)
        bases = self.bases(tuple(images.shape[1:-1]))
        scores = movement_scores(gradient, image_gradient, np.concatenate(bases))  # of all families in one product
        ends = np.cumsum([len(basis) for basis in bases]).tolist()
        return [(basis, scores[:, end - len(basis) : end]) for basis, end in zip(bases, ends, strict=True)]

    def _on_lattice(self, x: Tensor) -> Tensor:
        return lattice_view(x, self.lattice_shape, self.data_format)

    def _moved(self, clean_pass: CleanPass) -> Tensor:
        return clean_pass.inputs if self.virtual_labels else clean_pass.labeled_inputs

    def worst_movement(self, clean_pass: CleanPass) -> list[Tensor]:
        """The worst movement V* of each labeled example (each example with virtual labels).

        Args:
            clean_pass: the `CleanPass` over the batch.

        Returns:
            A tensor `(num_labeled, *lattice, m)` for each family, in units of the lattice spacing.
        """
        lattice = tuple(self._on_lattice(self._moved(clean_pass)).shape[1:-1])
        movements = []
        for basis, scores in self.scores(clean_pass):
            flat_basis = ops.convert_to_tensor(basis.reshape(len(basis), -1), dtype=scores.dtype)
            movement = ops.matmul(per_example.normalize(scores), flat_basis)
            movements.append(ops.reshape(movement, (-1, *lattice, len(lattice))))
        return movements

    def per_example(self, clean_pass: CleanPass) -> Tensor:
        """`R(V*)` of each labeled example (each example with virtual labels), `(num_labeled,)`."""
        values = [per_example.root(per_example.squared_norm(s)) for _, s in self.scores(clean_pass)]
        if len(values) == 1:
            return values[0]
        weights = uniform((len(values),), values[0].dtype, clean_pass.seed)
        return ops.matmul(ops.stack(values, axis=-1), weights / ops.sum(weights))
