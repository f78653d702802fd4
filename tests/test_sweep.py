"""A function for each of many settings: order, failing rows, Ctrl-C, workers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import pyhodgkin as ph
from pyhodgkin._sweep import _at_worker, _received, _sent
from pyhodgkin.errors import InputError

BOTH = {"width": [8, 16], "seed": range(3)}


def product(width, seed=0):
    if (width, seed) == (16, 1):
        raise ValueError("this one\n  fails")
    return {"error": width * 0.5, "seed": seed, "rate": np.float64(width + seed)}


def crash(x):
    if x == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    if x == 2:
        return threading.Lock()
    if x == 3:
        raise InputError("no such x")
    return np.full(3, x)


class Unreadable:
    def __reduce__(self):
        return json.loads, ("",)


def test_rows_stand_in_the_order_of_the_settings():
    result = ph.sweep(product, BOTH)
    expected = [{"width": w, "seed": s} for w in (8, 16) for s in range(3)]
    assert result.settings == expected and len(result) == 6 and not result.success
    assert result[5].value == {"error": 8.0, "seed": 2, "rate": 18.0}
    assert [bool(error) for error in result.errors] == [i == 4 for i in range(6)]
    failed = result.failed
    assert len(failed) == 1 and failed[0].setting == {"width": 16, "seed": 1}
    assert failed[0].error == "ValueError: this one fails" and failed[0].value is None
    assert "in product" in failed[0].traceback and result.remaining == []
    assert "6 settings, 1 failed" in repr(result) and "<table>" in result._repr_html_()
    assert result[:2].success and result[:2].values == result.values[:2]


def test_a_list_of_settings_may_name_different_arguments():
    result = ph.sweep(product, [{"width": 3}, {"width": 2, "seed": 5}])
    assert [value["rate"] for value in result.values] == [3.0, 7.0]
    assert result.to_pandas()["seed"].isna().tolist() == [True, False]


def test_a_printed_table_is_short():
    text = repr(ph.sweep(lambda x: "word " * 99, {"x": range(30)})).splitlines()
    assert len(text) == 23 and text[-1] == "and 10 more" and max(map(len, text)) < 60
    assert text[1].split() == ["x", "value"] and text[-2].startswith("19")


def test_a_table():
    table = ph.sweep(product, BOTH).to_pandas()
    names = ["width", "seed", "value.error", "value.seed", "rate", "error"]
    assert table.columns.tolist() == names and table["rate"].dtype == "float64"
    assert table["width"].tolist() == [8, 8, 8, 16, 16, 16] and np.isnan(table["rate"][4])
    arrays = ph.sweep(np.arange, [{"stop": 2}, {"stop": 3}]).to_pandas()
    assert arrays["value"][1].tolist() == [0, 1, 2] and arrays["error"].tolist() == ["", ""]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"width": 8}, r"width = 8 is one value; give a list: \[8\]"),
        ({"width": "abc"}, "is one value"),
        ({"width": np.array(3.0)}, "is one value"),
        ({"width": []}, "width has no values"),
        ({"width": {1, 2}}, "has no order"),
        ({}, "there is none"),
        ([], "there is none"),
        ([{"width": 1}, 5], r"settings\[1\] is a int"),
        (7, "settings is a int"),
        ("width", "settings is a str"),
        ({"width": [1], "depth": [2]}, "unexpected keyword argument 'depth'.*product"),
        ({"seed": [1]}, "missing a required argument: 'width'"),
        ([{"width": 1}, {3: 1}], r"settings\[1\]: 3 is no name"),
    ],
)
def test_settings_are_checked_before_anything_is_computed(settings, message):
    with pytest.raises(InputError, match=message):
        ph.sweep(product, settings)


def test_what_cannot_be_sent_is_said_before_anything_is_computed():
    pytest.importorskip("distributed")
    lock = threading.Lock()
    with pytest.raises(InputError, match=r"function cannot be sent.*define the function in a mod"):
        ph.sweep(lambda x: lock, {"x": [1]}, workers=1)
    with pytest.raises(InputError, match=r"settings\[1\].*cannot be sent"):
        ph.sweep(crash, {"x": [1, lock]}, workers=1)
    with pytest.raises(InputError, match="function is a int"):
        ph.sweep(3, {"x": [1]})
    with pytest.raises(InputError, match="workers = 0"):
        ph.sweep(crash, {"x": [1]}, workers=0)


def test_what_a_worker_cannot_load_is_an_error_of_its_row():
    pytest.importorskip("distributed")
    sent = [_sent("function", crash), _sent("setting", {"x": 4})]
    assert _received(_at_worker(*sent))[0].tolist() == [4, 4, 4]
    assert "install the module there" in _at_worker(b"no pickle", sent[1])[1]
    assert "cannot be read here" in _received(_sent("value", Unreadable()))[1]


def test_one_bad_row_on_workers_loses_no_other(client):
    """Also one that ends its worker each time."""
    client.wait_for_workers(2, timeout=60)
    result = ph.sweep(crash, {"x": range(6)}, cluster=client)
    assert [row.setting["x"] for row in result] == list(range(6))
    assert [bool(error) for error in result.errors] == [i in (1, 2, 3) for i in range(6)]
    assert "died each time" in result[1].error
    assert "cannot be sent back" in result[2].error
    assert result[3].error == "InputError: no such x" and "in crash" in result[3].traceback
    assert [result.values[i].tolist() for i in (0, 4, 5)] == [[i] * 3 for i in (0, 4, 5)]


SCRIPT = """
import os, signal, sys
import pyhodgkin as ph

def plain(x):
    if x == 2:
        os.kill(os.getpid(), signal.SIGINT)
    return x

def inside(x):  # a fit takes Ctrl-C for itself, and returns what it has
    from pyhodgkin.fitting.run.interrupts import Interrupts
    with Interrupts():
        return plain(x)

for function in (plain, inside):
    result = ph.sweep(function, {"x": range(5)})
    print(result.values, [x["x"] for x in result.remaining], [r.computed for r in result])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_ctrl_c_keeps_what_is_finished(tmp_path):
    (tmp_path / "interrupted.py").write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, tmp_path / "interrupted.py"],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(Path(ph.__file__).parents[1])},
    )
    line = "[0, 1, None, None, None] [2, 3, 4] [True, True, False, False, False]"
    assert done.stdout.splitlines() == [line, line], done.stderr


def test_an_interrupted_sweep_goes_on():
    calls = []

    def stopped(x):
        calls.append(x)
        if x == 1 and len(calls) == 2:
            raise KeyboardInterrupt
        return x

    first = ph.sweep(stopped, {"x": range(3)})
    assert first.values == [0, None, None] and len(first.failed) == 0
    assert "not computed" in first.errors[1] and "2 not computed" in repr(first)
    assert ph.sweep(stopped, first.remaining).values == [1, 2] and calls == [0, 1, 1, 2]
