"""In a notebook: figures are shown once, matplotlib stays as it is, objects have short views."""

from __future__ import annotations

import os

import pytest

import pyhodgkin as ph

DRAW = "import pyhodgkin as ph; solution = ph.simulate(ph.library.get('squid_axon'), " \
       "ph.CurrentClamp.step(7.0, 1.0, 8.0, 10.0), backend='torch')"  # fmt: skip
STATE = "import matplotlib; print(matplotlib.get_backend(), matplotlib.is_interactive())"


def cells_run(*cells: str) -> list[list]:
    """The outputs of each cell, in a fresh kernel."""
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    environment = {k: v for k, v in os.environ.items() if k != "MPLBACKEND"}
    nbclient.NotebookClient(notebook, timeout=240, kernel_name="python3").execute(env=environment)
    return [cell.outputs for cell in notebook.cells]


def pictures(outputs: list) -> int:
    return sum("image/png" in output.get("data", {}) for output in outputs)


@pytest.fixture(scope="module")
def plain():
    """Without a word on matplotlib before."""
    return cells_run(
        DRAW,
        "solution.plot()",
        "figure = solution.plot(); 1",
        "figure",
        "for _ in range(2): ph.plot.gates(solution)",
        "ph.plot.save(solution.plot(), 'x.png'); import os; os.remove('x.png')",
        "import sys; print('matplotlib.pyplot' in sys.modules)",
        "import matplotlib.pyplot as plt; plt.plot([1, 2]);",
        STATE,
        "solution.plot()",
        STATE,
    )


@pytest.fixture(scope="module", params=["%matplotlib inline", "import matplotlib.pyplot as plt"])
def inline(request):
    """With matplotlib set up first, by hand or by importing pyplot."""
    return cells_run(
        request.param + "\n" + DRAW,
        STATE,
        "solution.plot()",
        "solution.plot();",
        "figure = solution.plot(); figure",
        STATE,
        "import matplotlib.pyplot as plt; axes = plt.subplots(2)[1]\nsolution.plot(axes=axes);",
        "%config InlineBackend.figure_formats = ['svg']\nsolution.plot()",
    )


def test_a_figure_is_shown_once_without_pyplot(plain):
    assert [pictures(outputs) for outputs in plain[:6]] == [0, 1, 1, 1, 2, 0]
    assert plain[6][0].text == "False\n"


def test_pyplot_works_as_ever_after_it(plain):
    assert pictures(plain[7]) == 1 and pictures(plain[9]) == 1
    assert plain[8][0].text == plain[10][0].text and plain[8][0].text.endswith("True\n")


def test_a_figure_is_shown_once_inline(inline):
    assert [pictures(inline[i]) for i in (2, 3, 4, 6)] == [1, 1, 1, 1]
    (svg,) = [o for o in inline[7] if o.get("data")]
    assert "image/svg+xml" in svg.data


def test_the_first_plot_leaves_matplotlib_as_it_is(inline):
    assert inline[1][0].text == inline[5][0].text
    assert "inline" in inline[1][0].text


def test_outside_a_notebook_pyplot_knows_the_figures(monkeypatch):
    import matplotlib
    import matplotlib.pyplot as plt

    protocol = ph.CurrentClamp.step(7.0, 1.0, 8.0, 10.0)
    solution = ph.simulate(ph.library.get("squid_axon"), protocol, backend="torch")
    with matplotlib.rc_context({"interactive": True}):
        before = matplotlib.get_backend()
        figure = solution.plot()
        assert figure.number in plt.get_fignums() and matplotlib.is_interactive()
        assert matplotlib.get_backend() == before
    plt.close("all")
    with ph.plot.style.for_files():
        solution.plot()
    assert plt.get_fignums() == []


# -- what a notebook shows of an object ----------------------------------------------------


def seen(html: str) -> str:
    """The text of a view, once it is known to be well formed."""
    import xml.etree.ElementTree

    return " | ".join(xml.etree.ElementTree.fromstring(html).itertext())


def one_line(thing) -> str:
    text = repr(thing)
    assert "\n" not in text and len(text) < 200, text
    return text


def test_the_view_of_a_neuron():
    cell = ph.library.get("squid_axon")
    text = seen(cell._repr_html_())
    for part in ("squid_axon", "g (mS/cm²)", "120", "e (mV)", "n^4", "c_m = 1 µF/cm²", "6.3 °C"):
        assert part in text
    assert "squid_axon" in one_line(cell)
    herg = seen(ph.library.get("herg_beattie")._repr_html_())
    assert "g (µS)" in herg and "currents in nA" in herg
    network = ph.NeuralKinetics("steady_state", ph.Network.create((1, 4, 2)))
    assert "neural, steady_state" in seen(cell.replace_gate("n", network)._repr_html_())


@pytest.mark.parametrize("name", ph.library.names())
def test_every_neuron_has_a_view(name):
    assert name in seen(ph.library.get(name)._repr_html_())


def test_the_view_of_a_network_in_place_of_the_equations():
    black_box = ph.NeuralRightHandSide(ph.Network.create((5, 8, 4)))
    assert "one network" in seen(ph.Neuron("box", right_hand_side=black_box)._repr_html_())


def test_views_are_escaped():
    cell = ph.Neuron("<script>&", (ph.leak(0.1, -70.0),), note='"<b>"')
    html = cell._repr_html_()
    assert "<script>" not in html and "<b>&quot;" not in html and "<script>&" in seen(html)


def test_the_views_of_solutions_and_recordings():
    protocols = ph.CurrentClamp.family([5.0, 7.0], start=1.0, stop=8.0, t_end=10.0)
    batch = ph.simulate(ph.library.get("squid_axon"), protocols, saveat=0.1, backend="torch")
    text = seen(batch._repr_html_())
    for part in ("element", "spikes", "command (µA/cm²)", "0 to 7", "v max (mV)", "success"):
        assert part in text
    assert "element" not in seen(batch[0]._repr_html_())
    one_line(batch)
    sweeps = ph.RecordingSet(
        ph.Recording.from_solution(s, name=f"<{i}>") for i, s in enumerate(batch)
    )
    text = seen(sweeps._repr_html_())
    for part in ("2 recordings", "<0>", "<1>", "mV", "µA/cm²", "samples", "to (ms)"):
        assert part in text
    one_line(sweeps[0])
    assert "current" in seen(sweeps[0]._repr_html_())
    clamped = ph.simulate(ph.library.get("squid_axon"), ph.VoltageClamp.step(0.0, 1.0, 8.0, 10.0),
                          saveat=0.1, backend="torch")  # fmt: skip
    text = seen(clamped._repr_html_())
    assert "current max (µA/cm²)" in text and "spikes" not in text


def test_a_long_set_is_cut():
    from pyhodgkin.html import view

    text = seen(view("many", [{"i": i} for i in range(50)]))
    assert "and 30 more" in text and "49" not in text


def test_the_views_of_a_fit_and_an_evaluation():
    from fit_stub import recording, run

    result = run(seeds=2, heldout=recording(3, "<held>"))
    text = seen(result._repr_html_())
    for part in ("finished", "RMSE", "mV", "training", "<held>", "best of 2 starts"):
        assert part in text
    assert "2 starts" in one_line(result) and "RMSE" in repr(result)
    judged = ph.evaluate(ph.library.get("squid_axon"), recording(0, "a&b"), backend="torch")
    text = seen(judged._repr_html_())
    for part in ("a&b", "recordings", "RMSE", "mV", "spikes", "Γ"):
        assert part in text
    one_line(judged)
