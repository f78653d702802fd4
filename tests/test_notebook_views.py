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
