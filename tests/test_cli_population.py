"""``pyhodgkin population`` and ``show`` of its stores."""

from __future__ import annotations

import numpy as np
import pytest
from test_cli import assert_one_line_error, run

import pyhodgkin as ph

pytest.importorskip("zarr", minversion="3")
FAST = ("--rtol", "1e-4", "--backend", "torch", "--seed", "3")
VARY = ("--vary", "na.g=lognormal:0.1", "k.g=uniform:0.2", "l.e=-54.0")


def test_a_population_is_written_shown_and_continued(capsys, tmp_path):
    out = tmp_path / "run.zarr"
    arguments = (
        *("population", "squid_axon", "--n", 60, *VARY, "--correlate", "na.g,k.g=0.4"),
        *("--step", 4, 12, "--t-end", 60, "--out", out, *FAST),
    )
    code, printed, _ = run(capsys, *arguments)
    assert code == 0 and "60 cells of squid_axon" in printed and "first_spike_latency" in printed
    names = sorted(path.name for path in (tmp_path / "run_figures").iterdir())
    assert names == ["distributions.png", "fi_curves.png", "raster.png", "rate.png", "scatter.png"]
    result = ph.PopulationResult.load(out)
    vary = {"na.g": ph.LogNormal(cv=0.1), "k.g": ph.Uniform(spread=0.2), "l.e": -54.0}
    cells = ph.Population(
        ph.library.get("squid_axon"), 60, vary, correlations={("na.g", "k.g"): 0.4}, seed=3
    )
    assert np.array_equal(result.population["na.g"], cells["na.g"])
    assert (result.population["l.e"] == -54.0).all() and result["rate"].shape == (2, 60)
    assert run(capsys, *arguments)[0] == 0  # complete: nothing to do
    code, shown, _ = run(capsys, "show", out)
    assert code == 0 and "raster.png" in shown and "2 protocols" in shown
    (tmp_path / "run_figures" / "raster.png").unlink()
    assert "raster.png" in run(capsys, "show", out, "--redraw")[1]


def test_the_same_command_continues_without_a_seed_too(capsys, tmp_path):
    arguments = ("population", "squid_axon", "--n", 20, *VARY, "--step", 10, "--t-end", 30)
    for _ in range(2):
        how = ("--rtol", "1e-4", "--backend", "torch", "--out", tmp_path / "run.zarr")
        assert run(capsys, *arguments, *how)[0] == 0


def test_cells_from_a_table(capsys, tmp_path):
    (tmp_path / "cells.csv").write_text("cell,na.g,k.g\na,110,33\nb,125,38\n")
    out = tmp_path / "run.zarr"
    code, printed, _ = run(
        capsys, "population", "squid_axon", "--cells", tmp_path / "cells.csv",
        *("--step", 10, "--t-end", 40, "--record", "rate", "v", "--dt", 0.5, "--out", out, *FAST),
    )  # fmt: skip
    assert code == 0 and "2 cells" in printed
    assert ph.PopulationResult.load(out).population.names == ("a", "b")
    assert ph.PopulationResult.load(out)["v"].shape == (2, 81)


WRONG = [
    (("--vary", "na.g=gamma:0.2"), ("--vary", "gamma", "lognormal")),
    (("--vary", "na.g"), ("--vary", "NAME=KIND:SPREAD")),
    (("--vary", "na.g=normal:0.6"), ("na.g", "below 0", "LogNormal")),
    (("--vary", "na.x=normal:0.1"), ("--vary", "na.x")),
    (("--vary", "na.g=normal:much"), ("much", "number")),
    (("--vary", "na.g=1", "na.g=2"), ("--vary", "twice")),
    (("--correlate", "na.g=0.1"), ("--correlate", "A,B=R")),
    (("--correlate", "na.g,k.g=0.1"), ("--correlate", "na.g")),
    (("--record", "spike"), ("--record", "spikes")),
    (("--cells", "none.csv"), ("none.csv", "no such file")),
    (("--dt", "0.1"), ("--dt", "no variable")),
    (("--cluster", "nowhere"), ("cluster", "nowhere")),
]


@pytest.mark.parametrize(("more", "parts"), WRONG)
def test_what_cannot_be_is_one_line_and_leaves_nothing(capsys, tmp_path, monkeypatch, more, parts):
    monkeypatch.setattr("pyhodgkin.cluster.TIMEOUT", 0.5)
    out = tmp_path / "run.zarr"
    arguments = ("population", "squid_axon", "--n", 30, "--step", 10, "--out", out, *FAST)
    if more[0] == "--cells":
        more = ("--cells", tmp_path / more[1])
    assert_one_line_error(run(capsys, *arguments, *more), *parts)
    assert not out.exists() and not list(tmp_path.iterdir())


def test_another_run_in_the_store_is_refused(capsys, tmp_path):
    out = tmp_path / "run.zarr"
    arguments = ("population", "squid_axon", "--n", 30, *VARY, "--t-end", 30, "--out", out, *FAST)
    assert run(capsys, *arguments, "--step", 10)[0] == 0
    assert_one_line_error(
        run(capsys, *arguments, "--step", 11), "--out", "protocols", "--overwrite"
    )
    assert run(capsys, *arguments, "--step", 11, "--overwrite")[0] == 0


def test_without_a_number_of_cells(capsys, tmp_path):
    result = run(capsys, "population", "squid_axon", "--step", 1, "--out", tmp_path / "a.zarr")
    assert_one_line_error(result, "--n")
