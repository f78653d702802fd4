"""Mutated files of every format: read, or refused with an error of the package, and nothing else.

A short run of ``tools/fuzz.py`` in this process: the same files and mutations, a fixed seed.
"""

from __future__ import annotations

import time
import warnings
from pathlib import Path

import pytest

from pyhodgkin.errors import PyHodgkinError

TOOLS = Path(__file__).parents[1] / "tools"
# Inputs of each reader; those that are slow to make or to read have fewer.
INPUTS = {"text": 150, "npz": 60, "abf": 150, "nwb": 12, "document": 150, "network": 100}
INPUTS |= {"checkpoint": 100, "fit": 40, "nmodl": 40, "neuroml": 120, "formula": 200}
INPUTS |= {"protocol": 150, "solution": 20, "population": 8}
NEEDS = {"abf": "pyabf", "nwb": "pynwb", "population": "zarr", "network": "scipy"}


@pytest.mark.parametrize("name", INPUTS)
def test_a_mutated_file_is_read_or_refused(name, tmp_path, monkeypatch):
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    monkeypatch.syspath_prepend(str(TOOLS))
    from fuzzing.targets import TARGETS, Cases

    target = TARGETS[name]
    cases, counts = Cases(target, tmp_path, seed=7), {"read": 0, "refused": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = {n: _outcome(target, cases.base(n, {})) for n in cases.names}
        for _ in range(INPUTS[name]):
            case = cases.next()
            begin = time.process_time()
            kind, text = _outcome(target, case)
            assert time.process_time() - begin < 20.0, case.made
            counts[kind] += 1
            if target.whole and case.made == "truncate" and kind == "read" and not case.options:
                assert (kind, text) == whole[case.base], "cut short, and read as something else"
    assert counts["refused"] > INPUTS[name] // 4


def _outcome(target, case):
    """Any other error fails the test, and says how the input was made."""
    try:
        return "read", target.read(case.path, case.options)
    except PyHodgkinError as error:
        return "refused", str(error)
    except Exception as error:
        raise AssertionError(f"{case.made} of {case.base}: {error!r}") from error


@pytest.mark.parametrize(
    "change",
    [
        {"advice": [3.0]},
        {"notes": ["a", ["b"]]},
        {"residuals": [{"name": "a", "unit": "mV", "heldout": False, "rms": 1.0, "noise": "x",
                        "spread": 2.0}]},
        {"residuals": [{"name": "a", "unit": "mV", "heldout": False, "rms": 1.0, "noise": 0.1,
                        "spread": 2.0, "spikes": {}}]},
    ],
)  # fmt: skip
def test_what_a_fit_says_of_itself_is_of_the_right_kind(change):
    from pyhodgkin.results.goodness_of_fit import GoodnessOfFit

    with pytest.raises(ValueError, match=r"is no|should"):
        GoodnessOfFit.from_dict({"residuals": [], "advice": [], "notes": [], **change})


def test_the_tool_counts_and_keeps_what_fails(tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(TOOLS))
    import fuzz
    from fuzzing import run as runs
    from fuzzing.worker import Outcome

    class Failing:
        def __init__(self, *_):
            self.count = 0

        def read(self, case):
            self.count += 1
            changed = case.made != "base"
            kind = "error KeyError" if changed and self.count % 4 == 0 else "refused"
            return Outcome(kind, 'File "/x/pyhodgkin/a.py", line 3', 0.0)

        def stop(self):
            pass

    monkeypatch.setattr(runs, "Worker", Failing)
    given = ["formula", "--inputs", "40", "--seconds", "60", "--out", str(tmp_path)]
    assert fuzz.main(given) == 1
    said = capsys.readouterr().out
    assert "formula: 40 inputs" in said and "10 faults" in said and "a.py:3" in said
    kept = sorted((tmp_path / "formula").iterdir())
    assert len(kept) == 5 and (kept[0] / "options.json").is_file()
