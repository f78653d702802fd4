"""The neurons with which faults are tried: the library, and each form of network."""

from __future__ import annotations

from typing import Any

import pyhodgkin as ph

T_END = 10.0  # ms


def with_n(form: str, layers: tuple[int, ...] = (1, 6, 2), **options: Any) -> ph.Neuron:
    """The squid axon with a network in place of the n gate."""
    squid = ph.library.get("squid_axon")
    prior = squid.gate("n").kinetics if form == "residual" else None
    network = ph.Network.create(layers, seed=1, activation=options.pop("activation", "tanh"))
    return squid.replace_gate("n", ph.NeuralKinetics(form, network, prior=prior, **options))


def _forms() -> dict[str, ph.Neuron]:
    squid = ph.library.get("squid_axon")
    current = ph.NeuralCurrent("k", ph.Network.create((1, 6, 1), seed=4), scale=30.0)
    box = ph.NeuralRightHandSide(ph.Network.create((5, 8, 4), seed=1), time_scale=2.0)
    rate = ph.Rate("up", learned=ph.Network.create((1, 4, 1), seed=2))
    scheme = {("c", "o"): "up", ("o", "c"): ph.rates.Exponential(0.05, -40.0, -30.0)}
    markov = ph.MarkovChannel("k", ("c", "o"), scheme, "o", 10.0, -77.0, rates=[rate])
    return {
        "steady_state": with_n("steady_state"),
        "unbounded_tau": with_n("steady_state", tau_min=0.0, tau_max=None),
        "rates": with_n("rates"),
        "residual": with_n("residual"),
        "free_v_x": with_n("free", (2, 6, 1)),
        "softplus": with_n("rates", (1, 5, 4, 2), activation="softplus"),
        "silu": with_n("steady_state", (1, 5, 4, 2), activation="silu"),
        "current": squid.replace_channel("k", current),
        "box": ph.Neuron("box", right_hand_side=box),
        "markov": squid.replace_channel("k", markov),
    }


LIBRARY = {name: ph.library.get(name) for name in ph.library.names()}
FORMS = _forms()


def protocol_of(cell: ph.Neuron, name: str = "", t_end: float = T_END) -> Any:
    """A step: of the current, or of the command for a channel that has no other current."""
    if name.startswith("herg"):
        return ph.VoltageClamp.step(20.0, 2.0, 0.8 * t_end, t_end, holding=-80.0)
    unit = {"unit": cell.current_unit} if cell.current_unit else {}
    return ph.CurrentClamp.step(10.0, 2.0, 0.8 * t_end, t_end, **unit)
