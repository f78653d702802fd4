"""A start for networks of gates: simple gates in their place, searched from many random ones.

A random network is nearly flat in the voltage, and of several gates at once it learns first to
close them all, from where no gradient leads on. So each gate is given two rates that are
exponentials of the voltage until they saturate, and a current that is a network the form of a
channel (`simple`); many such sets are drawn, activating and inactivating gates alike, and trained
in the clamped mode, the worse ones left out again and again. Networks of the shape that was asked
for are then set to the best (`distill`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from ...backends.base import Backend, SolveOptions
from ...backends.loss import Loss
from ...errors import InputError
from ...neuron.channels import Channel, NeuralCurrent
from ...neuron.currents import Current
from ...neuron.gates import Gate
from ...neuron.kinetics import NeuralKinetics, RateKinetics
from ...neuron.neuron import Neuron
from ...numerics.arrays import FloatArray, Indices
from ...recordings import Recording
from ...recordings.observables import observables_of, of
from ..losses import pooled_scale
from .distill import distill_current, distill_gate
from .surrogate import SurrogateNeuron, Task

# Parts of the candidates that are trained on, and for how many evaluations each time; the last
# ones on all recordings, the others on some. Good gates are often behind for long, so it is the
# number of candidates that finds them, and a trace or two tells good from bad.
ROUNDS = ((1.0, 30), (0.3, 60), (0.1, 150), (0.04, 300))
LAST = (0.015, 150)
POOL = 4  # candidates drawn for each one trained
SOME, SAMPLES = 2_500, 8_000  # so many samples
# Mostly the absolute error: spikes, with currents a hundred times larger, do not decide alone.
# And as mV under an observer: large currents cancel, and gates that are nearly right, so that these
# nearly cancel, must not cost more than gates that stay shut. By the current alone three of four
# searches with 512 candidates missed the three gates of a cell of small capacitance.
LOSS, GAIN = Loss("huber", delta=0.01), 10.0  # times c_m, per ms
HELD = Loss("huber", delta=0.02)  # where v is held, of the current
SMALL = Loss("huber", delta=0.003)  # for a current: those that are missed are small between spikes
_MOVE, _LONGEST = 2.0, 0.5  # mV and ms between samples that tell small currents


def learnable_gates(neuron: Neuron, indices: Indices) -> tuple[str, ...]:
    """Names of the gates whose networks are trained and can be set to simple gates.

    Those of a `NeuralCurrent` are among them when it is trained, and all of its gates can.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> net = ph.NeuralKinetics("rates", ph.Network.create((1, 4, 2)))
    >>> cell = ph.library.get("squid_axon").replace_gate("m", net)
    >>> learnable_gates(cell, cell.layout.select("networks"))
    ('m',)
    """
    trained, found = set(indices.tolist()), []

    def settable(channel: Current, gate: Gate) -> bool:
        kinetics = gate.kinetics
        known = isinstance(kinetics, NeuralKinetics) and kinetics.form in ("steady_state", "rates")
        if not known:
            return False
        return neuron.layout[f"{channel.name}.{gate.name}.network.weight0"].start in trained

    for channel in neuron.channels:
        own = [gate.name for gate in channel.gates if settable(channel, gate)]
        if isinstance(channel, NeuralCurrent):
            whole = neuron.layout[f"{channel.name}.network.weight0"].start in trained
            own = own if whole and len(own) == len(channel.gates) else []
        found += own
    return tuple(found)


def search(
    backend: Backend,
    neuron: Neuron,
    recordings: Sequence[Recording],
    theta: FloatArray,
    indices: Indices,
    *,
    seed: int,
    candidates: int,
    options: SolveOptions,
    poll: Callable[[], None] = lambda: None,
) -> tuple[FloatArray, float]:
    """theta (P,) with the networks of its gates set to the best of many simple ones.

    Parameters
    ----------
    backend, neuron, recordings, options
        As for `Backend.value_and_grad`, in the clamped mode. Recordings may be of both clamps,
        each of which has the same part in the loss.
    theta : array (P,)
        Everything else is taken from here.
    indices : array of int
        Places of what is trained.
    seed : int
        Of the draws, and of the hidden layers of the networks.
    candidates : int
        How many are trained in the first round.
    poll : callable
        Called before each evaluation; ends the search by raising.

    Returns
    -------
    array (P,), float
        And the loss (`LOSS`, or `HELD` in voltage clamp, or `SMALL` where a current is searched)
        of the simple gates;
        `theta` as it was when none is finite.
    """
    here = neuron.with_theta(theta)
    gates = learnable_gates(neuron, indices)
    if not gates:
        raise InputError(
            f'search: no gate of neuron "{neuron.name}" is a trained network of the form '
            '"steady_state" or "rates"'
        )
    currents = _currents(neuron, gates)
    kinds, few, all_of = observables_of(recordings), [], []
    for observed in kinds:
        mine, most = of(recordings, observed), SAMPLES // len(kinds)
        own = sparse(mine) if currents else thinned(some(mine, most), most)
        loss = SMALL if currents else _loss(here, own)
        all_of.append((own, loss))
        few.append((some(own, SOME // len(kinds)), loss))
    thin = [r for own, _ in all_of for r in own]
    simple = SurrogateNeuron(here, gates, currents, Task(backend, all_of, options, poll))
    fast = SurrogateNeuron(here, gates, currents, Task(backend, few, options, poll))
    rng = np.random.default_rng([seed, len(gates)])
    drawn = fast.draw(rng, max(1, POOL * candidates), _range(thin))
    value = fast.evaluate(drawn)[0]
    for (part, steps), stage in zip((*ROUNDS, LAST), [fast] * len(ROUNDS) + [simple], strict=True):
        best = np.argsort(value, kind="stable")[: max(2, round(part * candidates))]
        # Of gates that share an unknown conductance L-BFGS does not find the end.
        train = simple.polish if currents and stage is simple else stage.train
        drawn, value = train(drawn[best], steps)
    winner = int(np.argmin(value))
    if not np.isfinite(value[winner]):
        return theta, np.inf
    found = simple.neuron.with_theta(simple.theta(drawn)[winner])
    return _set(here, found, gates, thin, seed).theta, float(value[winner])


def _loss(neuron: Neuron, recordings: Sequence[Recording]) -> Loss:
    """What simple gates are searched by, with recordings of one clamp."""
    if any(r.observed != "v" for r in recordings):
        return HELD
    return replace(LOSS, observer_conductance=GAIN * neuron.c_m, scale=pooled_scale(recordings))


def _currents(neuron: Neuron, gates: Sequence[str]) -> tuple[str, ...]:
    """Names of the currents that are networks with some of these gates."""
    return tuple(
        channel.name
        for channel in neuron.channels
        if isinstance(channel, NeuralCurrent) and any(x.name in gates for x in channel.gates)
    )


def _set(
    neuron: Neuron, found: Neuron, gates: Sequence[str], recordings: Sequence[Recording], seed: int
) -> Neuron:
    """The neuron with its networks set to what stands in their place in another one."""
    low, high = _range(recordings)
    v, currents = np.linspace(low - 10, high + 10, 241), _currents(neuron, gates)
    free = {gate.name for name in currents for gate in neuron.channel(name).gates}
    largest: dict[str, float] = {}
    for i, name in enumerate(gates):
        kinetics, wanted = neuron.gate(name).kinetics, found.gate(name).kinetics
        assert isinstance(kinetics, NeuralKinetics) and isinstance(wanted, RateKinetics)
        # A conductance and the size of a gate are one number to a current that is a network.
        largest[name] = float(np.max(wanted.x_inf(v))) if name in free else 1.0
        network = distill_gate(kinetics, wanted, v, seed + 7919 * i, largest[name])
        neuron = neuron.replace_gate(name, replace(kinetics, network=network))
    for i, name in enumerate(currents):
        current, channel = neuron.channel(name), found.channel(name)
        assert isinstance(current, NeuralCurrent) and isinstance(channel, Channel)
        own = seed + 7919 * (len(gates) + i)
        sizes = [largest[gate.name] for gate in channel.gates]
        network = distill_current(current, channel, recordings, own, sizes)
        neuron = neuron.replace_channel(name, replace(current, network=network))
    return neuron


def thinned(recordings: Sequence[Recording], samples: int = SAMPLES) -> list[Recording]:
    """The recordings with every n-th sample only, so that some `samples` are left."""
    n = max(1, round(sum(len(r) for r in recordings) / samples))
    if n == 1:
        return list(recordings)
    out = []
    for r in recordings:
        mask = r.mask[::n]
        if len(r) >= 20 * n and mask.any():
            r = replace(r, t=r.t[::n], mask=mask, **{r.observed: r.data[::n]})
        out.append(r)
    return out


def some(recordings: Sequence[Recording], samples: int = SOME) -> list[Recording]:
    """As many recordings as have so many samples together, those first where v moves most.

    A few with all of their samples tell more of a fast gate than many with every third.
    """
    order = sorted(recordings, key=lambda r: -float(np.std(r.data)))
    before = np.cumsum([0, *(len(r) for r in order)])[:-1]
    return [r for r, count in zip(order, before, strict=True) if count < samples]


def sparse(recordings: Sequence[Recording]) -> list[Recording]:
    """The recordings with few samples where v hardly moves, and all of them within spikes."""
    out = []
    for r in recordings:
        v = r.data if r.observed == "v" else r.command
        way = np.cumsum(np.abs(np.diff(v)) / _MOVE + np.diff(r.t) / _LONGEST)
        keep = np.flatnonzero(np.concatenate([[True], np.diff(np.floor(way), prepend=0.0) > 0]))
        mask = r.mask[keep]
        if mask.any():
            r = replace(r, t=r.t[keep], mask=mask, **{r.observed: r.data[keep]})
        out.append(r)
    return out


def _range(recordings: Sequence[Recording]) -> tuple[float, float]:
    traces = [r.data if r.observed == "v" else r.command for r in recordings]
    return min(float(v.min()) for v in traces), max(float(v.max()) for v in traces)
