"""`evaluate`: each number against one worked out by hand, and what is asked of its arguments."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from fit_stub import StubBackend, neural, recording, run, squid
from traces import Fixed, T, spiky, trace

import pyhodgkin as ph
from pyhodgkin.errors import (
    InputError,
    RecordingError,
    UnknownNameError,
)
from pyhodgkin.evaluation.scores import Rules, duration_of, relative_l2, spike_numbers

# -- the numbers of one recording -------------------------------------------------------


def test_spike_numbers_by_hand():
    measured, predicted = trace([20.0, 60.0]), spiky([20.5, 80.0], base=-64.0)
    found = spike_numbers(measured, predicted, Rules())
    assert (found["spikes_measured"], found["spikes_predicted"]) == (2, 2)
    assert found["spikes_matched"] == 1
    assert found["spike_error_mean"] == found["spike_error_max"] == pytest.approx(0.5, abs=0.05)
    assert found["subthreshold_rmse"] == pytest.approx(1.0)
    assert found["gamma"] == pytest.approx((1 - 2 * 0.08) / 2 / 0.92, abs=1e-3)


def test_masked_samples_take_no_part():
    keep = T < 50.0
    measured = trace([20.0, 60.0], mask=keep)
    assert duration_of(measured) == pytest.approx(49.9)
    found = spike_numbers(measured, spiky([20.0, 80.0]), Rules())
    assert found["spikes_measured"] == found["spikes_predicted"] == 1 and found["gamma"] == 1.0
    off = np.where(keep, measured.v + 1.0, 1e3)
    row = ph.evaluate(squid(), measured.renamed("a"), backend=Fixed(a=off)).rows()[0]
    assert row["rmse"] == pytest.approx(1.0) and row["mae"] == pytest.approx(1.0)


def test_relative_l2_by_hand():
    assert relative_l2(np.array([3.0, 4.0]), np.array([0.0, 0.0])) == 1.0
    assert math.isnan(relative_l2(np.zeros(2), np.ones(2)))


def test_errors_by_hand():
    off = np.where(np.arange(len(T)) % 2 == 0, 3.0, -1.0)
    measured = trace([], name="a")
    row = ph.evaluate(squid(), measured, backend=Fixed(a=measured.v + off)).rows()[0]
    assert row["mae"] == pytest.approx(2.0)
    assert row["rmse"] == row["subthreshold_rmse"] == pytest.approx(math.sqrt(5.0))
    assert row["relative_l2"] == pytest.approx(math.sqrt(5.0) / 65.0)
    assert row["gamma"] == 1.0 and row["spikes_measured"] == 0
    assert math.isnan(row["spike_error_mean"])


def test_a_failed_solve_shows():
    measured = trace([20.0, 60.0], name="a")
    broken = np.where(T < 50.0, measured.v, np.nan)
    result = ph.evaluate(
        squid(), [measured, trace([], name="b")], backend=Fixed(a=broken, b=spiky([]))
    )
    row = result.rows()[0]
    assert math.isnan(row["rmse"]) and math.isnan(row["subthreshold_rmse"])
    assert (row["spikes_measured"], row["spikes_predicted"]) == (2, 1) and row["gamma"] < 0.7
    mean = result.mean()
    assert math.isnan(mean["rmse"]) and math.isnan(mean["subthreshold_rmse"])
    assert result.to_dict()["rows"][0]["rmse"] is None
    assert "-" in str(result) and result.plot().axes


# -- groups -----------------------------------------------------------------------------


@pytest.fixture
def pair():
    """Two members on two training recordings and a held-out one."""
    a, b, c = trace([20.0], name="a"), trace([], name="b"), trace([20.0, 60.0], name="c")
    engine = Fixed(a=[a.v, a.v + 1.0], b=[b.v, b.v + 3.0], c=[c.v, spiky([20.0])])
    theta = np.stack([squid().theta, squid().theta * 1.01])
    return ph.evaluate(squid(), [a, b], heldout=c, theta=theta, backend=engine), engine


def test_means_by_hand(pair):
    result, engine = pair
    assert engine.modes == [("simulation", 2, ["a", "b", "c"], None)]
    assert result.members == ("squid_axon 1", "squid_axon 2") and len(result) == 3
    assert result.mean("training", 1)["rmse"] == pytest.approx(2.0)
    assert result.mean("training")["rmse"] == pytest.approx(1.0)
    held = result.mean("held out", 1)
    assert held["spike_count_error"] == 1.0 and held["count_right"] == 0.0
    # One of two is matched, by the one predicted spike in 99.9 ms.
    chance = 4.0 / 99.9
    assert held["gamma"] == pytest.approx((1 - 2 * chance) / 1.5 / (1 - chance))
    assert result.mean("held out")["count_right"] == 0.5
    assert result.mean("training")["recordings"] == 2


def test_silence_does_not_raise_the_mean_of_gamma():
    a, b = trace([20.0], name="a"), trace([], name="b")
    result = ph.evaluate(squid(), [a, b], backend=Fixed(a=spiky([70.0]), b=b.v))
    assert result.rows()[1]["gamma"] == 1.0
    assert result.mean()["gamma"] == result.rows()[0]["gamma"] < 0.0


def test_the_table_tells_roles_and_members_apart(pair):
    lines = str(pair[0]).splitlines()
    assert [line.split("  ")[0] for line in lines if line.startswith("--")] == [
        "-- training",
        "-- held out",
    ]
    assert any(line.startswith("mean of 2") for line in lines)
    assert sum("squid_axon 2" in line for line in lines) == 2
    assert repr(pair[0]).endswith("2 training and 1 held out recordings)")


def test_to_dict_is_json(pair):
    data = json.loads(json.dumps(pair[0].to_dict(), allow_nan=False))
    assert len(data["rows"]) == 6 and len(data["means"]) == 4
    assert data["rules"]["gamma_window"] == 2.0


def test_the_figure_has_a_column_for_each_role(pair):
    figure = pair[0].plot()
    shown = [ax for ax in figure.axes if ax.get_visible()]
    assert len(shown) == 3
    titles = " ".join(ax.get_title(loc="left") for ax in shown)
    for part in ("training: a", "held out: c", "RMSE", "Γ"):
        assert part in titles
    assert len(pair[0].plot(most=1).axes) == 2
    with pytest.raises(InputError, match="most = 0"):
        pair[0].plot(most=0)


def test_asking_for_what_is_not_there(pair):
    with pytest.raises(UnknownNameError, match="role"):
        pair[0].mean("test")
    with pytest.raises(UnknownNameError, match="member"):
        pair[0].mean(member="other")
    with pytest.raises(InputError, match="member = 2"):
        pair[0].mean(member=2)
    with pytest.raises(InputError, match="no scores"):
        pair[0].mean(unit="nA")


def test_recordings_of_both_clamps():
    current = np.sin(T)
    clamp = ph.VoltageClamp.step(0.0, 10.0, 60.0, 100.0)
    other = ph.Recording(T, clamp, current=current, current_unit="uA/cm2", name="i")
    seen = trace([20.0], name="a")
    engine = Fixed(a=seen.v, i=current + 0.5)
    result = ph.evaluate(squid(), [seen, other], backend=engine)
    assert [mode for mode, *_ in engine.modes] == ["simulation", "clamped"]
    row = result.rows()[1]
    assert row["unit"] == "uA/cm2" and row["rmse"] == pytest.approx(0.5)
    assert row["spikes_measured"] is None and math.isnan(row["gamma"])
    with pytest.raises(InputError, match="give unit="):
        result.mean()
    assert result.mean(unit="uA/cm2")["mae"] == pytest.approx(0.5)
    assert "uA/cm2" in str(result) and len(result.plot().axes) == 2


# -- who is judged ----------------------------------------------------------------------


class Judge(StubBackend):
    """The stub takes its unit from the neuron: here always from the one that was trained."""

    def _u(self, neuron, recording, theta, y0):
        return super()._u(neural(), recording, theta, y0)


def test_a_fit_is_judged_as_it_judged_itself():
    seen, unseen = recording(0, "seen"), recording(1, "unseen")
    fitted = run(neural(), seen, heldout=unseen, seeds=2, fit_initial=True)
    result = ph.evaluate(fitted, seen, heldout=unseen, backend=Judge())
    assert result.mean("training")["rmse"] == pytest.approx(
        float(fitted.train_error.rmse[fitted.best, 0])
    )
    assert fitted.heldout_error is not None
    assert result.mean("held out")["mae"] == pytest.approx(
        float(fitted.heldout_error.mae[fitted.best, 0])
    )
    every = ph.evaluate(fitted, seen, starts="all", backend=Judge())
    assert every.members == ("squid_axon seed 0", "squid_axon seed 1")
    assert every.mean(member=1)["rmse"] == pytest.approx(float(fitted.train_error.rmse[1, 0]))
    with pytest.raises(RecordingError, match='"seen" was trained on'):
        ph.evaluate(fitted, unseen, heldout=seen, backend=Judge())


def test_members_of_other_structures_are_solved_apart():
    one = trace([20.0], name="a")
    engine = Fixed(a=one.v)
    result = ph.evaluate([squid(), neural()], one, backend=engine)
    assert len(result.members) == 2 and [k for _, k, *_ in engine.modes] == [1, 1]
    many = Fixed(a=[one.v] * 3)
    assert len(ph.evaluate([squid()] * 3, one, backend=many).members) == 3
    assert [k for _, k, *_ in many.modes] == [3]


def test_only_heldout_recordings():
    one = trace([20.0], name="a")
    result = ph.evaluate(squid(), (), heldout=[one], backend=Fixed(a=one.v))
    assert result.groups == (("held out", "mV"),)


def test_the_torch_engine_says_what_simulate_says():
    cell = squid()
    clamps = [ph.CurrentClamp.step(a, 2.0, 25.0, 30.0) for a in (8.0, 12.0)]
    solved = ph.simulate(cell, clamps, saveat=0.1, backend="torch")
    sweeps = [ph.Recording.from_solution(s, name=f"s{i}") for i, s in enumerate(solved)]
    result = ph.evaluate(cell, sweeps, heldout=0.5, backend="torch")
    for role in ("training", "held out"):
        mean = result.mean(role)
        assert mean["rmse"] < 0.05 and mean["spike_error_max"] < 0.01
        assert mean["gamma"] == pytest.approx(1.0) and mean["count_right"] == 1.0


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ({"gamma_window": 0.0}, "gamma_window = 0.0 ms"),
        ({"threshold": np.nan}, "threshold"),
        ({"dead_time": -1.0}, "dead_time"),
        ({"around_spikes": (1.0,)}, "around_spikes"),
        ({"starts": "bst"}, 'did you mean "best"'),
        ({"theta": np.zeros(3)}, "theta has shape"),
        ({"fitted": []}, "fitted is empty"),
        ({"fitted": [3]}, "fitted holds a int"),
        ({"fitted": 3}, "fitted is a int"),
        ({"fitted": [squid()], "theta": squid().theta}, "single Neuron"),
        ({"recordings": ()}, "recordings is empty"),
        ({"recordings": "cell.csv"}, "pyhodgkin.read"),
        ({"heldout": trace([20.0])}, "also trained on"),
        ({"rtl": 1e-3}, 'did you mean "rtol"'),
    ],
)
def test_bad_input(given, part):
    given = {"fitted": squid(), "recordings": trace([20.0]), "backend": Fixed(), **given}
    with pytest.raises(InputError, match=part.replace("(", r"\(")):
        ph.evaluate(given.pop("fitted"), given.pop("recordings"), **given)


def test_of_a_neuron_that_was_not_trained_no_recording_is_of_training():
    cell = squid()
    trace = [recording(i, f"sweep {i}") for i in range(3)]
    judged = ph.evaluate(cell, trace, backend="torch")
    assert {row["role"] for row in judged.rows()} == {"recordings"}
    for text in (str(judged), repr(judged)):
        assert "training" not in text and "recordings" in text
    assert "recordings" in judged.plot().axes[0].get_title(loc="left")
    held = ph.evaluate(cell, trace[:2], heldout=trace[2], backend="torch")
    assert [row["role"] for row in held.rows()] == ["recordings", "recordings", "held out"]
    assert repr(held).endswith("2 recordings and 1 held out)") and "training" not in str(held)
    assert held.mean("training") == held.mean("recordings")  # those that are not held out
