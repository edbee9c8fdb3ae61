"""Virtual movement training."""

import keras
import numpy as np
from keras import ops

from zoo.backend.random_numbers import uniform
from zoo.regularizers.math import per_example
from zoo.regularizers.math.movement import (
    BORDERS,
    NORMALIZATIONS,
    lattice_view,
    movement_scores,
    spatial_gradient,
    unit_gradient,
)
from zoo.regularizers.math.movement_fields import FIELDS, Rotation, Scale, Shift, get_field, orthonormal_basis
from zoo.regularizers.regularizer import Regularizer
from zoo.validation import check_choice


@keras.saving.register_keras_serializable(package="zoo")
class VirtualMovementTraining(Regularizer):
    """Virtual movement training (VMT): `J = L(x, y) + λ·mean_n R(V*)`, `R = max_V |∂L/∂ε|`.

    An infinitesimal movement εV of the lattice on which the input lives changes the loss by
    `∂L/∂ε = Σ_p g_p (∇I_p · V_p)`. Over the combinations `V = Σ_k c_k B_k` of a family of fields with
    `mean_p ‖V_p‖² = 1` the largest change is `R = sqrt(sᵀ G⁻¹ s)`, with the scores `s_k = Σ_p g_p (∇I_p · B_k(p))` and
    the Gram matrix G of the family. The weights' gradient runs through g. It needs labels: in semi-supervised
    training it covers the labeled inputs alone, unless the others are given virtual ones.

    Args:
        field: `"shift"`, `"rotation"`, `"scale"`, `"affine"`, `"smooth"`; `"all"` for `Σ_i w_i R_i / Σ_i w_i` over the
            first three with fresh `w_i ~ U(0, 1)` for every batch; a mapping such as
            `{"name": "smooth", "num_cosines": 6}`; or a `MovementField`.
        normalization: of g: `"none"` (default), `"example"` or `"batch"`, see `unit_gradient`.
        border: what lies outside the lattice: `"zero"` (default), `"nearest"` or `"periodic"`.
        lattice_shape: tuple of the lattice's m lengths, for inputs that do not show it, such as flattened images;
            by default `(n, length)` is a signal and everything else has its channels last.
        virtual_labels: whether inputs without labels take part, the network's own decisions being theirs (not in the
            paper).
        **common: `weight` λ, `ramp_up_steps` and `interval`, see `Regularizer`.

    Raises:
        ValueError: unknown names; at the first batch, inputs that do not fill the lattice, or a lattice on which the
            family has no field (rotation of a signal).

    Source: "Regularization Neural Networks via Constrained Virtual Movement Field", equations 9 to 15 and 23. Affine
    and smooth fields are additions. Not to be confused with virtual mixup training.
    """

    needs_input_derivatives = True

    def __init__(
        self, field, *, normalization="none", border="zero", lattice_shape=None, virtual_labels=False, **common
    ):
        super().__init__(**common)
        if isinstance(field, str):
            check_choice("movement field", field, [*FIELDS, "all"])
        elif field != "all":
            get_field(field)
        self.field = field
        self.normalization = check_choice("normalization", normalization, NORMALIZATIONS)
        self.border = check_choice("border", border, BORDERS)
        self.lattice_shape = None if lattice_shape is None else tuple(lattice_shape)
        self.virtual_labels = bool(virtual_labels)

    @property
    def metric_name(self):
        return "vmt_all" if self.field == "all" else f"vmt_{get_field(self.field).name}"

    def bases(self, lattice):
        """The orthonormal basis of each family on a lattice, empty families left out."""
        families = [Shift(), Rotation(), Scale()] if self.field == "all" else [get_field(self.field)]
        fields = [orthonormal_basis(family.basis(lattice)) for family in families]
        fields = [basis for basis in fields if len(basis)]
        if not fields:
            raise ValueError(f"The lattice {lattice} has no movement of the kind {self.field!r}.")
        return fields

    def scores(self, clean_pass):
        """The derivatives of each labeled example's loss along every basis field; of all with virtual labels.

        Returns:
            A list of `(bases, scores)`, one per family: `(num_fields, positions, m)` and `(num_labeled, num_fields)`.
        """
        gradient = clean_pass.virtual_loss_gradient if self.virtual_labels else clean_pass.loss_gradient
        gradient = lattice_view(unit_gradient(gradient, self.normalization), self.lattice_shape)
        images = lattice_view(self._moved(clean_pass), self.lattice_shape)
        image_gradient = spatial_gradient(images, self.border)
        bases = self.bases(tuple(images.shape[1:-1]))
        scores = movement_scores(gradient, image_gradient, np.concatenate(bases))  # of all families in one product
        ends = np.cumsum([len(basis) for basis in bases]).tolist()
        return [(basis, scores[:, end - len(basis) : end]) for basis, end in zip(bases, ends, strict=True)]

    def _moved(self, clean_pass):
        return clean_pass.inputs if self.virtual_labels else clean_pass.labeled_inputs

    def worst_movement(self, clean_pass):
        """The worst movement V* of each labeled example, `(num_labeled, *lattice, m)`, one per family in a list."""
        lattice = tuple(lattice_view(self._moved(clean_pass), self.lattice_shape).shape[1:-1])
        movements = []
        for basis, scores in self.scores(clean_pass):
            flat_basis = ops.convert_to_tensor(basis.reshape(len(basis), -1), dtype=scores.dtype)
            movement = ops.matmul(per_example.normalize(scores), flat_basis)
            movements.append(ops.reshape(movement, (-1, *lattice, len(lattice))))
        return movements

    def per_example(self, clean_pass):
        values = [per_example.root(per_example.squared_norm(s)) for _, s in self.scores(clean_pass)]
        if len(values) == 1:
            return values[0]
        weights = uniform((len(values),), values[0].dtype, clean_pass.seed)
        return ops.matmul(ops.stack(values, axis=-1), weights / ops.sum(weights))
