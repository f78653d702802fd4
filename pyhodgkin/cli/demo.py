"""`pyhodgkin demo`: the whole path on a recording made on the spot."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import report
from .output import figures, say, show_table

if TYPE_CHECKING:
    from ..neuron.neuron import Neuron
    from ..recordings import Recording, RecordingSet

NAME = "demo"
HELP = "learn the gates of a squid axon from a recording made on the spot"
DESCRIPTION = """\
Synthesise voltage-clamp recordings of the squid axon, with noise; put a network in the place of
each of its three gates and train them; look at what they learned, and let the neuron with the
learned gates answer steps of current that it never saw."""
EXAMPLES = """\
  pyhodgkin demo
  pyhodgkin demo --out somewhere --seed 1"""

NOISE = 2.0  # µA/cm², standard deviation; the currents reach a thousand
LEVELS = (-100.0, -80.0, -60.0, -50.0, -40.0, -30.0, -20.0, -10.0, 0.0, 20.0, 40.0, 60.0)
STEPS = (3.0, 7.0, 12.0, 20.0)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out", type=Path, default=Path("pyhodgkin-demo"), metavar="DIR", help="[pyhodgkin-demo]"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="[0]")
    parser.add_argument("--backend", default="auto", choices=("auto", "torch", "julia"))


def run(options: argparse.Namespace) -> int:
    import pyhodgkin as ph

    axon = ph.library.get("squid_axon")
    train, heldout = recordings(axon, options)
    say(f"1. recorded: {len(train)} voltage steps to train on, 1 sine to hold out")
    unknown = axon
    for i, gate in enumerate(("n", "m", "h")):
        network = ph.Network.create((1, 16, 16, 2), seed=10 * options.seed + i)
        unknown = unknown.replace_gate(gate, ph.NeuralKinetics("steady_state", network))
    say("2. forgotten: how the gates n, m and h move; training networks in their place")
    result = ph.fit(unknown, train, heldout=heldout, backend=options.backend, out=options.out)
    rows = report.error_rows(result)
    report.write_errors(options.out, rows)
    report.draw(options.out, result, axon)
    report.tell(result, rows, None)
    say("3. never seen in training: spikes under steps of current")
    answer_steps(axon, result.neuron, options)
    say(f"written to {options.out}: start with kinetics.png and spikes.png")
    return report.exit_code(result)


def recordings(axon: Neuron, options: argparse.Namespace) -> tuple[RecordingSet, list[Recording]]:
    """Steps from two holding potentials, and a sum of sines."""
    import pyhodgkin as ph

    protocols = [
        ph.VoltageClamp.steps([0.0, 5.0, 25.0], [holding, level, -50.0], 40.0)
        for holding in (-90.0, -65.0)
        for level in LEVELS
    ]
    sines = ph.VoltageClamp.sines([25.0, 20.0, 15.0], [23.0, 61.0, 149.0], 40.0, centre=-40.0)
    solution = ph.simulate(
        axon, [*protocols, sines], saveat=np.arange(0.0, 40.0, 0.05), backend=options.backend
    )
    named = [
        ph.Recording.from_solution(
            cell,
            noise=NOISE,
            seed=1000 * options.seed + i,
            name=f"step_{i + 1}" if i < len(protocols) else "sines",
            current_unit="uA/cm2",
        )
        for i, cell in enumerate(solution)
    ]
    return ph.RecordingSet(named[:-1]), named[-1:]


def answer_steps(axon: Neuron, learned: Neuron, options: argparse.Namespace) -> None:
    """Compare spike times, and draw both neurons' traces."""
    import pyhodgkin as ph

    protocols = ph.CurrentClamp.family(STEPS, start=5.0, stop=95.0, t_end=100.0)
    common: dict[str, Any] = {"saveat": np.arange(0.0, 100.0, 0.05), "backend": options.backend}
    truth = ph.simulate(axon, protocols, **common)
    answer = ph.simulate(learned, protocols, **common)
    rows = []
    for step, a, b in zip(STEPS, truth.spike_times(), answer.spike_times(), strict=True):
        same = len(a) == len(b) and len(a)
        rows.append(
            {
                "step (µA/cm²)": step,
                "spikes": len(a),
                "learned": len(b),
                "largest shift (ms)": float(np.max(np.abs(a - b))) if same else None,
            }
        )
    show_table(rows)
    shown = 1
    measured = ph.Recording.from_solution(truth[shown])
    figures(options.out, {"spikes": lambda: ph.plot.trace(answer[shown], measured=measured)})
