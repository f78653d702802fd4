"""Losses on tensors: one number for each parameter set and recording."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ...numerics.spikes import crossing, match, rises
from ...recordings import Recording
from ..loss import Loss


def cost_of(loss: Loss, r: Tensor) -> Tensor:
    """What each residual `r`, in units of the scale, costs."""
    if loss.kind == "mse":
        return r.square()
    if loss.kind == "mae":
        return r.abs()
    return functional.huber_loss(r, torch.zeros_like(r), reduction="none", delta=loss.delta)


class Targets:
    """What was measured, padded to the longest recording: (R, T) with weights (R, T).

    The weights of a recording sum to one over the samples that its mask keeps.
    """

    def __init__(self, recordings: Sequence[Recording], loss: Loss, like: Tensor) -> None:
        longest = max(len(r) for r in recordings)
        data = np.zeros((len(recordings), longest))
        weight = np.zeros_like(data)
        scale = np.ones(len(recordings))
        for i, r in enumerate(recordings):
            data[i, : len(r)] = r.data
            weight[i, : len(r)] = r.mask / r.n_used
            scale[i] = loss.scale_of(r.data[r.mask])
        self.loss, self.recordings = loss, recordings
        self.lengths = [len(r) for r in recordings]
        kind = {"dtype": like.dtype, "device": like.device}
        self.data = torch.as_tensor(data, **kind)
        self.weight = torch.as_tensor(weight, **kind)
        self.inverse_scale = torch.as_tensor(1.0 / scale, **kind).unsqueeze(-1)

    def __call__(self, predicted: Tensor) -> Tensor:
        """Loss (K, R) of predictions (K, R, T); samples without weight may be NaN."""
        r = self._below(predicted) - self._below(self.data)
        r = r * self.inverse_scale
        r = torch.where(self.weight > 0, r, torch.zeros_like(r))
        total = (cost_of(self.loss, r) * self.weight).sum(-1)
        if self.loss.spikes > 0 and self.recordings[0].observed == "v":
            total = total + self.loss.spikes * self._spike_errors(predicted)
        return total

    def _below(self, v: Tensor) -> Tensor:
        v_clip = self.loss.v_clip if self.recordings[0].observed == "v" else None
        return v if v_clip is None else v.clamp(max=v_clip)

    def _spike_errors(self, v: Tensor) -> Tensor:
        """Mean squared errors (K, R) of the spike times, in ms²."""
        level, plain = self.loss.threshold, v.detach().double().cpu().numpy()
        total = v.new_zeros(v.shape[:2])
        for r, recording in enumerate(self.recordings):
            t = recording.t
            expected = rises(recording.data, level, recording.mask)
            if len(expected) == 0 and not self.loss.extra:
                continue
            measured = crossing(t, recording.data, expected, level)
            for k in range(len(v)):
                own = plain[k, r, : len(t)]
                found = rises(own, level)
                times = crossing(t, own, found, level)
                first, second = match(measured, times, self.loss.match_window).T
                i = found[second]
                gap = v.new_tensor(t[i + 1] - t[i])
                low, high = v[k, r, i], v[k, r, i + 1]
                late = v.new_tensor(t[i] - measured[first]) + (level - low) * gap / (high - low)
                missing = self.loss.match_window**2 * (len(measured) - len(first))
                extra = len(times) - len(first)
                missing += self.loss.extra * self.loss.match_window**2 * extra
                cost = (late.square().sum() + missing) / max(1, len(measured))
                place = torch.tensor([k, r], device=v.device)
                total = total.index_put(tuple(place), cost)
        return total
