"""A neuron as flat tables of numbers: what compiled integrators and Julia compute from.

In which order the parameters of a neuron lie in its flat vector theta is decided in `items`. The
tables name parameters by their places in theta, so that they are the same for
all values of the parameters, and code that reads them is compiled once for all neurons.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from ..numerics.arrays import FloatArray
from ..numerics.mlp import ACTIVATIONS
from .channels import Channel, NeuralCurrent, NeuralRightHandSide
from .currents import Current
from .curve_tables import CurveTables, bounds, joined, table
from .gates import Gate
from .items import items
from .kinetics import NeuralKinetics
from .networks import Network
from .program_lowering import program_tables
from .tables import NONE, PRIOR_KINDS, GateKind, Integers, Tables

if TYPE_CHECKING:
    from .neuron import Neuron

PUBLISHED = {
    "rates": GateKind.RATES,
    "steady_state": GateKind.STEADY_STATE,
    "instantaneous": GateKind.INSTANTANEOUS,
}
NEURAL = {
    "steady_state": GateKind.NEURAL_STEADY_STATE,
    "rates": GateKind.NEURAL_RATES,
    "residual": GateKind.NEURAL_RATES,
    "free": GateKind.FREE,
}


def lower(neuron: Neuron) -> Tables:
    """The tables of `neuron`; `Neuron.tables` keeps them.

    Raises
    ------
    InputError
        For a form of `NeuralKinetics` that was registered from outside: its law is a Python
        function.
    """
    place, places = 0, {}
    for item in items(neuron):
        places[item.name] = place
        place += item.value.size
    if neuron.is_coupled:
        return program_tables(neuron, places, place)
    builder = _Builder(neuron, places)
    box = neuron.right_hand_side
    if box is not None:
        builder.network("network", box.network)
    else:
        for channel in neuron.channels:
            builder.current(channel)
    initial = dict(neuron.initial)
    return Tables(
        name=neuron.name,
        states=neuron.states,
        v_rest=float(neuron.v_rest),
        initial=np.array([initial.get(name, np.nan) for name in neuron.states]),
        c_m=places.get("c_m", NONE),
        size=place,
        **builder.arrays(),
        **_box(box),
    )


def _box(box: NeuralRightHandSide | None) -> dict:
    if box is None:
        return {"box_numbers": np.zeros((3, 0))}
    scale = np.array(box.scale)
    return {
        "box_numbers": np.array([box.shift, scale, scale / box.time_scale]),
        "box_stimulus": 0.0 if box.stimulus_scale is None else 1.0 / box.stimulus_scale,
    }


class _Builder:
    """Collects the rows of the tables, channel by channel."""

    def __init__(self, neuron: Neuron, places: dict[str, int]) -> None:
        self._neuron, self._places = neuron, places
        self._curves = CurveTables(places)
        self._gates: list[tuple[list[int], list[float]]] = []
        self._channels: list[tuple[int, int]] = []
        self._factors: list[list[tuple[int, int]]] = []
        self._currents: list[tuple[int, list[float]]] = []
        self._inputs: list[list[int]] = []
        self._networks: list[tuple[int, int]] = []
        self._layers: list[list[int]] = []

    def current(self, channel: Current) -> None:
        name = channel.name
        if isinstance(channel, Channel):
            self._channels.append((self._places[f"{name}.g"], self._places[f"{name}.e"]))
            gates = [self._gate(name, gate) for gate in channel.gates]
            powers = [gate.power for gate in channel.gates]
            self._factors.append(list(zip(gates, powers, strict=True)))
            return
        assert isinstance(channel, NeuralCurrent)  # others are lowered to a program
        network = self.network(f"{name}.network", channel.network)
        self._inputs.append([self._gate(name, gate) for gate in channel.gates])
        numbers = [channel.scale, channel.v_shift, 1.0 / channel.v_scale]
        self._currents.append((network, numbers))

    def network(self, path: str, network: Network) -> int:
        activation = tuple[str, ...](ACTIVATIONS).index(network.activation)
        self._networks.append((self._places[f"{path}.weight0"], activation))
        self._layers.append(list(network.layers))
        return len(self._networks) - 1

    def _gate(self, channel: str, gate: Gate) -> int:
        kinetics, path = gate.kinetics, f"{channel}.{gate.name}"
        state = self._neuron.states.index(gate.name) if gate.has_state else NONE
        curves = [self._curves.add(f"{path}.{r}", c) for r, c in kinetics.curves().items()]
        curves += [NONE] * (2 - len(curves))
        prior, network = 0, NONE
        numbers = [gate.rate_factor(self._neuron.temperature), 0.0, 1.0, 0.0, np.nan, 0.0]
        if isinstance(kinetics, NeuralKinetics):
            if kinetics.form not in NEURAL:
                raise InputError(
                    f'gate "{gate.name}": form = "{kinetics.form}" was registered as a Python '
                    "function, which only the eager integrator of torch calls; "
                    f"{sorted(NEURAL)} are known to all: take one of them, or "
                    'backend="torch"'
                )
            kind = NEURAL[kinetics.form]
            network = self.network(f"{path}.network", kinetics.network)
            low, high = kinetics.tau_min, kinetics.tau_max
            span = np.nan if high is None else np.log(high / low)
            numbers[1:] = [kinetics.v_shift, 1.0 / kinetics.v_scale, low, span, kinetics.bound]
            prior = PRIOR_KINDS.index("" if kinetics.prior is None else kinetics.prior.kind)
        else:
            kind = PUBLISHED[kinetics.kind]
        self._gates.append(([kind, state, *curves, prior, network], numbers))
        return len(self._gates) - 1

    def arrays(self) -> dict[str, Integers | FloatArray]:
        number = self._curves.numbering()
        gates = np.array([g for g, _ in self._gates], dtype=np.int64).reshape(-1, 6)
        curves = [[NONE if c == NONE else number(c) for c in row] for row in gates[:, 2:4].tolist()]
        return {
            **self._curves.arrays(),
            "gate_kind": gates[:, 0].copy(),
            "gate_state": gates[:, 1].copy(),
            "gate_curves": table(curves, 2),
            "gate_prior": gates[:, 4].copy(),
            "gate_network": gates[:, 5].copy(),
            "gate_numbers": np.array([x for _, x in self._gates]).reshape(-1, 6),
            "channel_places": table(self._channels, 2),
            "channel_bounds": bounds(self._factors),
            "factors": table([x for row in self._factors for x in row], 2),
            "current_network": table([network for network, _ in self._currents]),
            "current_bounds": bounds(self._inputs),
            "current_gates": joined(self._inputs),
            "current_numbers": np.array([x for _, x in self._currents]).reshape(-1, 3),
            "network_place": table([place for place, _ in self._networks]),
            "network_activation": table([f for _, f in self._networks]),
            "network_bounds": bounds(self._layers),
            "layers": joined(self._layers),
        }
