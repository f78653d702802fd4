"""A neuron as a module of torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from ..backends.torch import odeint
from ..neuron.neuron import Neuron
from ..protocols import Protocol
from .entries import Entries


class NeuronModule(nn.Module):
    """A neuron whose parameters are those of a module: a layer that solves its equations.

    Parameters
    ----------
    neuron : Neuron
    trainable : str or sequence of str, optional
        What has a gradient: names, patterns and groups, as in `fit`; by default the networks, or
        without any everything. The rest are buffers.
    dtype : torch.dtype
        float64 or float32, of parameters and solve.

    Raises
    ------
    InputError
        If `dtype` is another.
    UnknownNameError
        If `trainable` names no parameter.

    Notes
    -----
    Parameters are in the units of the neuron (mS/cm², mV, 1/ms), without the transforms of `fit`
    that keep a conductance positive and numbers of one size: give an optimizer a learning rate for
    each group (`parameters_of`). The gradient is that of the steps taken (the discrete adjoint).

    Examples
    --------
    >>> import numpy as np, torch, pyhodgkin as ph
    >>> squid = ph.library.get("squid_axon")
    >>> module = ph.torch.NeuronModule(squid, trainable=["k.g", "l.e"])
    >>> [name for name, _ in module.named_parameters()]
    ['entries.k/g', 'entries.l/e']
    >>> clamp = ph.CurrentClamp.step(10.0, start=1.0, stop=9.0, t_end=10.0)
    >>> y = module(clamp, saveat=np.arange(0.0, 10.0, 0.1))
    >>> y[:, 0].square().mean().backward()
    >>> module.entries["k.g"].grad.shape
    torch.Size([])
    >>> optimizer = torch.optim.Adam([
    ...     {"params": module.parameters_of("conductances"), "lr": 0.1},
    ...     {"params": module.parameters_of("reversals"), "lr": 0.01}])
    >>> optimizer.step()
    >>> round(module.neuron.parameter("k.g") - squid.parameter("k.g"), 6) in (-0.1, 0.1)
    True
    """

    def __init__(
        self,
        neuron: Neuron,
        trainable: str | Sequence[str] | None = None,
        *,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        super().__init__()
        self.structure = neuron
        self.entries = Entries(neuron, _places(neuron, trainable), dtype)

    @property
    def theta(self) -> Tensor:
        """All parameters (P,), in the order of ``neuron.layout``, with their gradient."""
        return self.entries()

    @property
    def neuron(self) -> Neuron:
        """A `Neuron` with the parameters of now."""
        return self.structure.with_theta(self.theta.detach().cpu().double().numpy())

    def parameters_of(self, patterns: str | Sequence[str]) -> list[nn.Parameter]:
        """Those of some names, patterns or groups that have a gradient, for an optimizer."""
        layout = self.structure.layout
        chosen = {int(i) for i in layout.select(patterns)}
        return self.entries.of(entry.name for entry in layout if entry.start in chosen)

    def forward(
        self,
        protocol: Protocol | Sequence[Protocol],
        *,
        saveat: ArrayLike,
        y0: Tensor | None = None,
        stimulus: Tensor | None = None,
        throw: bool = True,
        **options: Any,
    ) -> Tensor:
        """States (T, S) or (B, T, S) at `saveat` (ms); the arguments are those of `odeint`."""
        return odeint(
            self.structure,
            protocol,
            self.theta,
            y0,
            stimulus,
            saveat=saveat,
            throw=throw,
            **options,
        )

    def extra_repr(self) -> str:
        trained = sum(p.numel() for p in self.parameters())
        return f'"{self.structure.name}", {trained} of {self.structure.layout.size} numbers trained'


def _places(neuron: Neuron, trainable: str | Sequence[str] | None) -> list[int]:
    layout = neuron.layout
    if trainable is not None:
        return layout.select(trainable).tolist()
    return layout.select("networks").tolist() or layout.select("all").tolist()
