"""The kinetics of one gate as a module of torch."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from ..backends.torch.kinetics import GateBank
from ..errors import InputError, unknown
from ..neuron.channels import Channel
from ..neuron.neuron import Neuron
from .entries import Entries


class GateModule(nn.Module):
    """Steady state and time constant of one gate, as functions of v with parameters.

    Parameters
    ----------
    neuron : Neuron
    gate : str
        Name of the gate; its kinetics is any that has a steady state: rates, curves, or a network
        in every form but ``"free"``.
    dtype : torch.dtype

    Raises
    ------
    InputError
        If the neuron has no such gate, or the gate has no steady state.

    Notes
    -----
    The rates are those at the temperature of the neuron. All numbers of the gate have a gradient;
    ``requires_grad_(False)`` on some of `entries` keeps them.

    Examples
    --------
    >>> import torch, pyhodgkin as ph
    >>> squid = ph.library.get("squid_axon")
    >>> n = ph.torch.GateModule(squid, "n")
    >>> x_inf, tau = n(torch.tensor([-65.0, 0.0], dtype=torch.float64))
    >>> x_inf.detach().numpy().round(3), tau.detach().numpy().round(3)
    (array([0.318, 0.909]), array([5.459, 1.645]))
    >>> len(list(n.parameters()))
    5
    """

    def __init__(self, neuron: Neuron, gate: str, *, dtype: torch.dtype = torch.float64) -> None:
        super().__init__()
        owner = next((c for c in neuron.channels if gate in [g.name for g in c.gates]), None)
        if owner is None:
            raise unknown("gate", gate, [g.name for g in neuron.gates])
        found = neuron.gate(gate)
        if found.kinetics.uses_calcium:
            raise InputError(
                f'gate = "{gate}" depends on the calcium concentration; a GateModule is a function '
                "of the voltage alone"
            )
        if not found.kinetics.is_linear:
            raise InputError(
                f'gate = "{gate}": a network of the form "free" has no steady state; '
                'take another form, for instance "rates"'
            )
        self.instantaneous = found.kinetics.kind == "instantaneous"
        self.structure, self.gate = neuron, gate
        channel = Channel(owner.name, 1.0, 0.0, (replace(found, power=1),))
        self.alone = Neuron(gate, (channel,), temperature=neuron.temperature)
        self._bank = GateBank(self.alone)
        own = [e for e in self.alone.layout if e.name.startswith(f"{owner.name}.{gate}.")]
        self.entries = Entries(self.alone, [e.start for e in own if e.group != "fixed"], dtype)

    def alpha_beta(self, v: Tensor) -> tuple[Tensor, Tensor]:
        """Opening and closing rate, 1/ms, at `v` (mV), of the shape of `v`."""
        if self.instantaneous:
            raise InputError(f'gate "{self.gate}" follows v at once: it has no rates')
        a, s = self._rates(v)
        return a, s - a

    def forward(self, v: Tensor) -> tuple[Tensor, Tensor]:
        """x_inf and tau (ms) at `v` (mV), of the shape of `v`; tau of a gate without is zero."""
        if self.instantaneous:
            flat, p = self._prepared(v)
            x_inf = self._bank.instant(self._bank.leaves(flat, p))[0].reshape(v.shape)
            return x_inf, torch.zeros_like(x_inf)
        a, s = self._rates(v)
        return a / s, 1.0 / s

    @property
    def neuron(self) -> Neuron:
        """The neuron with the parameters of now in this gate."""
        values = self.entries().detach().cpu().double().numpy()
        kinetics = self.alone.with_theta(values).gate(self.gate).kinetics
        return self.structure.replace_gate(self.gate, kinetics)

    def _prepared(self, v: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        theta = self.entries()
        return v.to(theta).reshape(1, -1), self._bank.unpack(theta[None])

    def _rates(self, v: Tensor) -> tuple[Tensor, Tensor]:
        flat, p = self._prepared(v)
        found = self._bank.rates(flat, p, self._bank.leaves(flat, p))
        return found.a[0].reshape(v.shape), found.s[0].reshape(v.shape)

    def extra_repr(self) -> str:
        return f'"{self.gate}" of "{self.structure.name}"'
