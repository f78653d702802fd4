"""How far a prediction is from what was measured, as a value that both engines take."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InputError, unknown
from ..numerics.arrays import FloatArray

LOSS_KINDS = ("mse", "mae", "huber")


@dataclass(frozen=True)
class Loss:
    """How far a prediction is from what was measured, as a value.

    The residual is (predicted - measured)/scale; its square, absolute value or Huber function
    is averaged over the samples that the mask keeps.

    Parameters
    ----------
    kind : {"mse", "mae", "huber"}
    scale : float, optional
        Unit of the residual, in the unit of the observable; default the standard deviation of
        what was measured, so that losses of different observables compare. Where a stage of a
        fit simulates v it is one for all recordings, the root of the mean of their variances.
    delta : float
        Where ``"huber"`` turns from square to linear, in units of `scale`.
    spikes : float
        Where v is compared, this times the mean squared error of the spike times, in ms², is
        added. A spike is a rise of v through `threshold`; as many as can be are paired with one of
        the prediction, at most `match_window` away, and of such pairings the closest is taken. A
        spike without any counts as that far off, and gives no gradient; so does one too many with
        `extra`, else it is in the residual of v only.
    threshold : float
        mV; where a spike is timed.
    match_window : float
        ms; less than half the shortest interval keeps spikes from being taken for others.
    extra : float
        A spike too many counts as so many that are missing; 1 for as much, default 0.
    v_clip : float, optional
        mV. Where v is compared, what is above counts as that, in both traces: how long a spike
        that comes too early or too late lasts does not count, nor what it looks like.
    observer_conductance : float, optional
        Where the gates are driven by a measured v, and the ionic current is compared, what it is
        off is divided by the conductance of all channels plus this one (mS/cm², µS or nS, as the
        recordings): by so many mV v would be off with an observer of that conductance. So currents
        that should cancel, and do not quite, cost less than gates that stay shut. The default
        of `scale` is then that of v. Not for Levenberg-Marquardt.

    Examples
    --------
    >>> Loss("huber", delta=0.1).kind
    'huber'
    """

    kind: str = "mse"
    scale: float | None = None
    delta: float = 1.0
    spikes: float = 0.0
    threshold: float = 0.0
    match_window: float = 5.0
    v_clip: float | None = None
    observer_conductance: float | None = None
    extra: float = 0.0

    def __post_init__(self) -> None:
        if self.observer_conductance is not None and not 0.0 < self.observer_conductance < np.inf:
            raise InputError(
                f"Loss: observer_conductance = {self.observer_conductance} (a conductance) must "
                "be positive"
            )
        if not 0.0 < self.match_window < np.inf:
            raise InputError(f"Loss: match_window = {self.match_window} ms must be positive")
        if not 0.0 <= self.spikes < np.inf or not np.isfinite(self.threshold):
            raise InputError(
                f"Loss: spikes = {self.spikes} must not be negative, threshold = "
                f"{self.threshold} mV must be a voltage"
            )
        if not 0.0 <= self.extra < np.inf:
            raise InputError(f"Loss: extra = {self.extra} must not be negative")
        if self.kind not in LOSS_KINDS:
            raise unknown("kind of loss", self.kind, LOSS_KINDS)
        if (self.scale is not None and not self.scale > 0) or not self.delta > 0:
            raise InputError(f"Loss: scale = {self.scale}, delta = {self.delta} must be positive")

    def scale_of(self, measured: FloatArray) -> float:
        """The unit of the residuals of what was `measured`."""
        return default_scale(measured) if self.scale is None else self.scale


def default_scale(measured: FloatArray) -> float:
    """The unit of a residual where a loss names none: the standard deviation of what was measured.

    It is 1 where that is as good as constant.
    """
    spread = float(np.std(measured))
    return spread if spread > 1e-9 * float(np.max(np.abs(measured))) else 1.0


def residual_weights(r: FloatArray, loss: Loss) -> FloatArray:
    """The weight of each squared residual `r` in iteratively reweighted least squares.

    Half the second derivative of a square; outside its square part a Huber loss, and the absolute
    value everywhere, weigh a residual by the inverse of its size.

    Examples
    --------
    >>> residual_weights(np.array([0.5, 4.0]), Loss("huber", delta=1.0)).tolist()
    [1.0, 0.25]
    """
    size = np.abs(np.where(np.isfinite(r), r, 1.0))
    if loss.kind == "mse":
        return np.full(r.shape, 2.0)
    if loss.kind == "mae":
        return 1.0 / np.maximum(size, 1e-3)
    return np.where(size <= loss.delta, 1.0, loss.delta / np.maximum(size, loss.delta))
