"""The table of `peers.py` from the rows that both sides wrote."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import subprocess
from collections.abc import Iterable
from pathlib import Path

PACKAGES = "diffrax jax jaxley brian2 neuron arbor scipy scikit-sundae numpy".split()
OURS = "numba torch numpy juliacall".split()
WITHIN = {"A": 1e-3, "C": 1e-3, "D": 1e-3}  # ms of a spike; relative error of a gradient


def rows_in(folder: Path) -> list[dict]:
    """The rows of all sides; a later one takes the place of an earlier one of the same case."""
    found: dict[tuple, dict] = {}
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text().splitlines():
            row = json.loads(line)
            key = ("task", "peer", "method", "setting", "variant", "T", "N", "batch")
            found[tuple(str(row.get(k)) for k in key)] = row
    return list(found.values())


def lines(head: str, rows: Iterable[Iterable]) -> list[str]:
    names = head.split(" | ")
    out = [f"| {head} |", "|" + "---|" * len(names)]
    return out + ["| " + " | ".join(map(str, row)) + " |" for row in rows] + [""]


def spread(row: dict, scale: float = 1e3, unit: str = "") -> str:
    return (
        f"{row['med_s'] * scale:.3g}{unit} ({row['min_s'] * scale:.3g} to "
        f"{row['max_s'] * scale:.3g}; {row.get('reps', '')})"
    )


def who(row: dict) -> str:
    return f"{row['peer']} {row['method']}"


def quickest(rows: list[dict], error: str, within: float, side: str) -> list[tuple]:
    """Of each side the quickest row that is accurate enough, and how many times ours it takes."""
    groups: dict[str, list[dict]] = {}
    for row in rows:
        if row[error] is not None and row[error] <= within:
            peer = f"{row['peer']} {row['method'].split()[0]}"
            groups.setdefault(peer if row["peer"] == "pyhodgkin" else row["peer"], []).append(row)
    best = {peer: min(own, key=lambda r: r["med_s"]) for peer, own in groups.items()}
    ours = best.get(f"pyhodgkin {side}")
    out = []
    for row in sorted(best.values(), key=lambda r: r["med_s"]):
        times = f"{row['med_s'] / ours['med_s']:.2f}" if ours else ""
        cells = (who(row), row["setting"], f"{row[error]:.1e}", spread(row), times, row["load1"])
        out.append(cells)
    return out


def single(rows: list[dict]) -> list[str]:
    out = ["## A. One cell, the whole call, warm", ""]
    cases = sorted({(r["variant"], r["T"]) for r in rows}, key=str)
    for variant, t_end in cases:
        own = [r for r in rows if (r["variant"], r["T"]) == (variant, t_end)]
        c_m = {"ref": 0.1, "std": 1}[variant]
        out += [
            f"{t_end} ms, C = {c_m} µF/cm²: the quickest of each with spikes within 0.001 ms.",
            "",
        ]
        head = "side | setting | spikes off by (ms) | ms, median (range; repeats) | times torch's | load"  # noqa: E501
        out += lines(head, quickest(own, "err_spike", WITHIN["A"], "torch"))
    out += ["All of them:", ""]
    every = sorted(rows, key=lambda r: (r["variant"], r["T"], who(r), -tolerance(r)))
    head = "case | side | setting | v off by (mV) | spikes off by (ms) | ms, median (range; repeats) | load"  # noqa: E501
    return out + lines(head, (
        (f"{r['variant']} {r['T']}", who(r), r["setting"], f"{r['err_V']:.1e}",
         f"{r['err_spike']:.1e}", spread(r), r["load1"]) for r in every))  # fmt: skip


def tolerance(row: dict) -> float:
    return float(row["setting"].split("=")[1].split()[0])


def first(rows: list[dict]) -> list[str]:
    out = ["## F. A fresh process, everything compiled before", ""]
    cells = ((who(r), r["setting"], spread(r, 1.0), r["load1"]) for r in rows)
    return out + lines("side | stage | s, median (range; repeats) | load", cells)


def population(rows: list[dict]) -> list[str]:
    out = [
        "## B. Populations, 50 ms, four parameters of each cell its own, two cores",
        "",
        "Each at the loosest setting that puts the spikes of 64 cells within 0.05 ms of the truth.",
        "",
    ]
    for n in sorted({r["N"] for r in rows}):
        own = sorted((r for r in rows if r["N"] == n), key=lambda r: -r["cellms_s"])
        best = {s: max((r["cellms_s"] for r in own if r["method"].startswith(s)
                        and r["peer"] == "pyhodgkin"), default=0.0)
                for s in ("torch", "julia")}  # fmt: skip
        cells = (
            (who(r), r["setting"], f"{r['err_spike']:.1e}", f"{r['cellms_s']:.2e}",
             spread(r, 1.0), *(f"{b / r['cellms_s']:.2f}" for b in best.values()),
             f"{r['rss_gb']:.2f}" if "rss_gb" in r else "", r["load1"]) for r in own)  # fmt: skip
        out += [f"{n:,} cells", ""]
        head = "side | setting | spikes off by (ms) | cell·ms/s | s, median (range; repeats) | our torch is so many times as fast | our Julia | GB | load"  # noqa: E501
        out += lines(head, cells)
    return out


def prototype(rows: list[dict]) -> list[str]:
    out = ["## P. The prototype in C at the same tolerance, its own cells, in turn", ""]
    head = "side | setting | cells | cell·ms/s | prototype | prototype / ours | load"
    cells = (
        (r["method"], r["setting"], f"{r['N']:,}", f"{r['cellms_s']:.2e}", f"{r['prototype']:.2e}",
         f"{r['prototype'] / r['cellms_s']:.2f}", r["load1"]) for r in rows)  # fmt: skip
    return out + lines(head, cells)


def gradients(rows: list[dict], task: str) -> list[str]:
    title = {"C": "8 physical parameters", "D": "a network of 338 weights"}[task]
    out = [f"## {task}. Value and gradient, {title}, 50 ms", ""]
    head = "side | setting | gradient off by | ms, median (range; repeats) | times torch's | load"
    for batch in sorted({r.get("batch", 1) for r in rows}):
        own = [r for r in rows if r.get("batch", 1) == batch]
        out += [f"{batch} cell{'s' * (batch > 1)}: the quickest of each that is within 0.001.", ""]
        out += lines(head, quickest(own, "gerr", WITHIN[task], "torch"))
    every = sorted(rows, key=lambda r: (r.get("batch", 1), who(r), -tolerance(r)))
    cells = ((r.get("batch", 1), who(r), r["setting"], f"{r['gerr']:.1e}", spread(r), r["load1"])
             for r in every)  # fmt: skip
    head = "cells | side | setting | gradient off by | ms, median (range; repeats) | load"
    return [*out, "All of them:", "", *lines(head, cells)]


def robust(rows: list[dict]) -> list[str]:
    out = [
        "## E. Random networks for the n gate, weights times 3 and 10: how many of 50 succeed",
        "",
    ]
    cells = ((who(r), r["setting"], r["good"], r["outside"], spread(r), r["load1"]) for r in rows)
    head = "side | setting | of 50 | gates left [0, 1] | ms, median (range; repeats) | load"
    return out + lines(head, cells)


def versions(python: Path) -> str:
    code = (
        f"import importlib.metadata as m\nfor p in {PACKAGES}:\n  print(p, m.version(p), end=', ')"
    )
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    ours = []
    for name in OURS:
        try:
            ours.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return (
        f"Python {platform.python_version()}, {platform.machine()}; ours: {', '.join(ours)}; "
        f"the peers': {done.stdout.strip(', ')}."
    )


def table(folder: Path, python: Path) -> str:
    """All rows of `folder` as one page."""
    rows = rows_in(folder)
    failed = [r for r in rows if "failed" in r]
    rows = [r for r in rows if "failed" not in r]
    if not rows:
        return "no rows"
    times = sorted(r["when"] for r in rows)
    out = ["# pyhodgkin beside its peers", "", f"{times[0]} to {times[-1]} UTC. {versions(python)}"]
    out += ["`load` is the load of the machine, two cores, when the row was written.", ""]
    makers = {"A": single, "F": first, "B": population, "P": prototype, "E": robust}
    for task in "BPCDAFE":
        own = [r for r in rows if r["task"] == task]
        if own:
            out += makers[task](own) if task in makers else gradients(own, task)
    if failed:
        out += ["## What failed", ""]
        cells = ((r["task"], who(r), r.get("setting", ""), r["failed"][:120]) for r in failed)
        out += lines("row | side | setting | what it said", cells)
    return "\n".join(out)
