"""Exported neurons in the simulators themselves, beside ours.

    python benchmarks/exports.py --python P [--julia J] [--rows FILE] [--only nmodl brian2 …]
        [--neurons squid_axon …]

Every neuron of the library, one of each form of neural kinetics, calcium and Markov schemes, under
a step of current from 10 to 40 ms, of 50 ms. `P` is a Python with NEURON, Brian2, Jaxley and
pyNeuroML. Each row is added to FILE (benchmarks/exports_rows.json) as it is found, and one that is
there is not run again, so that an interrupted run goes on. The table goes to results/exports.md;
``--only`` without names writes it from the rows that are there, and names those that are missing.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from exports_neurons import CLAMPED, STEPS, neurons
from exports_runs import LEVELS, theirs, version_of

import pyhodgkin as ph

HEAD = """# Exported neurons in other simulators

`benchmarks/exports.py`, {dates}: {versions}.

Every neuron of the library, a squid axon with a network in n of each form (`network_*`: trained on
the published curves, `free` as it was made), with a learned current, with formulas and tables,
with calcium in all forms (Nernst's potential, the equation of Goldman, Hodgkin and Katz, gates of
calcium alone and of v and calcium), and with a Markov scheme one of whose rates has a network. A
step of current from 10 to 40 ms, 50 ms. A voltage differs by its distance from the range of ours
within 0.05 ms; spikes are upward crossings of 0 mV. To be equal is to differ by at most 0.1 mV and
0.05 ms.

NEURON solves with CVODE (atol 1e-7), Brian2 and Julia by Runge-Kutta of fourth order. Jaxley has
implicit steps of first order, jLEMS, which runs NeuroML, explicit ones that are of first order for
a network. Their size is the first of {steps}
at which the two are equal, or the last, and is in the row. NeuroML starts every gate at its steady
state, and so does ours in its rows. Every NeuroML file was found valid. `{clamped}` under a
voltage clamp: the current, whose difference is in % of its range.
"""
NEAR, START, STOP, END = 0.05, 10.0, 40.0, 50.0
BAR = (0.1, 0.05)  # mV, ms
SMALLER = {"jaxley": (0.0025, 0.0005), "neuroml": (0.001, 0.0001, 0.00002)}  # ms
SIMULATORS = ("nmodl", "brian2", "jaxley", "neuroml", "julia")


def per_area(neuron: ph.Neuron) -> ph.Neuron:
    """The step of current is a density."""
    if neuron.current_unit not in ("nA", "pA"):
        return neuron
    picofarads = neuron.c_m * (1e3 if neuron.current_unit == "nA" else 1.0)
    return neuron.per_area(area=100.0 * picofarads)


def ours(neuron: ph.Neuron, amplitude: float) -> tuple[np.ndarray, np.ndarray]:
    """t and v of ours."""
    clamp = ph.CurrentClamp.step(amplitude, start=START, stop=STOP, t_end=END)
    t = np.linspace(0.0, END, 50001)
    tight = 1e-9 if neuron.is_coupled else 1e-10
    solved = ph.simulate(per_area(neuron), clamp, saveat=t, rtol=tight, atol=tight, backend="torch")
    return t, solved.v


def clamped(neuron: ph.Neuron) -> tuple[np.ndarray, np.ndarray]:
    """t and the current of ours under the voltage clamp."""
    ends, levels = zip(*LEVELS, strict=True)
    clamp = ph.VoltageClamp.steps([0.0, *ends[:-1]], levels, t_end=ends[-1])
    t = np.linspace(0.0, ends[-1], round(20 * ends[-1]) + 1)
    solved = ph.simulate(per_area(neuron), clamp, saveat=t, rtol=1e-9, atol=1e-9, backend="torch")
    return t, solved.currents["kr"]


def crossings(t: np.ndarray, v: np.ndarray) -> np.ndarray:
    at = np.flatnonzero((v[:-1] < 0.0) & (v[1:] >= 0.0))
    return t[at] - v[at] * (t[at + 1] - t[at]) / (v[at + 1] - v[at])


def compared(reference, found) -> tuple[float, float, int]:
    """mV and ms that two traces differ by, and the number of spikes."""
    (t, v), (ti, vi) = reference, found
    keep = ti <= END
    ti, vi = ti[keep], vi[keep]
    shifts = np.linspace(-NEAR, NEAR, 41)[:, None]
    moved = np.interp(ti + shifts, t, v)
    off = float(np.maximum(moved.min(axis=0) - vi, vi - moved.max(axis=0)).max())
    a, b = crossings(t, v), crossings(ti, vi)
    late = np.inf if len(a) != len(b) else float(np.abs(a - b).max(initial=0.0))
    return off, late, len(a)


def currents_differ(reference, found) -> float:
    """% of the range of the current; not within 0.2 ms of a step of the voltage."""
    (t, i), (ti, ii) = reference, found
    far = (ti > 0.2) & (ti < LEVELS[-1][0] - 0.2)
    for until, _ in LEVELS:
        far &= np.abs(ti - until) > 0.2
    return float(100.0 * np.abs(np.interp(ti[far], t, i) - ii[far]).max() / np.ptp(i))


class References:
    """Solutions of ours, each found once."""

    def __init__(self) -> None:
        self._found: dict = {}

    def of(self, key: tuple, make) -> tuple[np.ndarray, np.ndarray]:
        if key not in self._found:
            self._found[key] = make()
        return self._found[key]


def row(
    neuron: ph.Neuron, to: str, how: str, known: References, options: argparse.Namespace
) -> str:
    """The cells of a row after the names of neuron and simulator."""
    name, amplitude = neuron.name, STEPS.get(neuron.name, 10.0)
    if how == "clamp":
        reference = known.of((name, how), lambda: clamped(neuron))
        percent = currents_differ(reference, theirs(neuron, to, 0.0, options, clamp=True))
        return f"– | – | – | voltage clamp: {percent:.2g} % of the range"
    try:
        start, steady = neuron, ""
        if to == "neuroml" and neuron.initial:
            start, steady = replace(neuron, initial=()), "gates at their steady state"
        reference = known.of((name, bool(steady)), lambda: ours(start, amplitude))
        off, late, count, step = np.inf, np.inf, 0, None
        for step in SMALLER.get(to, (None,)):
            found = theirs(neuron, to, amplitude, options, step=step)
            off, late, count = compared(reference, found)
            if off <= BAR[0] and late <= BAR[1]:
                break
        notes = ", ".join(x for x in (f"{step:g} ms" if step else "", steady) if x)
        return f"{off:.4f} | {late:.4f} | {count} | {notes}"
    except ph.errors.InputError as error:
        return f"– | – | – | refused: {str(error).removeprefix('export: ').split('. Export')[0]}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--julia", default="julia")
    parser.add_argument("--only", nargs="*", default=SIMULATORS)
    parser.add_argument("--neurons", nargs="*")
    parser.add_argument("--rows", type=Path, default=Path(__file__).with_name("exports_rows.json"))
    options = parser.parse_args()
    rows = json.loads(options.rows.read_text()) if options.rows.exists() else {}
    everything, known = neurons(), References()
    wanted = [(name, to, "step") for name in everything for to in SIMULATORS]
    wanted += [(name, to, "clamp") for name in CLAMPED for to in SIMULATORS if to != "neuroml"]
    versions = {to: version_of(to, options) for to in options.only}
    for name, to, how in wanted:
        key = f"{name} {to} {how}"
        if to not in options.only or name not in (options.neurons or everything) or key in rows:
            continue
        try:
            text = row(everything[name], to, how, known, options)
        except RuntimeError as error:
            print(f"{key} failed:\n{error}", flush=True)
            continue
        today = datetime.date.today().strftime("%-d %b %Y")
        kept = json.loads(options.rows.read_text()) if options.rows.exists() else {}
        rows = {**kept, key: [text, today, versions[to]]}
        options.rows.write_text(json.dumps(rows, indent=1))
        print(f"| {name} | {to} | {text} |", flush=True)
    write(wanted, rows)


def write(wanted: list, rows: dict) -> None:
    """The table."""
    keys = [" ".join(each) for each in wanted]
    found = [rows[key] for key in keys if key in rows]
    dates, versions = (", ".join(dict.fromkeys(x[i] for x in found)) for i in (1, 2))
    lines = ["| neuron | simulator | v differs (mV) | spikes differ (ms) | spikes | |",
             "|---|---|---|---|---|---|"]  # fmt: skip
    for key, (name, to, _) in zip(keys, wanted, strict=True):
        lines.append(f"| {name} | {to} | {rows[key][0] if key in rows else 'not run | | | '} |")
    steps = "; ".join(f"{', '.join(f'{x:g}' for x in sizes)} ms" for sizes in SMALLER.values())
    head = HEAD.format(dates=dates, versions=versions, clamped="`, `".join(CLAMPED), steps=steps)
    missing = len(keys) - len(found)
    if missing:
        head += f"\n{missing} of {len(keys)} rows were not run.\n"
    out = Path(__file__).parent / "results/exports.md"
    out.write_text("\n".join([head, *lines, ""]))
    print(f"{len(found)} of {len(keys)} rows are in {out}")


if __name__ == "__main__":
    main()
