"""What makes errors larger than a tolerance suggests, and the figure of the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import pyhodgkin as ph

from .cases import errors, reference, solved
from .gradients import recording_of

FIGURE = Path(__file__).resolve().parents[2] / "docs" / "numerical_trust.png"
ABOVE = 10.0 ** np.arange(-6.0, 0.5, 0.5)  # of the rheobase, µA/cm²
RTOL = (1e-4, 1e-6, 1e-8)
SCALES = 2.0 ** np.arange(0.0, 8.0)
PULSE = 0.2  # ms


def rheobase(cell: ph.Neuron, backend: str, t_end: float = 200.0) -> float:
    """The least constant current (µA/cm²) with a spike in `t_end`, by bisection to 1e-10."""
    low, high = 0.0, 5.0
    given = {"saveat": [t_end], "backend": backend, "solver": "tsit5", "rtol": 1e-11}
    while high - low > 1e-10:
        grid = np.linspace(low, high, 34)
        clamps = [ph.CurrentClamp.constant(i, t_end) for i in grid]
        found = ph.simulate(cell, clamps, atol=1e-13, **given)
        first = int(np.argmax([len(x) > 0 for x in found.spike_times()]))
        low, high = grid[first - 1], grid[first]
    return float(high)


def near_rheobase(backend: str) -> tuple[np.ndarray, dict[float, np.ndarray], float]:
    """The latency (ms) of the first spike, and its error at each tolerance, above the rheobase."""
    cell = ph.library.get("wang_buzsaki")
    least = rheobase(cell, backend)
    clamps = [ph.CurrentClamp.constant(least + x, 400.0) for x in ABOVE]

    def first(rtol: float) -> np.ndarray:
        found = ph.simulate(
            cell, clamps, saveat=[400.0], rtol=rtol, atol=0.01 * rtol, backend=backend
        )
        return np.array([x[0] if len(x) else np.nan for x in found.spike_times()])

    exact = first(1e-12)
    return exact, {rtol: np.abs(first(rtol) - exact) for rtol in RTOL}, least


def saturating(backend: str) -> tuple[np.ndarray, np.ndarray]:
    """Slope of the loss by all weights, and steps of a solve, as the weights of a gate grow."""
    squid = ph.library.get("squid_axon")
    network = ph.Network.create((1, 8, 2), seed=1)
    cell = squid.replace_gate("n", ph.NeuralKinetics("steady_state", network))
    chosen = cell.layout.select("*network*")
    sets = np.tile(cell.theta, (len(SCALES), 1))
    sets[:, chosen] *= SCALES[:, None]
    data = recording_of(cell, "squid_axon")
    found = ph.backends.get(backend).value_and_grad(
        cell, [data], sets, ph.Loss("mse", scale=10.0), mode="simulation", y0=None,
        options=ph.SolveOptions(rtol=1e-8, atol=1e-10),
    )  # fmt: skip
    slope = np.linalg.norm(found.gradient[:, chosen], axis=-1)
    return slope, np.asarray(found.stats["n_steps"])[:, 0]


def jump(backend: str) -> dict[str, np.ndarray]:
    """Error of v (mV) at the end of a short pulse at 40 ms: with its edges known, and without."""
    g, level = 0.1, 20.0
    cell = ph.Neuron("passive", (ph.Channel("l", g, -65.0),), v_rest=-65.0)
    clamp = ph.CurrentClamp.step(level, 40.0, 40.0 + PULSE, 60.0)
    exact = -65.0 + level / g * (1.0 - np.exp(-PULSE * g))
    t = [40.0 + PULSE]
    known, unknown = [], []
    for rtol in (1e-3, *RTOL):
        given = {"rtol": rtol, "atol": 0.01 * rtol}
        ours = ph.simulate(cell, clamp, saveat=t, backend=backend, **given)
        known.append(abs(ours.v[0] - exact))
        unknown.append(abs(_without_edges(g, level, **given) - exact))
    return {"known": np.array(known), "unknown": np.array(unknown)}


def _without_edges(g: float, level: float, **given: float) -> float:
    from scipy.integrate import solve_ivp

    def slope(t: float, v: Any) -> Any:
        return (level if 40.0 <= t < 40.0 + PULSE else 0.0) - g * (v + 65.0)

    found = solve_ivp(slope, (0.0, 40.0 + PULSE), [-65.0], method="LSODA", **given)
    return float(found.y[0, -1])


def limits(backend: str, quick: bool) -> list[str]:
    """Three tables; the figure is drawn by the torch engine."""
    latency, late, least = near_rheobase(backend)
    lines = ["## Where errors are larger than the tolerance suggests", ""]
    lines += [
        f"The first spike of `wang_buzsaki` under a constant current above its rheobase for 200 ms "
        f"({least:.9f} µA/cm²): latency and error, ms.", "",
        "| above (µA/cm²) | latency | " + " | ".join(f"rtol {r:.0e}" for r in RTOL) + " |",
        "|---|---|" + "---|" * len(RTOL),
    ]  # fmt: skip
    for i, x in enumerate(ABOVE):
        row = " | ".join(f"{late[r][i]:.0e}" for r in RTOL)
        lines.append(f"| {x:.0e} | {latency[i]:.3f} | {row} |")
    slope, steps = saturating(backend)
    lines += ["", "A gate whose network has its weights multiplied: gradient and steps (8 ms).", ""]
    lines += ["| weights times | size of the gradient | steps |", "|---|---|---|"]
    lines += [f"| {s:g} | {g:.1e} | {n} |" for s, g, n in zip(SCALES, slope, steps, strict=True)]
    missed = jump(backend)
    lines += [
        "",
        f"A pulse of {PULSE} ms after 40 ms of rest in a passive membrane: error of v (mV).",
        "",
    ]
    lines += [
        "| rtol | edges known (pyhodgkin) | one function of t (SciPy LSODA) |",
        "|---|---|---|",
    ]
    for i, rtol in enumerate((1e-3, *RTOL)):
        lines.append(f"| {rtol:.0e} | {missed['known'][i]:.0e} | {missed['unknown'][i]:.0e} |")
    if backend == "torch" and not quick:
        draw(latency, late, slope, steps, backend)
    return lines


def draw(latency: Any, late: Any, slope: Any, steps: Any, backend: str) -> None:
    """Four panels: errors over tolerances, near the rheobase, saturating weights."""
    import matplotlib

    matplotlib.use("Agg")
    import io

    import matplotlib.pyplot as plt
    from PIL import Image

    from pyhodgkin.plot.style import RC

    styles = (("o", "-", "black"), ("s", "--", "0.35"), ("^", ":", "0.55"))
    with plt.rc_context(RC):
        figure, axes = plt.subplots(1, 3, figsize=(9.6, 3.2), layout="constrained")
        rtol = 10.0 ** -np.arange(3.0, 11.0)
        for solver, (mark, line, grey) in zip(("rodas5p", "rodas4p", "tsit5"), styles, strict=True):
            exact = reference("squid_axon", solver, backend)
            found = [
                errors(solved("squid_axon", solver, r, backend), exact)["spikes"] for r in rtol
            ]
            axes[0].loglog(rtol, found, mark + line, color=grey, label=solver, ms=4)
        axes[0].set(xlabel="rtol", ylabel="error of spike times (ms)", title="squid axon, 50 ms")
        for r, (mark, line, grey) in zip(RTOL, styles, strict=True):
            axes[1].loglog(ABOVE, late[r], mark + line, color=grey, label=f"rtol {r:.0e}", ms=4)
        axes[1].loglog(ABOVE, latency, color="0.8", lw=3, zorder=0, label="latency")
        axes[1].set(
            xlabel="current above rheobase (µA/cm²)", ylabel="ms", title="error of the first spike"
        )
        axes[2].loglog(SCALES, slope / slope[0], "o-", color="black", label="gradient", ms=4)
        axes[2].loglog(SCALES, steps / steps[0], "s--", color="0.5", label="steps", ms=4)
        axes[2].set(xlabel="weights times", ylabel="over that at 1", title="saturating network")
        for axis in axes:
            axis.legend(frameon=False, fontsize=7)
        buffer = io.BytesIO()
        figure.savefig(buffer, dpi=110)
        Image.open(buffer).convert("L").quantize(64).save(FIGURE, optimize=True)
