"""The experiments of HodgkinModel.jl's notebook, each with the figure that it reached.

Its cell, start, currents, windows of ten samples, and its 40 % for training and 60 % for
validation. Each experiment is a function of a seed that gives a row of numbers; the notebook
notebooks/01_hodgkinmodel_jl.ipynb shows the same with figures and text.

"first window" is the original's own figure: the squared errors of the four states, summed over the
first ten samples of the simulation from t = 0.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np
from learning import Report, Row, arguments, each_seed, prepare
from scipy.optimize import minimize

import pyhodgkin as ph
from pyhodgkin import FitResult, Stage, backends
from pyhodgkin.backends.base import SolveOptions
from pyhodgkin.backends.batch_elements import Ends
from pyhodgkin.backends.loss import Loss

CELL = ph.library.get("hodgkinmodel_jl")
LOOSE = {"rtol": 1e-5, "atol": 1e-7}
SCALE = np.array([50.0, 0.5, 0.5, 0.5])  # of v (mV), n, m, h in the black box
PRIOR = ph.RateKinetics(ph.rates.Constant(0.5), ph.rates.Constant(0.5))
ARGS = arguments(__doc__, seeds=3)


def steps(n: int) -> int:
    """Fewer of them with --quick, which shows that everything runs and nothing more."""
    return max(2, n // 50) if ARGS.quick else n


def solved(i_stim: float, t_end: float, dt: float) -> ph.Solution:
    """The cell at a constant current; its I = -9 is i_stim = 9."""
    clamp = ph.CurrentClamp.constant(i_stim, t_end=t_end)
    return ph.simulate(CELL, clamp, saveat=dt, backend=ARGS.backend)


def first_part(truth: ph.Solution) -> ph.Recording:
    """v alone, the first 40 %."""
    return ph.Recording.from_solution(truth).window(0.0, 0.4 * truth.t[-1])


def judged(neuron: ph.Neuron, truth: ph.Solution, y0: object = None) -> Row:
    """What a neuron does from t = 0 on, against the cell."""
    clamp = truth.protocol
    own = ph.simulate(neuron, clamp, saveat=truth.t, y0=y0, backend=ARGS.backend)
    error, seen = own.v - truth.v, truth.t <= 0.4 * truth.t[-1]
    mine, right = own.spike_times(), truth.spike_times()
    row: Row = {
        "RMSE 40 % (mV)": float(np.sqrt(np.mean(error[seen] ** 2))),
        "RMSE 60 % (mV)": float(np.sqrt(np.mean(error[~seen] ** 2))),
        "spikes": f"{len(mine)} of {len(right)}",
        "first window": float(np.sum((own.y[:10] - truth.y[:10]) ** 2)),
    }
    if "n" in own.neuron.states:
        row["n from, to"] = f"{own.gates['n'].min():.2f}, {own.gates['n'].max():.2f}"
    return row


def network(seed: int, **more: bool) -> ph.Network:
    """2 x 16 tanh."""
    return ph.Network.create((1, 16, 16, 2), seed=seed, **more)


def unknown(gates: str, seed: int, prior: ph.RateKinetics | None = None) -> ph.Neuron:
    """The cell with networks in the place of gates."""
    neuron, form = CELL, "steady_state" if prior is None else "residual"
    for i, gate in enumerate(gates):
        net = network(10 * seed + i, zero_last=prior is not None)
        neuron = neuron.replace_gate(gate, ph.NeuralKinetics(form, net, prior=prior))
    return neuron


def learn(neuron: ph.Neuron, *truths: ph.Solution, **more: object) -> FitResult:
    """`fit` to the first 40 % of v; with --quick by two short stages."""
    if ARGS.quick and more.get("schedule") is None:
        more["schedule"] = [
            Stage("clamped", "lbfgs", 10),
            Stage("simulation", "lbfgs", 5, options=LOOSE),
        ]
    recordings = [first_part(truth).renamed(str(i)) for i, truth in enumerate(truths)]
    return ph.fit(neuron, recordings, backend=ARGS.backend, progress=False, **more)  # type: ignore[arg-type]


# -- the experiments ------------------------------------------------------------------------


def black_box(seed: int) -> ph.Neuron:
    """A network in place of the right-hand side: 2 x 32 tanh of the four scaled states."""
    net = ph.Network.create((4, 32, 32, 4), seed=seed)
    shift, scale = (-40.0, 0.5, 0.5, 0.5), tuple(SCALE)
    rhs = ph.NeuralRightHandSide(net, shift=shift, scale=scale, stimulus_scale=None)
    return ph.Neuron("black_box", right_hand_side=rhs, v_rest=-70.2)


def windows(truth: ph.Solution, size: int) -> tuple[list[ph.Recording], np.ndarray, np.ndarray]:
    """Windows of so many samples of the first 40 %, the states at their starts and ends."""
    whole, last = ph.Recording.from_solution(truth), int(0.4 * len(truth.t))
    starts = np.arange(0, max(last - size + 2, 1), 20 if ARGS.quick else 4 if size == 10 else 8)
    parts = [whole.window(truth.t[a], truth.t[a + size - 1]) for a in starts]
    return parts, truth.y[starts], truth.y[starts + size - 1]


def four_states(truth: ph.Solution, seed: int) -> Row:
    """As the original: windows that start at the true states, all four states compared."""
    box, whole = black_box(seed), int(0.4 * len(truth.t)) + 1
    engine, options = backends.get(ARGS.backend), SolveOptions(**LOOSE)
    theta, loss = box.theta, Loss("mse", scale=SCALE[0])
    for sizes, n in (([10], 400), ([10, 40], 300), ([10, whole], 500)):
        sets = [windows(truth, size) for size in sizes]

        def value_and_grad(theta: np.ndarray, sets: Sequence = sets) -> tuple[float, np.ndarray]:
            value, gradient = 0.0, np.zeros_like(theta)
            for parts, start, end in sets:
                ends = Ends(SCALE**-2, end)
                found = engine.value_and_grad(
                    box, parts, theta, loss, y0=start, options=options, ends=ends
                )
                value, gradient = value + float(found.value), gradient + found.gradient
            return (value, gradient) if np.isfinite(value) else (1e10, 0.0 * gradient)

        limits = {"maxiter": steps(n), "maxfun": 2 * steps(n), "maxcor": 50}
        limits |= {"ftol": 1e-11, "gtol": 1e-9}
        theta = minimize(value_and_grad, theta, jac=True, method="L-BFGS-B", options=limits).x
    return judged(box.with_theta(theta), truth, y0=truth.y[0])


def voltage_alone(truth: ph.Solution, seed: int) -> Row:
    """The same box from v alone: the other three states are its own; growing horizon."""
    grow = (0.5, 0.8, 1.2, 2.0, 3.0, 4.5, 6.0)
    schedule = [
        Stage("simulation", "adamw", steps(100), horizon=grow[0], options=LOOSE),
        *(Stage("simulation", "lbfgs", steps(60), horizon=x, options=LOOSE) for x in grow),
        Stage("simulation", "lbfgs", steps(300), options=LOOSE),
    ]
    starts = [3 * seed + i for i in range(1 if ARGS.quick else 3)]
    row = judged(learn(black_box(0), truth, schedule=schedule, seeds=starts).neuron, truth)
    return {k: x for k, x in row.items() if k not in ("first window", "n from, to")}


def n_alone(seed: int) -> Row:
    """The potassium current at voltages that are held; judged by n at 0 mV, as the original."""
    channel = ph.Neuron("k_channel", (CELL.channel("k"),), v_rest=-70.2, initial=(("n", 0.25),))
    start = channel.replace_gate("n", ph.NeuralKinetics("steady_state", network(seed)))

    def held(v: float) -> ph.Solution:
        clamp = ph.VoltageClamp.constant(v, t_end=20.0)
        return ph.simulate(channel, clamp, saveat=0.1, backend=ARGS.backend)

    def recorded(truth: ph.Solution) -> ph.Recording:
        return ph.Recording.from_solution(truth, current_unit="uA/cm2")

    truth, loss = held(0.0), Loss("mse", scale=1000.0)
    halving = Stage("simulation", "adamw", steps(400), lr=0.02, schedule="halving", loss=loss)
    more = {"backend": ARGS.backend, "progress": False}
    parts = recorded(truth).window(0.0, 8.0).windows(0.9)
    one = ph.fit(start, parts, fit_initial=True, schedule=halving, **more)
    halving = Stage("clamped", "adamw", steps(400), lr=0.02, schedule="halving")
    whole = ph.fit(start, recorded(truth).window(0.0, 8.0), schedule=halving, **more)
    few = Stage("clamped", "lbfgs", 5) if ARGS.quick else None
    eight = [recorded(held(v)) for v in np.arange(-90.0, 60.0, 20.0)]
    row: Row = {}
    for label, found in (
        ("windows", one),
        ("from its start", whole),
        ("8 voltages", ph.fit(start, eight, schedule=few, **more)),
    ):
        own = ph.simulate(found.neuron, truth.protocol, saveat=truth.t, backend=ARGS.backend)
        error = own.gates["n"] - truth.gates["n"]
        row[f"{label}: RMSE of n, 60 %"] = float(np.sqrt(np.mean(error[truth.t > 8.0] ** 2)))
        row[f"{label}: first window"] = float(np.sum(error[:10] ** 2))
    return row


def in_windows(truth: ph.Solution, seed: int) -> Row:
    """One gate, the original's way: windows of ten samples, AdamW with halving rate; growing."""
    ten, more = 9.0 * float(truth.t[1]), {"options": LOOSE}
    schedule = [
        Stage(
            "multiple_shooting",
            "adamw",
            steps(400),
            schedule="halving",
            window=ten,
            lr=0.01,
            **more,
        ),
        Stage("multiple_shooting", "lbfgs", steps(150), window=10.0 * ten, **more),
        Stage("multiple_shooting", "lbfgs", steps(150), window=4.0, **more),
    ]
    return judged(learn(unknown("n", seed), truth, schedule=schedule).neuron, truth)


def three_from_one(truth: ph.Solution, seed: int) -> Row:
    """Three gates from one current, which says little of three gates."""
    neuron = learn(unknown("nmh", seed), truth, seeds=[seed]).neuron
    beginning = solved(9.0, 0.2, 0.01)  # sampled as in the original
    first = judged(neuron, beginning)["first window"]
    return judged(neuron, truth) | {"first window": first}


def three_from_four(seed: int) -> Row:
    """Three gates from four currents; judged at currents never seen."""
    dt = 0.1 if ARGS.quick else 0.02
    truths = [solved(i, 50.0, dt) for i in (5.0, 9.0, 15.0, 30.0)]
    # What the search finds is drawn by this seed, not by that of the networks.
    neuron = learn(unknown("nmh", seed), *truths, seeds=[seed]).neuron
    row: Row = {}
    for i_stim in (6.0, 12.0, 20.0, 40.0):
        found = judged(neuron, solved(i_stim, 50.0, 0.05))
        row[f"{i_stim:g}: RMSE 40 % (mV)"] = found["RMSE 40 % (mV)"]
        row[f"{i_stim:g}: spikes"] = found["spikes"]
    return row


def inside(rows: Sequence[Row]) -> list[bool]:
    """Whether n stayed in [0, 1]."""
    ends = [[float(x) for x in str(row["n from, to"]).split(",")] for row in rows]
    return [low >= 0.0 and high <= 1.0 for low, high in ends]


def better(rows: Sequence[Row], than: float, name: str = "first window") -> list[bool]:
    """Whether a number is below the original's."""
    return [float(row[name]) < than for row in rows]  # type: ignore[arg-type]


def bar(report: Report, text: str, passed: Sequence[bool]) -> None:
    """Asked for only at full size."""
    if not ARGS.quick:
        report.bar(text, passed)


def main() -> int:
    report = Report("learn_hodgkinmodel_jl", "The experiments of HodgkinModel.jl", ARGS)
    report.text((__doc__ or "").partition("\n\n")[2].strip())
    prepare(ARGS)
    fine = 0.1 if ARGS.quick else 0.01
    once, again = solved(5.0, 20.0, fine), solved(9.0, 50.0, max(fine, 0.05))
    coarse = {"5": solved(5.0, 20.0, 0.1), "9": solved(9.0, 50.0, 0.1)}

    for i_stim, truth in coarse.items():
        rows = each_seed(ARGS, lambda seed: four_states(truth, seed))
        report.table(f"Black box of the four states, {i_stim} µA/cm²", rows)
        if i_stim == "5":
            bar(report, "below the original's 52,634", better(rows, 52634.0))
    rows = each_seed(ARGS, lambda seed: voltage_alone(coarse["5"], seed))
    report.table("Black box from v alone, the best of three starts (original: all states)", rows)

    rows = each_seed(ARGS, n_alone)
    report.table("n gate alone", rows)
    bar(report, "below the original's 0.0150", better(rows, 0.0150, "8 voltages: first window"))

    rows = each_seed(ARGS, lambda seed: in_windows(once, seed))
    report.table("n gate in the cell, windows of ten samples, AdamW with halving rate, grown", rows)
    for gate, prior, title, figure in (
        ("n", None, "n gate in the cell, fit", 0.00147),
        ("n", PRIOR, "n gate with prior knowledge (rates of 0.5 per ms), fit", 0.1098),
        ("m", None, "m gate in the cell, fit (original: never trained)", None),
    ):
        rows = each_seed(
            ARGS, lambda seed: judged(learn(unknown(gate, seed, prior), once).neuron, once)
        )
        report.table(title, rows)
        if figure is not None:
            bar(report, f"below the original's {figure:g}", better(rows, figure))
            bar(report, "n in [0, 1] (original: up to 2.5)", inside(rows))

    rows = each_seed(ARGS, lambda seed: three_from_one(again, seed))
    report.table("Three gates from one current (original: no result)", rows)
    bar(report, "n in [0, 1]", inside(rows))
    rows = each_seed(ARGS, three_from_four)
    report.table("Three gates from four currents, at currents never seen", rows)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
