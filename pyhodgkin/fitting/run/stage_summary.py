"""One line of the log on a stage that has ended."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...numerics.arrays import FloatArray
from ...status import Status

FALLING = 0.01  # relative decrease of the loss that more steps would add to


def described(
    label: str,
    steps: int,
    best: FloatArray,
    what: str = "loss",
    remark: str = "",
    refused: NDArray[np.int64] | None = None,
    reason: NDArray[np.int64] | None = None,
    limit: str = "",
) -> str:
    """Steps and the best loss of K starts, and what failed.

    Parameters
    ----------
    label : str
        Of the stage.
    steps : int
    best : array (K,)
        The lowest loss of each start; inf where none was finite.
    what : str
        Which loss.
    remark : str
        What else there is to say.
    refused, reason : array of int (K,), optional
        How many steps of each start were rejected, and the `Status` of the last of them.
    limit : str
        What `at_limit` says.

    Examples
    --------
    >>> described("clamped lbfgs", 12, np.array([0.25]))
    'clamped lbfgs: 12 steps, loss 0.25'
    """
    found = np.isfinite(best)
    end = f"{what} {np.min(best):.4g}" if found.any() else "no start has a finite loss"
    if found.sum() > 1:
        end += f" (best), {np.median(best):.4g} (median)"
    text = f"{label}: {steps} steps, {end}"
    text += f"; {limit}" if limit else ""
    text += f"; {remark}" if remark else ""
    if refused is not None and reason is not None and refused.any():
        reasons = sorted({Status(int(r)).name.lower() for r in reason[refused > 0]})
        text += (
            f"; {refused.sum()} steps rejected ({', '.join(reasons)}) in "
            f"{np.sum(refused > 0)} of {len(found)} starts, rates halved there"
        )
    if not found.all():
        text += f"; {np.sum(~found)} of {len(found)} starts failed"
    return text


def at_limit(loss: FloatArray) -> str:
    """What is said of a stage that its limit of steps ended.

    Parameters
    ----------
    loss : array (N, K)
        Of each step and start of the stage, N of them the limit.

    Returns
    -------
    str
        With the relative decrease of the lowest loss in the last tenth of the steps, where that
        is more than `FALLING`.

    Examples
    --------
    >>> at_limit(np.linspace(2.0, 1.0, 101)[:, None])
    'stopped by its limit of 101 steps, the loss falling by 9.1 % in the last 10'
    >>> at_limit(np.ones((20, 1)))
    'stopped by its limit of 20 steps'
    """
    text, last = f"stopped by its limit of {len(loss)} steps", max(1, len(loss) // 10)
    finite = np.where(np.isfinite(loss), loss, np.inf)
    if len(loss) <= last:
        return text
    before, after = float(np.min(finite[:-last])), float(np.min(finite))
    if not 0.0 < before < np.inf or not before - after > FALLING * before:
        return text
    return f"{text}, the loss falling by {100.0 * (1.0 - after / before):.2g} % in the last {last}"
