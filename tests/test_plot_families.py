"""Families of sweeps, the command under every trace, instantaneous gates, and nullclines."""

from __future__ import annotations

import numpy as np
import pytest

import pyhodgkin as ph
from pyhodgkin.errors import InputError, PyHodgkinError
from pyhodgkin.plot.families import amplitudes

T = np.linspace(0.0, 40.0, 401)
AXON = ph.library.get("squid_axon")
INTERNEURON = ph.library.get("wang_buzsaki")  # its gate m is instantaneous


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


def solution_of(protocol, size: int | None = None, neuron=AXON, **more) -> ph.Solution:
    v = -65 + 60 * np.sin(T / 5) ** 4
    y = np.stack([v, *(0.5 + 0.4 * np.sin(T / (3 + i)) for i in range(len(neuron.states) - 1))], -1)
    if size is not None:
        y = np.stack([y + 0.01 * i for i in range(size)])
    return ph.Solution(T, y, neuron, protocol, **more)


def steps(size: int, unit: str = "uA/cm2"):
    return ph.CurrentClamp.family(np.arange(size) - 2.0, 10.0, 30.0, 40.0, unit=unit)


def step(a: float = 7.0, stop: float = 30.0, t_end: float = 40.0):
    return ph.CurrentClamp.step(a, start=10.0, stop=stop, t_end=t_end)


def children(ax):
    return ax.child_axes


# -- families ---------------------------------------------------------------------------


def test_few_sweeps_lie_over_each_other_and_are_named_by_amplitude():
    solution = solution_of(steps(4), 4)
    top, bottom = ph.plot.trace(solution).axes
    for line, v in zip(top.lines, solution.v, strict=True):
        assert np.array_equal(line.get_ydata(), v)
    legend = top.get_legend()
    assert legend.get_title().get_text() == "stimulus (µA/cm²)"
    assert [t.get_text() for t in legend.get_texts()] == ["-2", "-1", "0", "1"]
    assert [a.get_color() for a in top.lines] == [b.get_color() for b in bottom.lines]


def test_many_sweeps_are_shifted_by_what_the_axis_says():
    solution = solution_of(steps(8), 8)
    top, _ = ph.plot.trace(solution).axes
    shifts = [float(np.mean(a.get_ydata() - v)) for a, v in zip(top.lines, solution.v, strict=True)]
    gap = shifts[1]
    assert np.allclose(shifts, gap * np.arange(8)) and f"{gap:g} mV higher" in top.get_ylabel()
    assert [t.get_text() for t in top.texts][:2] == ["-2 µA/cm²", "-1 µA/cm²"]
    rows = [line.get_ydata() for line in top.lines]
    assert np.all(np.diff(rows, axis=0) > 0)


def test_an_overlay_of_many_has_a_colour_bar_of_the_command():
    top, _ = ph.plot.trace(solution_of(steps(9), 9), layout="overlay").axes
    (bar,) = children(top)
    assert bar.get_ylabel() == "stimulus (µA/cm²)" and bar.get_ylim() == (-2.0, 6.0)
    clamp = ph.VoltageClamp.family(np.linspace(-80, 40, 13), 5.0, 25.0, 40.0)
    top, _ = ph.plot.trace(solution_of(clamp, 13)).axes
    assert children(top)[0].get_ylabel() == "command (mV)" and len(top.lines) == 13


@pytest.mark.parametrize("size", [2, 3, 8, 13])
def test_panels_have_the_stimulus_under_each_trace(size):
    solution = solution_of(steps(size), size)
    shown = [
        ax for ax in ph.plot.trace(solution, layout="panels").axes if ax.get_visible() and ax.lines
    ]
    assert len(shown) == 2 * size
    traces = [ax for ax in shown if ax.get_title("left")]
    assert [ax.get_title("left") for ax in traces] == [f"{i - 2} µA/cm²" for i in range(size)]
    for ax, v in zip(traces, solution.v, strict=True):
        assert np.array_equal(ax.lines[0].get_ydata(), v)
        assert any(
            other.get_position().y1 < ax.get_position().y0
            and abs(other.get_position().x0 - ax.get_position().x0) < 1e-6
            for other in shown
            if other not in traces
        )


def test_a_layout_that_there_is_not():
    with pytest.raises(PyHodgkinError, match="layout"):
        ph.plot.trace(solution_of(steps(3), 3), layout="ofset")


def test_colours_rise_steadily_in_lightness():
    from matplotlib.colors import to_rgb

    for size in (3, 6, 20):
        top, _ = ph.plot.trace(solution_of(steps(size), size), layout="overlay").axes
        grey = [np.dot(to_rgb(a.get_color()), (0.299, 0.587, 0.114)) for a in top.lines]
        assert np.all(np.diff(grey) > 0) and grey[-1] < 0.75


def test_sweeps_that_differ_in_no_amplitude_are_numbered():
    lengths = [step(7.0, stop, stop + 5.0) for stop in (15.0, 25.0, 35.0)]
    top, bottom = ph.plot.trace(solution_of(lengths, 3)).axes
    assert top.get_legend().get_title().get_text() == "element"
    ends = [line.get_xdata()[-1] for line in bottom.lines]
    assert np.allclose(ends, [20.0, 30.0, 40.0], atol=0.11), "each to its own end"


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_amplitudes(scale):
    on = (T > 10) & (T < 20)
    wanted = scale * np.array([-2.0, 0.0, 3.0, 3.0])
    assert np.allclose(amplitudes(wanted[:, None] * on), wanted)
    ramps = wanted[:, None] * T / T[-1]
    assert np.allclose(amplitudes(ramps), wanted)
    noise = np.random.default_rng(0).normal(0, scale, (5, len(T)))
    assert amplitudes(noise) is None and amplitudes(noise[:1]) is None
    prepulse = np.where(on, wanted[:, None], 0.0) + 9.0 * scale * (T > 25)
    assert np.allclose(amplitudes(prepulse), wanted)


def test_a_failed_solve_is_marked_and_told():
    solution = solution_of(steps(8), 8)
    y = solution.y.copy()
    y[3, 200:] = np.nan
    broken = ph.Solution(T, y, AXON, steps(8), status=np.array([0, 0, 0, 1, 0, 0, 0, 0]))
    for layout in ("overlay", "offset"):
        top = ph.plot.trace(broken, layout=layout).axes[0]
        assert "1 of 8 solves failed" in top.get_title("left") and len(top.collections) == 1
    top = ph.plot.trace(broken[3]).axes[0]
    assert "solve failed at 19.9 ms" in top.get_title("left")
    y[3] = np.nan
    dead = ph.Solution(T, y[3], AXON, steps(8)[3], status=1)
    for draw in (ph.plot.trace, ph.plot.gates, ph.plot.phase_plane):
        draw(dead)


# -- the command under every trace ------------------------------------------------------


@pytest.mark.parametrize("name", ["gates", "currents", "open_probabilities"])
def test_the_stimulus_is_under_gates_and_currents(name):
    draw = getattr(ph.plot, name)
    _, _, bottom = draw(solution_of(step())).axes
    assert bottom.get_ylabel() == "stimulus\n(µA/cm²)" and bottom.get_xlabel() == "time (ms)"
    assert np.max(bottom.lines[0].get_ydata()) == 7.0
    clamp = ph.VoltageClamp.step(0.0, start=10.0, stop=30.0, t_end=40.0)
    lines, command = draw(solution_of(clamp)).axes
    assert command.get_ylabel() == "command\n(mV)" and len(lines.lines) >= 2


def test_two_axes_of_the_user_are_potential_and_gates():
    import matplotlib.pyplot as plt

    figure, pair = plt.subplots(2)
    assert ph.plot.gates(solution_of(step()), axes=pair) is figure
    assert pair[1].get_ylabel() == "gating variable" and len(pair[0].lines) == 1


def test_the_evaluation_names_every_axis_and_has_the_tables_numbers():
    recording = solution_of(step())
    mask = T > 5.0
    traces = [
        ph.Recording(T, step(), v=recording.v + noise, mask=mask, name=name)
        for name, noise in (("a", 0.1), ("b", 2.0))
    ]
    found = ph.evaluate(AXON, traces, backend="torch")
    figure = found.plot()
    table = str(found)
    for ax, row in zip(figure.axes, found.rows(), strict=True):
        assert ax.get_ylabel() == "potential (mV)"
        (strip,) = children(ax)
        assert strip.get_ylabel() == "stimulus\n(µA/cm²)" and len(strip.lines) == 1
        assert f"RMSE {row['rmse']:.4g} mV" in ax.get_title("left")
        assert f"{row['rmse']:.4g}" in table
        assert "not counted" in ax.get_legend_handles_labels()[1]
    assert figure.axes[-1].get_xlabel() == "time (ms)"


def test_the_error_of_a_fit_is_that_of_its_table():
    from pyhodgkin.results.errors import errors

    mask = T > 5.0
    recordings = [ph.Recording(T, step(a), v=-65 + 0 * T, mask=mask) for a in (1.0, 2.0, 3.0)]
    predicted = [r.v + np.where(mask, 1.0, 3.0) * (1 + i) for i, r in enumerate(recordings)]
    wanted = errors(recordings, predicted)
    text = ph.plot.clamp_fit(recordings, predicted).axes[0].get_title("left")
    assert f"mean absolute error {wanted.mae_all.mean():.4g} mV" in text
    assert f"masked {wanted.mae.mean():.4g} mV" in text
    some = ph.plot.clamp_fit(recordings, predicted, most=2).axes
    assert text in some[0].get_title("left") and "2 of 3 drawn" in some[0].get_title("left")
    assert len(some[0].lines) == 2
    highest = [float(np.max(line.get_ydata())) for line in some[0].lines]
    assert highest == [1.0, 3.0]  # not the first two
    predicted[1] = np.full(T.shape, np.nan)
    text = ph.plot.clamp_fit(recordings, predicted).axes[0].get_title("left")
    assert "solve failed for 1 of 3" in text


# -- gates ------------------------------------------------------------------------------


def test_an_instantaneous_gate_has_no_time_constant():
    axes = ph.plot.kinetics(INTERNEURON).axes
    steady, tau = axes[0], axes[1]
    v, x = steady.lines[-1].get_data()
    assert np.allclose(x, INTERNEURON.gate("m").kinetics.x_inf(v))
    assert not tau.lines and "instantaneous" in tau.texts[0].get_text()
    assert tau.get_yscale() == "linear" and all(ax.lines for ax in axes[3::2])


def test_an_instantaneous_gate_over_time_is_its_steady_state():
    solution = solution_of(step(), neuron=INTERNEURON)
    lines = ph.plot.gates(solution).axes[1].lines
    by_name = {line.get_label().replace("\n", " "): line for line in lines}
    assert set(by_name) == {"m (instantaneous)", "h", "n", lines[-1].get_label()}
    wanted = INTERNEURON.gate("m").kinetics.x_inf(solution.v)
    assert np.allclose(by_name["m (instantaneous)"].get_ydata(), wanted)
    ax = ph.plot.phase_plane(solution, "v", "m").axes[0]
    assert ax.get_ylabel() == "gating variable m (instantaneous)"
    assert np.allclose(np.sort(ax.lines[0].get_ydata()), np.sort(wanted))


@pytest.mark.parametrize("name", ["squid_axon", "herg_beattie", "pospischil_lts", "wang_buzsaki"])
def test_time_constants_of_a_figure_are_all_logarithmic_or_none(name):
    axes = ph.plot.kinetics(ph.library.get(name)).axes[1::2]
    scales = {ax.get_yscale() for ax in axes if ax.lines}
    assert len(scales) == 1
    assert scales == {"linear" if name in ("squid_axon", "wang_buzsaki") else "log"}


def test_measured_is_drawn_behind_an_overlay_only():
    recording = ph.Recording(T, step(), v=-65 + 0 * T)
    with pytest.raises(InputError, match="panels"):
        ph.plot.trace(solution_of(steps(3), 3), measured=recording, layout="panels")
