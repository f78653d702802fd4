"""A record: one flat table of named arrays, kept in an ``.npz`` file without pickles."""

from __future__ import annotations

import fnmatch
import os
import re
import time
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

Case = Callable[[str], Mapping[str, Any]]
Record = dict[str, np.ndarray]

META = "meta/"
_SECONDS = re.compile(r"\b\d+(\.\d+)? s\b")


def flat(name: str, value: Any, into: Record) -> None:
    """Put `value` into `into`: mappings by key, the rest as arrays of numbers or of text."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            flat(f"{name}/{key}", part, into)
        if not value:
            into[name] = np.array("{}")
    elif value is None or isinstance(value, str):
        into[name] = np.array(_SECONDS.sub("_ s", str(value)))
    elif isinstance(value, (list, tuple)):
        _flat_sequence(name, value, into)
    else:
        array = np.asarray(value)
        if array.dtype.kind not in "biufcU":
            raise TypeError(f"{name}: a {type(value).__name__} is not recorded")
        into[name] = array


def _flat_sequence(name: str, value: Sequence[Any], into: Record) -> None:
    if all(isinstance(x, str) for x in value):
        into[name] = np.array("\n".join(_SECONDS.sub("_ s", x) for x in value))
    elif all(isinstance(x, (bool, int, float, np.number)) for x in value):
        into[name] = np.asarray(value, dtype=np.float64)
    else:
        for i, part in enumerate(value):
            flat(f"{name}/{i}", part, into)
        into[f"{name}/count"] = np.array(len(value))


def run_case(name: str, case: Case, engine: str) -> Record:
    """What one case gives: its values, or the type and text of the exception; its warnings."""
    from pyhodgkin import errors

    out: Record = {}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            flat(name, case(engine), out)
        except Exception as error:  # of any kind: it is the behaviour
            out = {f"{name}/error": np.array(f"{type(error).__name__}: {error}")}
            if not isinstance(error, errors.PyHodgkinError):
                out[f"{name}/where"] = np.array(_last_line(error))
    own = {str(w.message) for w in caught if w.category.__module__.startswith("pyhodgkin")}
    if own:
        out[f"{name}/warnings"] = np.array("\n".join(sorted(own)))
    return out


def _last_line(error: Exception) -> str:
    """The function in which an unexpected exception arose."""
    return traceback.extract_tb(error.__traceback__)[-1].name


def chosen(names: Sequence[str], pattern: str | None) -> list[str]:
    """Names that hold `pattern`, or match it where it has wildcards; `|` between alternatives."""
    if not pattern:
        return list(names)
    parts = [p if any(c in p for c in "*?[") else f"*{p}*" for p in pattern.split("|")]
    return [name for name in names if any(fnmatch.fnmatchcase(name, p) for p in parts)]


def run(
    cases: Mapping[str, Case], engine: str, say: Callable[[str], None] = lambda _: None
) -> tuple[Record, dict[str, float]]:
    """The record of `cases`, and the processor seconds that each took."""
    out: Record = {}
    spent: dict[str, float] = {}
    for name, case in cases.items():
        began = time.process_time()
        out |= run_case(name, case, engine)
        spent[name] = time.process_time() - began
        failed = f"{name}/error" in out
        say(
            f"{name}: {spent[name]:.2f} s{' (' + str(out[name + '/error']) + ')' if failed else ''}"
        )
    return out, spent


def save(path: str | os.PathLike[str], record: Record) -> None:
    """Write the record; the old file stays until the new one is whole."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(target.name + ".part")
    with temporary.open("wb") as file:
        np.savez_compressed(file, **record)  # type: ignore[arg-type]
    temporary.replace(target)


def load(path: str | os.PathLike[str]) -> Record:
    """Read a record back."""
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def case_of(key: str, names: Sequence[str]) -> str:
    """The case that a key belongs to: the longest name that it begins with."""
    found = [name for name in names if key == name or key.startswith(name + "/")]
    return max(found, key=len) if found else key
