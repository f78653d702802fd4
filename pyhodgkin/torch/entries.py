"""The entries of a parameter layout as parameters and buffers of a module."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from ..errors import InputError, unknown
from ..neuron.neuron import Neuron


class Entries(nn.Module):
    """Parameters of a neuron by name, in the order of its layout.

    A module's parameter cannot have a dot in its name: ``"k.n.alpha.a"`` is ``"k/n/alpha/a"``.

    Parameters
    ----------
    neuron : Neuron
    places : collection of int
        Where the entries that have a gradient stand in the layout; the others are buffers.
    dtype : torch.dtype
        float64 or float32.
    """

    def __init__(self, neuron: Neuron, places: Iterable[int], dtype: torch.dtype) -> None:
        super().__init__()
        if dtype not in (torch.float64, torch.float32):
            raise InputError(f"dtype = {dtype}; give torch.float64 or torch.float32")
        chosen = {int(i) for i in places}
        theta = torch.as_tensor(neuron.theta.copy(), dtype=dtype)
        self.names = [entry.name for entry in neuron.layout]
        for entry in neuron.layout:
            value = theta[entry.slice].reshape(entry.shape).clone()
            if entry.start in chosen:
                self.register_parameter(_key(entry.name), nn.Parameter(value))
            else:
                self.register_buffer(_key(entry.name), value)

    def __getitem__(self, name: str) -> Tensor:
        """The values of one parameter of the neuron."""
        if name not in self.names:
            raise unknown("parameter", name, self.names)
        return getattr(self, _key(name))

    def forward(self) -> Tensor:
        """All of them as one vector (P,), in the order of ``neuron.layout``."""
        return torch.cat([self[name].reshape(-1) for name in self.names])

    def of(self, names: Iterable[str]) -> list[nn.Parameter]:
        """Those of `names` that have a gradient."""
        found = [self[name] for name in names]
        return [x for x in found if isinstance(x, nn.Parameter)]


def _key(name: str) -> str:
    return name.replace(".", "/")
