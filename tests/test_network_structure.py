"""Who is connected, how late, with which random numbers; threads and engines that agree."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from network_references import KINETICS
from scipy import sparse

import pyhodgkin as ph
from pyhodgkin.backends.compiled import why_not
from pyhodgkin.network import simulate as simulate_module
from pyhodgkin.network.planning import plan_of
from pyhodgkin.network.sources import WINDOW

CELL = ph.library.get("traub_miles")
E, DOUBLE, INHIBITORY = (
    KINETICS["exponential"],
    KINETICS["double"],
    ph.AlphaSynapse(e=-80.0, tau=3.0),
)
compiled = pytest.mark.skipif(bool(why_not()), reason=why_not() or "used")


def balanced(n=60, seed=4, **delays):
    """Excitatory and inhibitory cells with input, all kinds of synapses and parts."""
    rng = np.random.default_rng(0)
    return ph.SpikingNetwork(
        groups={
            "e": ph.NeuronGroup(CELL, n, parameters={"l.g": rng.uniform(0.08, 0.12, n)}),
            "i": ph.NeuronGroup(CELL, n // 3, v0=rng.uniform(-70, -60, n // 3), refractory=2.0),
        },
        synapses=[
            ph.Synapses("e", "e", E, 0.02, 0.3, p=0.2),
            ph.Synapses("e", "i", DOUBLE, 0.03, 1.1, p=0.2, initial=0.01),
            ph.Synapses("i", "e", INHIBITORY, 0.1, p=0.3, autapses=False),
            ph.Synapses("in", "e", E, 0.05, i=np.arange(n), j=np.arange(n)),
        ],
        gap_junctions=[ph.GapJunctions("i", "i", g=0.01, p=0.2)],
        sources={"in": ph.PoissonSource(n, rate=100.0)},
        seed=seed,
    )


def digest(found):
    parts = [x.tobytes() for s in found.spikes.values() for x in (s.times, s.indices)]
    return hashlib.sha256(b"".join([*parts, *(v.tobytes() for v in found.v.values())])).hexdigest()


def connections_of(synapses, n_pre=5, n_post=4, seed=0):
    c = synapses.connections(n_pre, n_post, seed, 0)
    return c.i.tolist(), c.j.tolist(), np.asarray(c.weight).tolist()


# -- the same bits ------------------------------------------------------------------------


@compiled
def test_bits_depend_on_the_seed_only(monkeypatch):
    network, record = balanced(), {"e": [0, 7, 59], "i": "all"}
    first = network.simulate(60.0, record=record, threads=1)
    assert len(first.spikes["e"].times) > 20 and len(first.spikes["i"].times) > 10
    for threads in (2, 3):
        assert digest(network.simulate(60.0, record=record, threads=threads)) == digest(first)
    monkeypatch.setattr(simulate_module, "MOST_STEPS", 7)
    assert digest(network.simulate(60.0, record=record)) == digest(first)
    assert digest(balanced().simulate(60.0, record=record)) == digest(first)
    assert digest(network.simulate(60.0, record=record, seed=9)) != digest(first)
    assert digest(balanced(seed=5).simulate(60.0, record=record)) != digest(first)


@compiled
def test_a_part_of_the_run_is_the_beginning_of_the_whole():
    network = balanced()
    short, long = (network.simulate(t, record={"e": [1]}) for t in (20.0, 150.0))
    n = len(short.spikes["e"].times)
    np.testing.assert_array_equal(long.spikes["e"].times[:n], short.spikes["e"].times)
    np.testing.assert_array_equal(long.v["e"][:, : len(short.t)], short.v["e"])


@compiled
def test_engines_and_kernels_agree():
    """numpy, vectors, and numbers one by one."""
    from pyhodgkin.backends.compiled.network import CompiledNetwork
    from pyhodgkin.backends.network_plan import Inputs
    from pyhodgkin.network.eager import EagerNetwork
    from pyhodgkin.network.sources import Trains

    network, steps = balanced(30), 500
    plan, stimuli = plan_of(network, 0.05, 1, {"e": np.arange(30)})
    edges = 0.05 * np.arange(steps + 1)
    runs = []
    for run in (EagerNetwork(plan), CompiledNetwork(plan), CompiledNetwork(plan, 2, wide=False)):
        trains = Trains(list(network.sources.values()), 2, 1)
        samples = np.zeros((30, steps + 1))
        inputs = Inputs(stimuli.between(edges), *trains.between(edges))
        runs.append((run.advance(0, steps, inputs, samples), samples))
    assert len(runs[0][0].times) > 5
    for spikes, samples in runs[1:]:
        np.testing.assert_array_equal(spikes.cells, runs[0][0].cells)
        np.testing.assert_allclose(spikes.times, runs[0][0].times, atol=1e-7)
        np.testing.assert_allclose(samples, runs[0][1], atol=1e-5)


def test_where_compiled_code_is_switched_off_numpy_computes(monkeypatch, capfd):
    network = balanced(6)
    wanted = network.simulate(3.0, record={"e": "all"}, engine="numpy")
    monkeypatch.setenv("PYHODGKIN_COMPILED", "0")
    monkeypatch.setenv("PYHODGKIN_QUIET", "0")
    simulate_module._say.cache_clear()
    for _ in range(2):
        assert digest(network.simulate(3.0, record={"e": "all"})) == digest(wanted)
    assert capfd.readouterr().err.count("integrated by numpy, which is slow: PYHOD") == 1
    with pytest.raises(ph.errors.InputError, match='engine = "compiled" cannot run: PYHODGKIN_CO'):
        network.simulate(3.0, engine="compiled")


# -- parameters, delays and weights of each ---------------------------------------------------


def test_parameters_of_each_cell_are_those_of_cells_alone():
    values = np.array([0.05, 0.1, 0.2])
    injected = [ph.CurrentClamp.step(a, 1.0, 9.0, 10.0) for a in (1.0, 2.0, 3.0)]
    group = ph.NeuronGroup(
        CELL, 3, {"l.g": values, "na.g": 90.0}, v0=[-60.0, -65.0, -70.0], protocol=injected,
        current=[0.1, 0.2, 0.3],
    )  # fmt: skip
    together = ph.SpikingNetwork({"c": group}).simulate(10.0, record={"c": "all"}).v["c"]
    for k in range(3):
        cell = CELL.with_parameters(l__g=values[k], na__g=90.0)
        one = ph.NeuronGroup(
            cell, 1, v0=[-60.0, -65.0, -70.0][k], protocol=injected[k], current=0.1 * (k + 1)
        )
        alone = ph.SpikingNetwork({"c": one}).simulate(10.0, record={"c": [0]}).v["c"][0]
        np.testing.assert_allclose(together[k], alone, rtol=0, atol=1e-10)


def test_a_population_is_a_group():
    cells = ph.Population(CELL, 5, vary={"na.g": ph.LogNormal(cv=0.1)}, seed=3)
    network = ph.SpikingNetwork({"c": cells})
    np.testing.assert_array_equal(network.groups["c"].theta, cells.theta())
    current = dict(n=5, parameters=cells.values(), current=1.0)
    assert ph.SpikingNetwork({"c": ph.NeuronGroup(CELL, **current)}).size_of("c") == 5


@pytest.mark.parametrize("kinetics", KINETICS.values(), ids=list(KINETICS))
def test_delays_of_each_connection_are_those_of_single_ones(kinetics):
    """One call with three delays, and three with one each, which share a conductance."""
    source = {"in": ph.SpikeTimes(1, times=[1.01, 3.2])}
    i, j, delay, weight = [0, 0, 0], [0, 1, 1], [0.5, 2.222, 0.0], [0.05, 0.1, 0.02]
    one = [ph.Synapses("in", "c", kinetics, weight, delay, i=i, j=j)]
    three = [
        ph.Synapses("in", "c", kinetics, w, d, i=[0], j=[b])
        for b, d, w in zip(j, delay, weight, strict=True)
    ]
    v = [
        ph.SpikingNetwork({"c": (CELL, 2)}, synapses, sources=source)
        .simulate(15.0, record={"c": "all"})
        .v["c"]
        for synapses in (one, three)
    ]
    assert np.ptp(v[0]) > 5.0
    np.testing.assert_allclose(v[0], v[1], atol=1e-10)


def test_equal_kinetics_share_one_conductance():
    network = balanced()
    plan, _ = plan_of(network, 0.05, 1, {})
    assert [len(g.receptors) for g in plan.groups] == [2, 1]  # e: E twice and I


def test_delays_shorter_than_a_step_act_from_the_next_one():
    """Between cells; the conductance is then what it would have been."""
    network = ph.SpikingNetwork(
        {"a": ph.NeuronGroup(CELL, 1, current=5.0), "b": (CELL, 1)},
        [ph.Synapses("a", "b", E, 0.2, i=[0], j=[0])],
    )
    fine, coarse = (network.simulate(20.0, dt=dt) for dt in (0.005, 0.05))
    assert len(fine.spikes["b"].times) >= 1
    np.testing.assert_allclose(coarse.spikes["b"].times, fine.spikes["b"].times, atol=0.15)


def test_a_spike_is_counted_once_within_the_refractory_period():
    burst = [ph.NeuronGroup(CELL, 1, current=40.0, refractory=r) for r in (0.0, 5.0)]
    free, limited = (ph.SpikingNetwork({"c": g}).simulate(100.0).spikes["c"].times for g in burst)
    assert np.diff(free).min() < 5.0 < np.diff(limited).min() and set(limited) < set(free)


# -- who is connected --------------------------------------------------------------------------


def test_a_matrix_is_the_same_as_arrays():
    i, j, w = np.array([0, 0, 3, 4]), np.array([1, 3, 0, 2]), np.array([0.1, 0.2, 0.3, 0.4])
    dense = np.zeros((5, 4))
    dense[i, j] = w
    wanted = (i.tolist(), j.tolist(), w.tolist())
    order = [2, 0, 3, 1]
    for given in (
        ph.Synapses("a", "b", E, w[order], i=i[order], j=j[order]),
        ph.Synapses("a", "b", E, dense),
        ph.Synapses("a", "b", E, sparse.csr_matrix(dense)),
        ph.Synapses("a", "b", E, sparse.coo_array(dense)),
    ):
        assert connections_of(given) == wanted
    delays = ph.Synapses("a", "b", E, 0.1, [4.0, 1.0, 3.0, 2.0], i=i[order], j=j[order])
    assert delays.connections(5, 4, 0, 0).delay.tolist() == [1.0, 2.0, 4.0, 3.0]


def test_fixed_probability():
    s = ph.Synapses("a", "a", E, 0.1, p=0.1)
    c = s.connections(400, 400, 7, 0)
    flat = c.i * 400 + c.j
    assert (np.diff(flat) > 0).all() and abs(len(flat) - 16_000) < 5 * 120
    assert abs(np.bincount(c.j, minlength=400).std() - 6.0) < 1.0
    assert (c.i == c.j).sum() > 15
    again, other = s.connections(400, 400, 7, 0), s.connections(400, 400, 8, 0)
    np.testing.assert_array_equal(again.j, c.j)
    assert len(other.j) != len(c.j) or (other.j != c.j).any()
    third = s.connections(400, 400, 7, 1)  # another kind of synapse of the same network
    assert len(third.j) != len(c.j) or (third.j != c.j).any()
    none = ph.Synapses("a", "a", E, 0.1, p=0.1, autapses=False).connections(400, 400, 7, 0)
    assert not (none.i == none.j).any()
    assert len(ph.Synapses("a", "b", E, 0.1, p=1.0).connections(3, 4, 0, 0).i) == 12
    assert len(ph.Synapses("a", "b", E, 0.1, p=0.0).connections(3, 4, 0, 0).i) == 0


def test_gap_junctions_are_undirected_pairs():
    c = ph.GapJunctions("a", "a", g=0.1, p=0.3).connections(50, 50, 1, 0)
    assert (c.i < c.j).all() and abs(len(c.i) - 367) < 80
    plan, _ = plan_of(balanced(), 0.05, 1, {})
    gaps = plan.gaps
    pairs = set()
    for cell in range(80):
        pairs |= {(cell, int(o)) for o in gaps.neighbours[gaps.rows[cell] : gaps.rows[cell + 1]]}
    assert pairs == {(b, a) for a, b in pairs} and all(a >= 60 <= b for a, b in pairs)


@compiled
def test_coba_hh_fires_irregularly():
    """4,000 cells, 2 %: rates of about 40 Hz, intervals less regular than a Poisson train's."""
    rng, cell = np.random.default_rng(1), ph.library.get("brette_coba_hh")
    nano = 1e-6 / 20_000e-8  # nS on 20,000 µm², in mS/cm²
    ampa, gaba = ph.ExponentialSynapse(0.0, 5.0), ph.ExponentialSynapse(-80.0, 10.0)
    sizes = {"e": 3200, "i": 800}
    synapses = []
    for post, n in sizes.items():
        e, i = rng.normal(40.0, 15.0, n).clip(0) * nano, rng.normal(200.0, 120.0, n).clip(0) * nano
        synapses += [
            ph.Synapses("e", post, ampa, 6.0 * nano, p=0.02, initial=e),
            ph.Synapses("i", post, gaba, 67.0 * nano, p=0.02, initial=i),
        ]
    groups = {
        name: ph.NeuronGroup(cell, n, v0=rng.normal(-65.0, 5.0, n), threshold=-20.0)
        for name, n in sizes.items()
    }
    found = ph.SpikingNetwork(groups, synapses, seed=1).simulate(500.0, dt=0.1)
    for name in sizes:
        assert 30.0 < found.rates(name, start=100.0).mean() < 60.0
        assert np.nanmean(found.isi_cv(name, start=100.0)) > 1.0
    rate = found.population_rate("e", bin=10.0)[1][10:]
    assert rate.std() < 0.5 * rate.mean()  # not in synchrony


# -- sources -----------------------------------------------------------------------------------


def test_poisson_trains():
    source = ph.PoissonSource(200, rate=np.linspace(0.0, 40.0, 200), start=50.0, stop=1050.0)
    times, cells = (
        np.concatenate(x) for x in zip(*(source.window(k, 3, 0) for k in range(12)), strict=True)
    )
    assert times.min() >= 50.0 and times.max() < 1050.0
    counts = np.bincount(cells, minlength=200)
    assert counts[0] == 0 and abs(counts.sum() - 4000) < 5 * 63
    assert abs(counts[150:].mean() - 35.0) < 5 * 0.84
    gaps = np.concatenate([np.diff(np.sort(times[cells == c])) for c in range(100, 200)])
    assert abs(gaps.std() / gaps.mean() - 1.0) < 0.1
    assert source.window(int(1100 // WINDOW), 3, 0)[0].size == 0


def test_spike_times_reach_their_cells():
    synapses = [ph.Synapses("in", "c", E, 1.0, i=[0, 1], j=[1, 0])]
    source = {"in": ph.SpikeTimes(2, times=[3.0, 150.0], indices=[1, 0])}
    found = ph.SpikingNetwork({"c": (CELL, 2)}, synapses, sources=source).simulate(160.0)
    first, second = found.spike_times("c", 0), found.spike_times("c", 1)
    assert 3.0 < first[0] < 4.5 and 150.0 < second[0] < 151.5
