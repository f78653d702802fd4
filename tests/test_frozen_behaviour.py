"""The tool that records what the package computes, and compares records."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS",
                 "PYTHON_JULIACALL_THREADS"):  # fmt: skip
        monkeypatch.setenv(name, "1")  # as the tool sets them; put back after the test
    import torch

    threads = torch.get_num_threads()
    import frozen_behaviour

    yield frozen_behaviour
    torch.set_num_threads(threads)
    for name in [n for n in sys.modules if n.split(".")[0] in ("frozen", "frozen_behaviour")]:
        del sys.modules[name]


# A fit and a solve, a refusal, text with numbers, and a document.
FEW = "fit/numbers/clamped/lbfgs|batch/ends|batch/bad_start|schedule/both_noisy|document/all_parts"


def test_a_record_equals_that_of_a_second_run(tool, tmp_path, capsys):
    first = str(tmp_path / "first.npz")
    assert tool.main(["--only", FEW, "--out", first, "--quiet"]) == 0
    assert tool.main(["--only", FEW, "--compare", first, "--quiet"]) == 0
    table = capsys.readouterr().out.splitlines()
    assert table[-1] == "5 compared: 5 equal"
    assert all(line.endswith(" equal") for line in table[1:-1]) and len(table) == 7


def test_what_differs_is_told(tool, tmp_path, capsys):
    from frozen import record

    old, new = tmp_path / "old.npz", tmp_path / "new.npz"
    cases = "few\nmany\nsmall\nwords\nnumbers\ngone\nkept"
    y = np.array([[1.0, np.nan], [2.0, 1e3]])
    before = {
        "meta/cases": np.array(cases),
        "few/y": y,
        "many/y": y,
        "small/y": y,
        "words/log": np.array("windows lbfgs: 3 steps"),
        "numbers/log": np.array("loss 0.123"),
        "gone/y": y,
        "kept/y": y,
        "kept/text": np.array(["a", "b"]),
    }
    after = {
        **before,
        "few/y": y * (1.0 + 1e-9),
        "many/y": y[:1],
        "small/y": y * (1.0 + 3e-14),
        "words/log": np.array("multiple shooting lbfgs: 3 steps"),
        "numbers/log": np.array("loss 0.124"),
    }
    del after["gone/y"]
    record.save(old, before)
    record.save(new, after)
    assert tool.main(["--read", str(new), "--compare", str(old)]) == 1
    shown = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    for name, verdict in {
        "few": "DIFFERENT", "many": "DIFFERENT", "small": "within 1e-12", "words": "words",
        "numbers": "DIFFERENT", "gone": "MISSING", "kept": "equal",
    }.items():  # fmt: skip
        assert verdict in shown[name], name
    assert "1e-09" in shown["few"] and "multiple" in shown["words"]
    some = ["--read", str(new), "--compare", str(old), "--only", "small|words|kept"]
    assert tool.main(some) == 0


def test_an_exception_is_a_behaviour(tool):
    from frozen import record

    def case(engine):
        raise ZeroDivisionError(engine)

    found = record.run_case("bad", case, "torch")
    assert str(found["bad/error"]) == "ZeroDivisionError: torch" and "bad/where" in found
