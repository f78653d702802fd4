"""Elements of a batch: the parameters of cells, and the ends of windows (numpy only)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from ..numerics.arrays import FloatArray


@dataclass(frozen=True)
class Sets:
    """The parameters of a call, in one shape: K sets of one row (P,) for each of C cells.

    `theta` is (K, C, P), `cells` (R,) or None where all recordings are of the one cell.
    """

    theta: FloatArray
    cells: NDArray[np.int64] | None
    single: bool

    @classmethod
    def of(cls, theta: FloatArray, cells: ArrayLike | None, recordings: int) -> Sets:
        """Check and reshape the arguments of a call."""
        rows = np.ascontiguousarray(theta, dtype=np.float64)
        if cells is None:
            if rows.ndim not in (1, 2):
                raise InputError(f"theta has shape {rows.shape}; give (P,) or (K, P)")
            return cls(np.atleast_2d(rows)[:, None], None, rows.ndim == 1)
        which = np.asarray(cells)
        if which.shape != (recordings,) or which.dtype.kind not in "iu":
            raise InputError(
                f"cells has shape {which.shape}; give one whole number for each of "
                f"{recordings} recordings"
            )
        if rows.ndim not in (2, 3):
            raise InputError(f"theta has shape {rows.shape}; with cells give (C, P) or (K, C, P)")
        if which.min() < 0 or which.max() >= rows.shape[-2]:
            raise InputError(
                f"cells are {which.min()} to {which.max()}, but theta {rows.shape} has "
                f"{rows.shape[-2]} cells"
            )
        single = rows.ndim == 2
        return cls(rows[None] if single else rows, which.astype(np.int64), single)

    def shaped(self, gradient: FloatArray) -> FloatArray:
        """A gradient (K, C, P) as `theta` was given, but for the axis of the sets."""
        return gradient[:, 0] if self.cells is None else gradient

    @property
    def rows(self) -> FloatArray:
        """(K·C, P)"""
        return self.theta.reshape(-1, self.theta.shape[-1])

    def cells_of(self, own: slice = slice(None)) -> tuple[int, ...]:
        """The cells of some recordings, empty where all are of one."""
        return () if self.cells is None else tuple(self.cells[own].tolist())


@dataclass(frozen=True, eq=False)
class Ends:
    """What the states at the last samples should be: the knots of multiple shooting.

    To the loss of a recording is added Σ_s weight_s (y_end,s - target_s)², where y_end is the
    state at its last sample; a target that is NaN asks for nothing.

    Parameters
    ----------
    weight : array (S,)
    target : array (R, S) or (K, R, S)
    """

    weight: FloatArray
    target: FloatArray

    def __post_init__(self) -> None:
        object.__setattr__(self, "weight", np.ascontiguousarray(self.weight, dtype=np.float64))
        object.__setattr__(self, "target", np.ascontiguousarray(self.target, dtype=np.float64))
        if self.weight.shape != self.target.shape[-1:] or self.target.ndim not in (2, 3):
            raise InputError(
                f"Ends: weight {self.weight.shape} and target {self.target.shape}; give (S,) and "
                "(R, S) or (K, R, S)"
            )
        if not np.all(self.weight >= 0) or np.isinf(self.target).any():
            raise InputError("Ends: weights must not be negative, targets not infinite")

    def by_target(self, y_end: FloatArray) -> FloatArray:
        """Gradient (…, R, S) of the mean over recordings by the targets."""
        missed = np.nan_to_num(y_end - self.target)
        return -2.0 * self.weight * missed / missed.shape[-2]


def check_ends(ends: Ends, shape: tuple[int, ...]) -> None:
    """Raise unless the targets are for this batch (K, R, S)."""
    if ends.target.shape not in (shape, shape[1:], (1, *shape[1:])):
        raise InputError(f"ends: targets {ends.target.shape} for a batch (K, R, S) = {shape}")
