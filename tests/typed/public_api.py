"""Every public name as a user's program would use it: for the type checker, which `pyright` runs.

Nothing here is executed. `tests/test_typing.py` asserts that no public name is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import pyhodgkin as ph

FloatArray = np.ndarray[Any, np.dtype[np.float64]]


def neurons() -> tuple[ph.Neuron, ...]:
    published: ph.Neuron = ph.library.get("squid_axon")
    curve: ph.rates.Curve = ph.rates.Sigmoid(1.0, -40.0, 6.0)
    rate: ph.rates.Curve = ph.rates.formula("a*exp(-v/k)", a=0.1, k=20.0)
    network: ph.Network = ph.Network.create((1, 16, 2), seed=1, zero_last=True)
    gates = (
        ph.Gate("a", ph.SteadyStateKinetics(curve, ph.rates.Constant(2.0)), power=3),
        ph.Gate("b", ph.RateKinetics(rate, rate), q10=3.0, t_ref=20.0),
        ph.Gate("c", ph.InstantaneousKinetics(curve)),
        ph.Gate("d", ph.NeuralKinetics("steady_state", network)),
    )
    pool: ph.CalciumPool = ph.CalciumPool.shell(0.1, ca_inf=1e-4, tau=5.0, sources=("ca",))
    pumped = ph.Neuron(
        "cell",
        (
            ph.NernstChannel("ca", g=0.1, ca_out=2.0, gates=gates[:1]),
            ph.GHKChannel("cat", p=1e-4, gates=gates[:1]),
            ph.leak(0.1, -65.0),
        ),
        temperature=36.0,
        calcium=pool,
    )
    step = ph.Rate("opening", curve=rate)
    channel = ph.MarkovChannel(
        "m", ("closed", "open"), {("closed", "open"): "opening"}, "open", 1.0, -90.0, rates=[step]
    )
    current = ph.NeuralCurrent("learned", ph.Network.create((1, 8, 1)))
    whole = ph.NeuralRightHandSide(ph.Network.create((5, 16, 4)))
    box = ph.Neuron("box", right_hand_side=whole)
    hybrid = (
        published.replace_gate("n", gates[3].kinetics)
        .with_channel(channel)
        .with_channel(current)
        .without_channel("l")
        .with_parameters(na__g=100.0)
    )
    imported: tuple[ph.Channel, ...] = ph.read_channels("cell.nml")
    one: ph.Channel = ph.read_channel("kv.mod", e=-90.0)
    tables: ph.Tabulation = ph.tabulate(hybrid, error=1e-5)
    grown: ph.Neuron = ph.with_axial_current(published)
    found: ph.Distilled = ph.distill(network, gates[0])
    found_kinetics: ph.NeuralKinetics | None = found.kinetics
    assert found_kinetics is not None and imported and one.gates
    cell: ph.Neuron = published.whole_cell(area=1000.0, unit="pA")
    files: list[Path] = cell.export("nmodl", "folder")
    rest: float = cell.rest()
    ph.document.save(cell, files[0])
    return (
        ph.document.load(files[0]),
        pumped,
        box,
        tables.neuron,
        grown,
        cell.with_parameters(l__e=rest),
    )


def protocols() -> list[ph.protocols.Protocol]:
    waveforms: list[ph.protocols.Waveform] = [
        ph.Step(10.0, 40.0, 5.0),
        ph.Steps([0.0, 10.0], [0.0, 1.0]),
        ph.Ramp(0.0, 10.0, 0.0, 5.0),
        ph.Sine(1.0, 50.0),
        ph.SumOfSines([1.0, 2.0], [10.0, 20.0]),
        ph.Chirp(1.0, 1.0, 100.0, 0.0, 50.0),
        ph.PulseTrain(5.0, 10.0, 1.0, 20.0, 3),
        ph.Sampled([0.0, 50.0], [0.0, 1.0]),
        ph.OrnsteinUhlenbeck(0.0, 1.0, 2.0, 0.1, 50.0, seed=0),
    ]
    clamps: list[ph.protocols.Protocol] = [ph.CurrentClamp(w, 50.0, unit="pA") for w in waveforms]
    family: list[ph.VoltageClamp] = ph.VoltageClamp.family([-40.0, 0.0], 5.0, 40.0, 50.0)
    steps: list[ph.CurrentClamp] = ph.CurrentClamp.family([5.0], 5.0, 40.0, 50.0)
    return [*clamps, *family, *steps]


def recorded(path: Path) -> ph.RecordingSet:
    sweeps: ph.RecordingSet = ph.read(path, sweep=1)
    one: ph.Recording = sweeps[0]
    spikes: FloatArray = one.spike_times()
    electrode: ph.Electrode | None = ph.electrode_of(sweeps)
    drift: ph.Drift | None = ph.drift_of(sweeps)
    if electrode is not None:
        one = ph.without_electrode(one, electrode)
    if drift is not None and len(spikes):
        one = ph.without_drift(one, drift)
    parts: ph.RecordingSet = one.window(0.0, 100.0).masked_after_steps(1.0).windows(10.0)
    more: list[ph.Recording] = ph.upsample_with_model(neurons()[0], parts)
    train, _kept = ph.RecordingSet(more).split(0.5, seed=1)
    train.to_csv("train.csv")
    return train


def solved(neuron: ph.Neuron) -> ph.Solution:
    options: ph.SolveOptions = ph.SolveOptions(solver="rodas5p", rtol=1e-8)
    solution: ph.Solution = ph.simulate(neuron, protocols()[0], saveat=0.1, options=options)
    status: ph.Status = ph.Status(int(solution.status))
    assert solution.success and status is ph.Status.SUCCESS, solution.message
    v: FloatArray = solution.v
    recording: ph.Recording = ph.Recording.from_solution(solution, noise=0.1, seed=1)
    curve: ph.FICurve = ph.fi_curve(neuron, np.linspace(0.0, 10.0, 3))
    rates: FloatArray = curve.rate
    numbers: list[float] = [ph.rheobase(neuron), ph.input_resistance(neuron)]
    assert len(v) == len(recording) and len(rates) == 3 and numbers
    return ph.Solution.load(solution.save("solution.npz"))


def learned(neuron: ph.Neuron, recordings: ph.RecordingSet) -> ph.FitResult:
    def told(info: ph.StepInfo) -> None:
        loss: FloatArray = info.loss
        print(info.label, info.step, loss.min())

    loss: ph.Loss = ph.Loss("huber", delta=0.5, spikes=0.1)
    stages: list[ph.Stage] = [
        ph.Stage("clamped", "lbfgs", 50, penalty=ph.CurvePenalty(monotone=1.0)),
        ph.Stage("simulation", "levenberg", 10, loss=loss),
    ]
    index = np.array([0], dtype=np.int64)
    prior: ph.Penalty = ph.Penalty(index, neuron.theta[index], 0.1)
    result: ph.FitResult = ph.fit(
        neuron, recordings, trainable=["networks"], schedule=stages, penalty=prior, callback=told
    )
    proposal: ph.Proposal = ph.propose(recordings)
    judged: ph.Evaluation = ph.evaluate(result, recordings, heldout=0.25)
    known: ph.Identifiability = ph.identifiability(result, recordings)
    bands: ph.LearnedCurves = ph.curve_bands(result, recordings)
    adapted: ph.FitResult = ph.adapt(result, recordings[0])
    cells: ph.AdaptedCells = ph.adapt_cells(result, recordings)
    means: dict[str, float] = judged.mean("held out")
    assert proposal.neuron and known.undetermined and bands.support and cells and means
    page: Path = adapted.report("report.html")
    adapted.save(page.parent)
    return ph.FitResult.load(page.parent)


class LastVoltage(ph.Feature):
    name, unit, text = "last_voltage", "mV", "v at the end"

    def times(self, protocol: ph.protocols.Protocol, onset: float, end: float) -> FloatArray:
        return np.array([end])

    def compute(self, response: Any) -> FloatArray:
        return response.v[:, 0]


def many(neuron: ph.Neuron, protocol: ph.protocols.Protocol) -> ph.PopulationResult:
    population: ph.Population = ph.Population(
        neuron,
        4,
        {
            "na.g": ph.Normal(cv=0.1),
            "k.g": ph.LogNormal(cv=0.1),
            "l.g": ph.Uniform(spread=0.2),
            "l.e": ph.Empirical((-54.0, -55.0)),
        },
        seed=1,
    )
    record: list[str | ph.Rheobase] = ["spikes", LastVoltage.name, ph.Rheobase(duration=100.0)]
    result: ph.PopulationResult = population.simulate(protocol, record=record)
    rows: ph.SweepResult = ph.sweep(lambda g: neuron.with_parameters(na__g=g).rest(), {"g": [1.0]})
    assert rows.success
    return result


def connected(neuron: ph.Neuron) -> ph.NetworkSolution:
    group: ph.NeuronGroup = ph.NeuronGroup(neuron, 10)
    synapses: list[ph.Synapses] = [
        ph.Synapses("e", "e", ph.ExponentialSynapse(0.0, 5.0), 0.1, p=0.2),
        ph.Synapses("noise", "e", ph.AlphaSynapse(0.0, 2.0), 0.1),
        ph.Synapses("given", "e", ph.DoubleExponentialSynapse(0.0, 1.0, 5.0), 0.1),
    ]
    network: ph.SpikingNetwork = ph.SpikingNetwork(
        {"e": group},
        synapses,
        [ph.GapJunctions("e", "e", 0.01, p=0.1)],
        {"noise": ph.PoissonSource(10, 5.0), "given": ph.SpikeTimes(1, [[1.0, 2.0]])},
        seed=1,
    )
    return ph.simulate_network(network, 100.0)


def in_other_programs(
    neuron: ph.Neuron, protocol: ph.CurrentClamp
) -> Callable[[float, FloatArray], FloatArray]:
    gate = ph.torch.GateModule(neuron, "n")
    module = ph.torch.NeuronModule(neuron)
    parameters = [*gate.parameters(), *module.parameters()]
    assert parameters
    equations = ph.scipy.equations(neuron, protocol)
    ph.scipy.solve_ivp(neuron, protocol, rtol=1e-8)
    return equations.pieces[0].fun


def drawn(neuron: ph.Neuron, solution: ph.Solution, network: ph.NetworkSolution) -> Path:
    ph.plot.trace(solution)
    ph.plot.raster(network)
    figure = ph.plot.kinetics(neuron, published=neuron)
    figure.savefig("kinetics.png")
    return Path("kinetics.png")


def refused(path: str) -> str:
    try:
        ph.document.load(path)
    except ph.errors.DocumentError as wrong:
        return str(wrong)
    except ph.errors.PyHodgkinError:
        raise
    return ph.__version__
