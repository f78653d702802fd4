"""Cell A of learn_recordings.py: neurons for it, and how they are fitted.

Currents are in pA, so conductances are in nS and capacitances in pF.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from recordings_cell_sweeps import SPIKE, around_spikes, around_steps

import pyhodgkin as ph
from pyhodgkin import Stage
from pyhodgkin.backends import get as engine
from pyhodgkin.backends.base import SolveOptions
from pyhodgkin.backends.loss import Loss
from pyhodgkin.neuron.channels import Channel, NeuralCurrent
from pyhodgkin.neuron.gates import Gate
from pyhodgkin.neuron.kinetics import SteadyStateKinetics
from pyhodgkin.neuron.neuron import leak
from pyhodgkin.neuron.rates import Constant, Exponential, Sigmoid

C_M = 150.0  # pF: between that of the first ms after a step and that of the first 5 ms


# -- the neurons -----------------------------------------------------------------------------


def _slow(v_half: float, k: float, v_tau: float, width: float, rate: float) -> SteadyStateKinetics:
    """A steady state, and a time constant that is longest, 1/(2·rate), at `v_tau`."""
    rates = Exponential(rate, v_tau, width) + Exponential(rate, v_tau, -width)
    return SteadyStateKinetics(x_inf=Sigmoid(1.0, v_half, k), tau=1 / rates)


def conductances(structure: str) -> ph.Neuron:
    """Sodium and delayed rectifier of `pospischil_rs`, 7 mV higher, and slower currents."""
    rates = ph.library.get("pospischil_rs")
    gates = {g: replace(_higher(rates.gate(g), 7.0), q10=1.0, t_ref=None) for g in "mhn"}
    slow = {
        "km": Channel("km", 0.03, -95.0, (Gate("p", _slow(-40, 8, -40, 20, 0.01)),)),
        "ih": Channel("ih", 0.02, -35.0, (Gate("q", _slow(-75, -8, -75, 20, 0.005)),)),
        "ahp": Channel("ahp", 0.3, -95.0, (Gate("z", _slow(-15, 5, -30, 60, 0.005)),)),
        "ka": Channel(
            "ka",
            0.3,
            -95.0,
            (
                Gate("a", _slow(-30, 10, -30, 25, 0.5), power=3),
                Gate("b", _slow(-60, -7, -60, 40, 0.02)),
            ),
        ),
        "nap": Channel("nap", 0.02, 60.0, (Gate("s", _slow(-45, 5, -45, 40, 0.5)),)),
    }
    parts = (
        Channel("na", 50.0, 60.0, (gates["m"], gates["h"])),
        Channel("k", 4.0, -95.0, (gates["n"],)),
        *(slow[name] for name in structure.split("+")[1:]),
        leak(0.03, -65.0),
    )
    return ph.Neuron(
        structure, tuple(replace(c, g=c.g * C_M) for c in parts), c_m=C_M, v_rest=-62.0
    )


def _higher(gate: Gate, by: float) -> Gate:
    curves = gate.kinetics.curves()
    moved = {
        role: curve.with_leaves(iter([replace(x, v0=x.v0 + by) for x in curve.leaves()]))
        for role, curve in curves.items()
    }
    return replace(gate, kinetics=gate.kinetics.with_curves(moved))


FULL = "na,k,l+km+ih+ahp+ka+nap"
SMALLER = ("na,k,l+km", "na,k,l+km+ih+ahp")


def starts(count: int) -> Iterator[tuple[str, int, ph.Neuron]]:
    """The full structure from `count` starts, the smaller ones from one."""
    for start in range(count):
        yield FULL, start, moved(conductances(FULL), start)
    for structure in SMALLER:
        yield structure, 0, conductances(structure)


def before() -> ph.Neuron:
    """What an earlier fit of the conductances ended at, with an earlier state of the package.

    It was driven by the training sweeps of -100, 0, 50, 150, 200 and 300 pA, then simulated on all
    training sweeps.
    """
    found = ph.document.load(Path(__file__).with_name("recordings_cell_before.json"))
    assert isinstance(found, ph.Neuron)
    return found


def moved(neuron: ph.Neuron, seed: int) -> ph.Neuron:
    """Another start: conductances and rates by 5 %, potentials by 0.5 mV; seed 0 is the neuron.

    Starts six times as far away ended further from the recordings.
    """
    if seed == 0:
        return neuron
    rng, theta = np.random.default_rng(seed), neuron.theta
    for entry in neuron.layout:
        if entry.group in ("conductances", "rates") and entry.transform == "log":
            theta[entry.slice] *= np.exp(0.05 * rng.standard_normal())
        elif entry.group in ("reversals", "rates"):
            theta[entry.slice] += 0.5 * rng.standard_normal()
    return neuron.with_theta(theta)


def hybrid(neuron: ph.Neuron, seed: int) -> ph.Neuron:
    """One more current, of the voltage and of two gates that follow it; at first it is zero."""
    gates = tuple(
        Gate(name, SteadyStateKinetics(x_inf=Sigmoid(1.0, -50.0, 15.0), tau=Constant(tau)))
        for name, tau in (("x1", 20.0), ("x2", 150.0))
    )
    network = ph.Network.create((3, 16, 1), seed=seed, zero_last=True)
    more = NeuralCurrent("unknown", network, gates, scale=50.0, v_shift=-50.0, v_scale=20.0)
    return neuron.with_channel(more)


# -- the fit ---------------------------------------------------------------------------------

_REVERSALS = {"na": (45, 80), "nap": (45, 80), "ih": (-50, -20), "l": (-90, -45)}
_POTASSIUM = (-110, -75)


def bounds(neuron: ph.Neuron) -> dict[str, tuple[float, float]]:
    """What a channel of its kind may be; around `conductances`, wherever a fit began."""
    centre = conductances(neuron.name)
    out: dict[str, tuple[float, float]] = {}
    for entry in centre.layout:
        x, parts = centre.theta[entry.start], entry.name.split(".")
        channel, last = parts[0], parts[-1]
        if last == "e":
            out[entry.name] = _REVERSALS.get(channel, _POTASSIUM)
        elif entry.group == "conductances":
            out[entry.name] = (x / 300, x * 300)
        elif entry.group == "rates" and last == "v0":
            out[entry.name] = (x - 25, x + 25)
        elif entry.group == "rates":
            factor = 3 if last == "k" else 30
            out[entry.name] = (min(x / factor, x * factor), max(x / factor, x * factor))
    if "unknown" in [channel.name for channel in neuron.channels]:
        out |= {"unknown.x?.tau.a": (1.0, 2000.0), "unknown.x?.x_inf.k": (3.0, 60.0)}
    return out


def _inside(neuron: ph.Neuron, limits: dict[str, tuple[float, float]]) -> ph.Neuron:
    """The neuron with what lies on or beyond its bounds a little within them."""
    theta = neuron.theta
    for entry in neuron.layout:
        if entry.name in limits:
            low, high = limits[entry.name]
            room = 1e-4 * (high - low if entry.transform != "log" else min(abs(low), abs(high)))
            theta[entry.start] = np.clip(theta[entry.start], low + room, high - room)
    return neuron.with_theta(theta)


_TRAINED = ["networks", "conductances", "reversals", "rates"]
_NEAR = Loss(
    "huber", scale=1.0, delta=1.0, spikes=0.02, threshold=SPIKE, match_window=30.0, v_clip=-33.0
)
_TIGHT = {"rtol": 1e-6, "atol": 1e-8}
_AGAIN = 5  # times that the damping of the last stage begins anew


def driven(neuron: ph.Neuron, train: list[ph.Recording], backend: str) -> ph.Neuron:
    """Fitted while the measured v drives it: spikes with many samples first, then with few.

    With few the small currents between spikes count, which decide when the next one comes.
    """
    many = [around_spikes(r, 0.1, 3.0, 8.0) for r in train]
    stages = [_driven("lbfgs", 100, 0.7), _driven("levenberg", 30, 0.7)]
    neuron = _fit(neuron, many, stages, backend)
    stages = [_driven("levenberg", n, delta) for n, delta in ((25, 1.0), (40, 0.1), (20, 0.03))]
    return _fit(neuron, _few(train), stages, backend)


def simulated(neuron: ph.Neuron, train: list[ph.Recording], backend: str) -> ph.Neuron:
    """Fitted in simulation: v below the spikes, and when they come."""
    trained = [*_TRAINED, "c_m"]
    last = Stage("simulation", "levenberg", 15, loss=_NEAR, prior_weight=0.003, trainable=trained)
    return _fit(neuron, _seen(train), [last] * _AGAIN, backend)


def loss_of(neuron: ph.Neuron, train: list[ph.Recording], backend: str) -> float:
    """The loss on the training sweeps, simulated; infinite where that fails."""
    seen, options, run = _seen(train), SolveOptions(**_TIGHT), engine(backend).value_and_grad
    found = run(neuron, seen, neuron.theta, _NEAR, mode="simulation", options=options)
    return float(np.nan_to_num(found.value, nan=np.inf))


def _seen(train: list[ph.Recording]) -> list[ph.Recording]:
    return [around_steps(r) for r in train]


def _few(train: list[ph.Recording]) -> list[ph.Recording]:
    return [around_spikes(r, 0.2, 1.0, 4.0) for r in train]


def _driven(optimizer: str, steps: int, delta: float) -> Stage:
    return Stage("clamped", optimizer, steps, loss=Loss("huber", scale=100.0, delta=delta))


def _fit(
    neuron: ph.Neuron, seen: list[ph.Recording], stages: list[Stage], backend: str
) -> ph.Neuron:
    limits = bounds(neuron)
    if stages[-1].mode.name == "simulation":
        limits["c_m"] = (0.5 * C_M, 2.0 * C_M)
    fitted = ph.fit(
        _inside(neuron, limits),
        seen,
        trainable=_TRAINED,
        schedule=stages,
        bounds=limits,
        backend=backend,
        progress=False,
        **_TIGHT,
    )
    return fitted.neuron
