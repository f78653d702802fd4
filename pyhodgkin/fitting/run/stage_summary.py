"""One line of the log on a stage that has ended."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...numerics.arrays import FloatArray
from ...status import Status


def described(
    label: str,
    steps: int,
    best: FloatArray,
    what: str = "loss",
    remark: str = "",
    refused: NDArray[np.int64] | None = None,
    reason: NDArray[np.int64] | None = None,
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
