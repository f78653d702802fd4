"""The loss of a training run, and its value for given predictions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..backends.loss import LOSS_KINDS, Loss, default_scale
from ..recordings import Recording

__all__ = ["LOSS_KINDS", "Loss", "loss_value", "pooled_scale"]


def pooled_scale(recordings: Sequence[Recording]) -> float:
    """One unit of the residuals of all recordings: the root of the mean of their variances."""
    return float(np.sqrt(np.mean([default_scale(r.data[r.mask]) ** 2 for r in recordings])))


def loss_value(
    loss: Loss, predicted: ArrayLike, measured: ArrayLike, mask: ArrayLike | None = None
) -> NDArray[np.float64]:
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
