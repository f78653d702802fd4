"""`pyhodgkin demo`: the whole path on a recording made on the spot."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..storage import claims, folders
from . import report
from .output import add_folder, figures, say, show_table
from .parser import whole

if TYPE_CHECKING:
    from ..neuron.neuron import Neuron
    from ..recordings import Recording, RecordingSet
    from ..results.fit_result import FitResult

NAME = "demo"
HELP = "learn the gates of a squid axon from a recording made on the spot"
DESCRIPTION = """\
Synthesise voltage-clamp recordings of the squid axon, with noise. Forget how its three gates
move: start from those of a neuron of the rat's cortex, put a network on each, and train the
networks on the recordings. Compare what they learned with the truth, and let the neuron with the
learned gates answer steps of current, which it never saw."""
EXAMPLES = """\
  pyhodgkin demo
  pyhodgkin demo --out somewhere --seed 1"""

GATES = ("n", "m", "h")
NOISE = 0.5  # µA/cm², standard deviation; the currents reach thousands
STEPS = (3.0, 7.0, 12.0, 20.0)  # µA/cm²


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_folder(
        parser,
        required=False,
        default=Path("pyhodgkin-demo"),
        help="folder to write; where it holds a run, DIR-2, DIR-3, … [pyhodgkin-demo]",
    )
    parser.add_argument("--seed", type=whole, default=0, metavar="N", help="[0]")
    parser.add_argument("--backend", default="auto", choices=("auto", "torch", "julia"))


def run(options: argparse.Namespace) -> int:
    out = options.out if options.overwrite else folders.numbered(options.out)
    with claims.writing(out, "demo", overwrite=options.overwrite) as folder:
        result = demonstrate(options, folder)
    say(f"{result.message} in {result.seconds:.0f} s; written to {out}")
    say("Look at kinetics.png and spikes.png first; pyhodgkin show lists all of it.")
    return report.exit_code(result)


def demonstrate(options: argparse.Namespace, folder: Path) -> FitResult:
    """Record, forget, learn and compare; files go to `folder`."""
    import pyhodgkin as ph

    axon = ph.library.get("squid_axon")
    train, heldout = recordings(axon, options)
    say(f"1. Recorded under voltage clamp: {len(train)} commands to train on, 1 to hold out.")
    start = forgotten(axon, options.seed)
    say("2. Forgotten: how the gates n, m and h move. Training a network on each …")
    result = learn(start, train, heldout, options, folder)
    rows = report.error_rows(result)
    report.write_errors(folder, rows)
    report.draw(folder, result, axon, start=start)
    errors = [result.train_error, result.heldout_error]
    seen, unseen = (float(e.mean("mae")[result.best]) for e in errors if e is not None)
    noise = NOISE * np.sqrt(2 / np.pi)
    say(
        f"   Mean absolute error of the current: {seen:.2f} µA/cm² in training, {unseen:.2f} held "
        f"out; the noise alone is {noise:.2f}."
    )
    show_table(gate_rows(axon, start, result), title="largest error of the curves, -80 to 40 mV")
    say("3. Never seen in training: spikes under steps of current.")
    answer_steps(axon, result.neuron, options, folder)
    return result


def recordings(axon: Neuron, options: argparse.Namespace) -> tuple[RecordingSet, list[Recording]]:
    """Steps, prepulses and noise to train on; a sum of sines to hold out."""
    import pyhodgkin as ph

    clamp = ph.VoltageClamp
    levels = (-80, -60, -50, -40, -30, -20, -10, 0, 20, 40)
    protocols = [clamp.steps([0, 3, 18], [-90, level, -60], 25.0) for level in levels]
    prepulses = (-110, -80, -70, -60, -50, -40)
    protocols += [clamp.steps([0, 12, 20], [level, 0, -80], 25.0) for level in prepulses]
    # Wide noise for the gates, and some near rest, where small currents decide when to spike.
    protocols += [
        clamp(ph.OrnsteinUhlenbeck(mean, sd, 4.0, 0.1, 25.0, seed=i), 25.0)
        for i, (mean, sd) in enumerate(4 * [(-45.0, 25.0)] + 4 * [(-62.0, 7.0)])
    ]
    protocols += [clamp.sines([25.0, 20.0, 15.0], [40.0, 110.0, 260.0], 25.0, centre=-40.0)]
    solution = ph.simulate(axon, protocols, saveat=0.05, backend=options.backend)
    made = [
        ph.Recording.from_solution(
            cell,
            noise=NOISE,
            seed=1000 * options.seed + i,
            name=f"command {i + 1}",
            current_unit="uA/cm2",
        )
        for i, cell in enumerate(solution)
    ]
    return ph.RecordingSet(made[:-1]), made[-1:]


def forgotten(axon: Neuron, seed: int) -> Neuron:
    """The axon with the gates of another cell, and on each a network that is zero as yet."""
    import pyhodgkin as ph

    cortex = ph.library.get("pospischil_rs")
    for i, gate in enumerate(GATES):
        network = ph.Network.create((1, 16, 2), seed=10 * seed + i, zero_last=True)
        prior = cortex.gate(gate).kinetics
        kinetics = ph.NeuralKinetics("residual", network, prior=prior, v_scale=25.0)
        axon = axon.replace_gate(gate, kinetics)
    return axon


def learn(
    start: Neuron,
    train: RecordingSet,
    heldout: list[Recording],
    options: argparse.Namespace,
    folder: Path,
) -> FitResult:
    """Train the networks, and nothing but them."""
    import pyhodgkin as ph
    from pyhodgkin import Stage

    return ph.fit(
        start,
        train,
        heldout=heldout,
        trainable="networks",
        schedule=Stage("clamped", "levenberg", 60),
        backend=options.backend,
        out=folder,
    )


def gate_rows(axon: Neuron, start: Neuron, result: FitResult) -> list[dict[str, Any]]:
    """How far the curves of each gate were from the truth, and are."""
    v = np.linspace(-80.0, 40.0, 121)
    rows = []
    for name in GATES:
        truth = axon.gate(name)
        # A rate and a half are equally far off, so the time constant is judged by its ratio.
        errors: list[dict[str, float]] = []
        for neuron in (start, result.neuron):
            gate = neuron.gate(name)
            factor = gate.rate_factor(neuron.temperature) / truth.rate_factor(axon.temperature)
            tau = gate.kinetics.tau(v) / truth.kinetics.tau(v) / factor
            steady = np.abs(gate.kinetics.x_inf(v) - truth.kinetics.x_inf(v))
            errors.append({"x": steady.max(), "tau": np.exp(np.abs(np.log(tau)).max())})
        before, after = errors
        rows.append(
            {
                "gate": name,
                "x_inf before": f"{before['x']:.3f}",
                "x_inf learned": f"{after['x']:.3f}",
                "tau before": f"x {before['tau']:.2f}",
                "tau learned": f"x {after['tau']:.2f}",
            }
        )
    return rows


def answer_steps(axon: Neuron, learned: Neuron, options: argparse.Namespace, folder: Path) -> None:
    """Compare spike times, and draw both neurons' traces."""
    import pyhodgkin as ph

    protocols = ph.CurrentClamp.family(STEPS, start=5.0, stop=95.0, t_end=100.0)
    truth, answer = (
        ph.simulate(neuron, protocols, saveat=0.05, backend=options.backend)
        for neuron in (axon, learned)
    )
    rows = []
    for step, a, b in zip(STEPS, truth.spike_times(), answer.spike_times(), strict=True):
        both = min(len(a), len(b))
        shift = np.max(np.abs(a[:both] - b[:both]), initial=0.0)
        rows.append(
            {
                "step (µA/cm²)": step,
                "spikes": len(a),
                "learned": len(b),
                "largest shift (ms)": f"{shift:.3f}" if both else "",
            }
        )
    show_table(rows)
    measured = ph.Recording.from_solution(truth[1])
    figures(folder, {"spikes": lambda: ph.plot.trace(answer[1], measured=measured)})
