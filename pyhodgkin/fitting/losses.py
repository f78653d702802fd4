"""The loss of a training run, one for each observable, and its value for given predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..backends.loss import LOSS_KINDS, Loss, default_scale
from ..errors import InputError, unknown
from ..numerics.arrays import FloatArray
from ..recordings import Recording
from ..recordings.observables import OBSERVABLES

__all__ = ["LOSS_KINDS", "Loss", "Losses", "loss_for", "loss_of", "loss_value", "pooled_scale"]


@dataclass(frozen=True)
class Losses:
    """One loss for each observable: of v (current clamp) and of the current (voltage clamp)."""

    v: Loss = field(default_factory=Loss)
    current: Loss = field(default_factory=Loss)


def loss_of(loss: Any) -> Loss | Losses:
    """A `Loss` from one, its kind, or nothing; or one for each observable from a mapping.

    Examples
    --------
    >>> loss_of({"v": Loss("huber", delta=0.1), "current": "mae"}).current.kind
    'mae'
    """
    if isinstance(loss, (Loss, Losses)):
        return loss
    if isinstance(loss, Mapping):
        for name in loss:
            if name not in OBSERVABLES:
                raise unknown("observable of loss=", str(name), OBSERVABLES)
        return Losses(**{name: _one(value) for name, value in loss.items()})
    return _one(loss)


def _one(loss: Any) -> Loss:
    if isinstance(loss, Loss):
        return loss
    if loss is not None and not isinstance(loss, str):
        raise InputError(
            f"loss is a {type(loss).__name__}; give a Loss or its kind as text, or one for each "
            'observable: {"v": …, "current": …}'
        )
    return Loss() if loss is None else Loss(loss)


def loss_for(loss: Loss | Losses, observed: str) -> Loss:
    """The loss of one observable."""
    return loss if isinstance(loss, Loss) else getattr(loss, observed)


def pooled_scale(recordings: Sequence[Recording]) -> float:
    """One unit of the residuals of all recordings: the root of the mean of their variances."""
    return float(np.sqrt(np.mean([default_scale(r.data[r.mask]) ** 2 for r in recordings])))


def loss_value(
    loss: Loss, predicted: ArrayLike, measured: ArrayLike, mask: ArrayLike | None = None
) -> FloatArray:
    """What `loss` says of a prediction: () for `predicted` (T,), (K,) for (K, T).

    Examples
    --------
    >>> float(loss_value(Loss("mae", scale=2.0), [1.0, 5.0], [0.0, 0.0]))
    1.5
    """
    target = np.asarray(measured, dtype=np.float64)
    keep = np.ones(target.shape, bool) if mask is None else np.asarray(mask, dtype=bool)
    scale = loss.scale_of(target[keep])
    r = np.abs((np.asarray(predicted, dtype=np.float64) - target)[..., keep] / scale)
    if loss.kind == "mse":
        cost = r**2
    elif loss.kind == "mae":
        cost = r
    else:
        d = loss.delta
        cost = np.where(r <= d, 0.5 * r**2, d * (r - 0.5 * d))
    return np.mean(cost, axis=-1)
