"""Features of eFEL in an evaluation; those that need eFEL are skipped without it."""

from __future__ import annotations

import math
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from fit_stub import squid
from traces import Fixed, T, spiky, trace

import pyhodgkin as ph
from pyhodgkin.errors import BackendUnavailableError, UnknownNameError
from pyhodgkin.evaluation import features


def test_features_without_efel_name_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "efel", None)
    with pytest.raises(BackendUnavailableError, match=r"pyhodgkin\[features\]"):
        ph.evaluate(squid(), trace([20.0]), features="AP_amplitude", backend=Fixed())


def test_features_by_hand(monkeypatch):
    """What is done with eFEL's answers, without eFEL."""
    settings = SimpleNamespace(Threshold=-20.0)

    def answers(traces, names, raise_warnings):
        assert settings.Threshold == 0.0 and traces[0]["stim_start"] == [10.0]
        return [
            {"peak": np.array([x["V"].max(), x["V"].max() + 2.0]), "none": None} for x in traces
        ]

    fake = SimpleNamespace(
        get_settings=lambda: settings,
        set_setting=lambda name, value: setattr(settings, name, value),
        get_feature_names=lambda: ["peak", "none"],
        get_feature_values=answers,
    )
    monkeypatch.setitem(sys.modules, "efel", fake)
    step = ph.CurrentClamp.step(5.0, 10.0, 60.0, 100.0)
    seen = ph.Recording(T, step, v=spiky([20.0]), name="a")
    result = ph.evaluate(squid(), seen, features=["peak", "none"], backend=Fixed(a=seen.v - 3.0))
    row = result.rows()[0]
    assert row["peak_error"] == pytest.approx(-3.0) and math.isnan(row["none_error"])
    assert result.mean()["peak_error"] == pytest.approx(3.0) and "peak_error" in str(result)
    measured, predicted = result.to_dict()["features"][0]["peak"]
    assert predicted - measured == pytest.approx(-3.0)
    assert settings.Threshold == -20.0
    with pytest.raises(UnknownNameError, match='did you mean "peak"'):
        ph.evaluate(squid(), seen, features="peek", backend=Fixed(a=seen.v))
    broken = features.values(seen, [seen.v, seen.v * np.nan], ["peak"], 0.0)
    assert broken[0]["peak"] > 0 and math.isnan(broken[1]["peak"])


def test_features_of_efel():
    pytest.importorskip("efel", reason="eFEL is not installed: pip install pyhodgkin[features]")
    step = ph.CurrentClamp.step(5.0, 10.0, 80.0, 100.0)
    seen = ph.Recording(T, step, v=spiky([20.0, 60.0]), name="a")
    later = spiky([25.0, 60.0], base=-64.0)
    row = ph.evaluate(squid(), seen, features="default", backend=Fixed(a=later)).rows()[0]
    assert row["voltage_base_error"] == pytest.approx(1.0, abs=1e-6)
    assert row["time_to_first_spike_error"] == pytest.approx(5.0, abs=0.05)
