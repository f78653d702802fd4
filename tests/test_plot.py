"""Every figure is drawn, labels its axes with units, and shows what it was given."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import numpy as np
import pytest

import pyhodgkin as ph
from pyhodgkin.errors import InputError, PyHodgkinError
from pyhodgkin.neuron.rates import Exponential, Linoid, Sigmoid
from pyhodgkin.storage.atomic import atomic_write

T = np.linspace(0.0, 40.0, 401)
STEP = ph.CurrentClamp.step(7.0, start=10.0, stop=30.0, t_end=40.0)


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


@pytest.fixture
def axon() -> ph.Neuron:
    n = ph.RateKinetics(Linoid(0.01, -55, 10), Exponential(0.125, -65, -80))
    m = ph.RateKinetics(Linoid(0.1, -40, 10), Exponential(4, -65, -18))
    h = ph.RateKinetics(Exponential(0.07, -65, -20), Sigmoid(1, -35, 10))
    k = ph.Channel("k", 36, -77, (ph.Gate("n", n, power=4),))
    na = ph.Channel("na", 120, 50, (ph.Gate("m", m, power=3), ph.Gate("h", h)))
    return ph.Neuron("axon", (k, na, ph.Channel("l", 0.3, -54.3)), current_unit="uA/cm2")


@pytest.fixture
def learned(axon) -> ph.Neuron:
    network = ph.Network.create((1, 8, 2), seed=1)
    return axon.replace_gate("n", ph.NeuralKinetics("steady_state", network))


def solution_of(neuron, protocol=STEP, batch: int | None = None) -> ph.Solution:
    v = -65 + 60 * np.sin(T / 5) ** 4
    y = np.stack([v, *(0.5 + 0.4 * np.sin(T / (3 + i)) for i in range(3))], axis=-1)
    if batch is not None:
        y = np.stack([y + 0.01 * i for i in range(batch)])
    return ph.Solution(T, y, neuron, protocol)


def labels(figure) -> str:
    axes = figure.axes
    texts = [f"{ax.get_xlabel()} {ax.get_ylabel()} {ax.get_title('left')}" for ax in axes]
    entries = [t.get_text() for ax in axes if ax.get_legend() for t in ax.get_legend().get_texts()]
    return " | ".join([*texts, *entries])


def test_trace_shows_potential_over_stimulus(axon):
    solution = solution_of(axon)
    figure = ph.plot.trace(solution)
    assert np.array_equal(figure.axes[0].lines[0].get_ydata(), solution.v)
    for text in ("potential (mV)", "stimulus", "(µA/cm²)", "time (ms)"):
        assert text in labels(figure)
    assert solution.plot().axes


def test_the_edges_of_a_step_are_drawn_upright(axon):
    line = ph.plot.trace(solution_of(axon)).axes[1].lines[0]
    x, y = line.get_xdata(), line.get_ydata()
    jumps = np.flatnonzero(np.abs(np.diff(y)) > 1)
    assert np.allclose(x[jumps], [10.0, 30.0]) and np.all(np.diff(x)[jumps] < 1e-9)


@pytest.mark.parametrize("size", [1, 4, 30])
def test_every_element_of_a_batch_is_a_line(axon, size):
    protocols = ph.CurrentClamp.family(np.arange(size) + 1.0, 10.0, 30.0, 40.0)
    top, bottom = ph.plot.trace(solution_of(axon, protocols, batch=size)).axes
    assert len(top.lines) == len(bottom.lines) == size


def test_trace_under_voltage_clamp_shows_the_current(axon):
    protocol = ph.VoltageClamp.step(0.0, start=10.0, stop=30.0, t_end=40.0)
    text = labels(ph.plot.trace(solution_of(axon, protocol)))
    assert "ionic current (µA/cm²)" in text and "command" in text and "(mV)" in text
    with pytest.raises(InputError, match="drawn in nA, but those of the solution are in µA/cm²"):
        ph.plot.currents(solution_of(axon, protocol), current_unit="nA")
    unstated = solution_of(dataclasses.replace(axon, current_unit=None), protocol)
    assert "current (unit not stated)" in labels(ph.plot.currents(unstated))
    assert "current (nA)" in labels(ph.plot.currents(unstated, current_unit="nA"))


def test_trace_over_what_was_measured(axon):
    solution = solution_of(axon)
    recording = ph.Recording(T, STEP, v=solution.v + 1.0)
    text = labels(ph.plot.trace(solution, measured=recording))
    assert "measured" in text and "model" in text


def test_gates_open_probabilities_and_currents_name_their_lines(axon):
    solution = solution_of(axon)
    assert {"n", "m", "h"} <= set(labels(ph.plot.gates(solution)).split(" | "))
    text = labels(ph.plot.open_probabilities(solution))
    assert "n⁴ (k)" in text and "m³h (na)" in text
    text = labels(ph.plot.currents(solution))
    assert "current (µA/cm²)" in text and text.endswith("k | na | l")


def test_figures_of_one_cell_ask_for_an_element_of_a_batch(axon):
    solution = solution_of(axon, batch=3)
    for draw in (ph.plot.gates, ph.plot.currents, ph.plot.phase_plane):
        with pytest.raises(InputError, match=r"one cell of the 3: give solution\[i\]"):
            draw(solution)
    ph.plot.gates(solution[1])


def test_phase_plane_draws_the_nullcline_of_the_gate(axon):
    figure = ph.plot.phase_plane(solution_of(axon), "v", "n")
    text = labels(figure)
    assert "potential (mV)" in text and "gating variable n" in text and "dn/dt = 0" in text
    with pytest.raises(PyHodgkinError, match="unknown gate"):
        ph.plot.phase_plane(solution_of(axon), "v", "z")


def test_kinetics_draws_learned_over_published(axon, learned):
    figure = ph.plot.kinetics(learned, published=axon, v_seen=[-75.0, 20.0])
    assert len(figure.axes) == 2, "only the gate that was learned"
    text = labels(figure)
    for entry in ("n: steady state", "time constant (ms)", "learned", "published", "seen in train"):
        assert entry in text
    band = figure.axes[0].patches[0].get_extents().transformed(figure.axes[0].transData.inverted())
    assert band.x0 == pytest.approx(-75.0) and band.x1 == pytest.approx(20.0)
    known = figure.axes[0].lines[1]
    seen = np.isfinite(known.get_ydata())
    v = known.get_xdata()
    assert v[seen].min() >= -75.0 and v[seen].max() <= 20.0
    assert np.allclose(known.get_ydata()[seen], learned.gate("n").kinetics.x_inf(v[seen]))


def test_kinetics_of_all_gates_and_of_several_neurons(axon, learned):
    assert len(ph.plot.kinetics(axon).axes) == 6
    assert ph.plot.kinetics(axon).axes[0].get_ylabel() == "n: steady state"
    long = dataclasses.replace(axon.channel("k").gates[0], name="n_of_the_squid")
    neuron = axon.with_channel(dataclasses.replace(axon.channel("k"), name="k2", gates=(long,)))
    labels = [ax.get_ylabel() for ax in ph.plot.kinetics(neuron, gates=[long.name]).axes]
    assert labels == [f"{long.name}:\n{x}" for x in ("steady state", "time constant (ms)")]
    assert len(ph.plot.kinetics([learned, learned], gates=["n"]).axes[0].lines) == 4
    with pytest.raises(PyHodgkinError, match="unknown gate"):
        ph.plot.kinetics(axon, gates=["q"])


def test_the_time_constant_is_that_at_the_temperature_of_the_neuron(axon):
    from dataclasses import replace

    gate = replace(axon.gate("n"), q10=3.0, t_ref=6.3)
    warm = ph.Neuron("warm", (ph.Channel("k", 36, -77, (gate,)),), temperature=16.3)
    line = ph.plot.kinetics(warm).axes[1].lines[0]
    assert np.allclose(3 * line.get_ydata(), axon.gate("n").kinetics.tau(line.get_xdata()))


def test_loss_history_marks_stages_and_the_best(axon):
    history = {
        "step": np.arange(6),
        "loss": [5, 3, 2, 1, np.inf, 0.5],
        "heldout": [6, np.nan, 3, np.nan, 2, 2.5],
        "stage": ["adam"] * 3 + ["lbfgs"] * 3,
    }
    figure = ph.plot.loss_history(history, ylabel="mean absolute error (nA)")
    ax = figure.axes[0]
    assert ax.get_yscale() == "log" and "best" in labels(figure)
    assert [t.get_text().strip() for t in ax.texts] == ["adam", "lbfgs"]
    with pytest.raises(InputError, match="loss"):
        ph.plot.loss_history({})


def test_loss_history_of_several_starts_draws_the_best_strongly():
    loss = np.array([[3.0, 3.0, 3.0], [2.0, 0.5, 1.0], [1.5, 0.4, np.inf]])
    lines = ph.plot.loss_history({"loss": loss}).axes[0].lines
    assert len(lines) == 3
    strong = max(lines, key=lambda line: line.get_linewidth())
    assert np.allclose(strong.get_ydata(), loss[:, 1])


@pytest.mark.parametrize("sweeps", [1, 7])
def test_clamp_fit_scale_is_not_set_by_capacitive_spikes(sweeps):
    t = np.arange(8000) * 0.1
    protocol = ph.VoltageClamp.step(20.0, start=100.0, stop=600.0, t_end=800.0)
    current = np.where((t > 100) & (t < 600), 0.5, 0.0)
    spiky = np.where(np.abs(t - 100) < 0.15, 40.0, current)
    recordings = [ph.Recording(t, protocol, current=spiky, current_unit="nA")] * sweeps
    predicted = [current + 0.01] * sweeps
    given = (recordings[0], predicted[0]) if sweeps == 1 else (recordings, predicted)
    figure = ph.plot.clamp_fit(*given)
    assert figure.axes[1].get_ylim()[1] < 1.0
    assert "current (nA)" in labels(figure)
    with pytest.raises(InputError, match="predicted"):
        ph.plot.clamp_fit(recordings, [p[:-1] for p in predicted])


def test_own_axes_are_drawn_into_and_counted(axon):
    import matplotlib.pyplot as plt

    figure, pair = plt.subplots(2)
    assert ph.plot.trace(solution_of(axon), axes=pair) is figure
    with pytest.raises(InputError, match="axes: 1 given, this figure draws into 2"):
        ph.plot.trace(solution_of(axon), axes=[pair[0]])


def test_the_users_settings_stay(axon):
    import matplotlib

    before = dict(matplotlib.rcParams)
    ph.plot.trace(solution_of(axon))
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("ending", ["png", "pdf", "svg"])
def test_save_writes_a_whole_file(axon, tmp_path, ending):
    path = ph.plot.save(ph.plot.trace(solution_of(axon)), tmp_path / "new" / f"trace.{ending}")
    assert path.stat().st_size > 1000
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "figure.png"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic_write(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_importing_plot_does_not_import_matplotlib():
    code = "import sys, pyhodgkin.plot; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
