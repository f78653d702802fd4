"""A linear recurrence over time as an associative scan, with its gradient.

x[k+1] = a[k] x[k] + b[k] is what a gate under a known voltage obeys. Two neighbouring steps are
one step of the same kind, (a1 a0, a1 b0 + b1), so the recurrence is solved by halving its length
(Blelloch 1990, Prefix sums and their applications): about 2 log2(T) vectorised operations over
3 T numbers in all. The adjoint is a recurrence of the same kind that runs backwards.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

# At this length a loop over what is left costs less than further halving.
SHORT = 16


def linear_scan(decay: Tensor, drive: Tensor, x0: Tensor) -> Tensor:
    """States x[1], …, x[T] of x[k+1] = decay[k] x[k] + drive[k] that starts from x[0] = x0.

    Stable for decay in [0, 1]: products of decays only shrink, and nothing is divided.

    Parameters
    ----------
    decay, drive : Tensor, shape (..., T)
        Time is the last axis; any number of batch axes stand in front.
    x0 : Tensor, shape (...)

    Returns
    -------
    Tensor, shape (..., T)
        Differentiable with respect to all three, as often as needed.

    Examples
    --------
    >>> a, b = torch.full((4,), 0.5), torch.ones(4)
    >>> linear_scan(a, b, torch.tensor(0.0))
    tensor([1.0000, 1.5000, 1.7500, 1.8750])
    """
    if decay.shape != drive.shape or x0.shape != decay.shape[:-1]:
        raise ValueError(
            f"linear_scan: decay {tuple(decay.shape)}, drive {tuple(drive.shape)} and x0 "
            f"{tuple(x0.shape)} do not fit; they should be (..., T), (..., T) and (...)"
        )
    return _LinearScan.apply(decay, drive, x0)  # type: ignore[no-any-return]


class _LinearScan(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, decay: Tensor, drive: Tensor, x0: Tensor) -> Tensor:
        x = _scan(decay, drive, x0)
        ctx.save_for_backward(decay, x, x0)
        return x

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        decay, x, x0 = ctx.saved_tensors
        by_x = grad_outputs[0]
        if decay.shape[-1] == 0:
            return by_x, by_x, torch.zeros_like(x0)
        # adjoint[k] = by_x[k] + decay[k+1] adjoint[k+1]: the same recurrence in reversed time.
        # The first decay there multiplies nothing, so that rolling the array is enough.
        reversed_decay = decay.roll(-1, -1).flip(-1)
        adjoint = linear_scan(reversed_decay, by_x.flip(-1), torch.zeros_like(x0)).flip(-1)
        before = torch.cat([x0.unsqueeze(-1), x[..., :-1]], dim=-1)
        return adjoint * before, adjoint, adjoint[..., 0] * decay[..., 0]


def _scan(a: Tensor, b: Tensor, x0: Tensor) -> Tensor:
    length = a.shape[-1]
    out = torch.empty_like(b)
    if length <= SHORT:
        x = x0
        for k in range(length):
            x = torch.addcmul(b[..., k], a[..., k], x)
            out[..., k] = x
        return out
    paired = length - length % 2
    first, second = slice(0, paired, 2), slice(1, paired, 2)
    halved = torch.addcmul(b[..., second], a[..., second], b[..., first])
    out[..., second] = odd = _scan(a[..., second] * a[..., first], halved, x0)
    out[..., 0] = torch.addcmul(b[..., 0], a[..., 0], x0)
    rest = slice(2, length, 2)
    known = odd[..., : (length - 1) // 2]
    torch.addcmul(b[..., rest], a[..., rest], known, out=out[..., rest])
    return out
