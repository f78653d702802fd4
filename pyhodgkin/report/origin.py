"""Where a result comes from, as sections of the page: settings, data, versions, how to repeat."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from . import elements as e

if TYPE_CHECKING:
    from ..results.fit_result import FitResult

_NOT_KEPT = "Not recorded: the fit is of a version of pyhodgkin that did not keep it."


def origin_of(result: FitResult) -> Mapping[str, Any]:
    """What the fit recorded about itself; empty of an older one."""
    return result.settings.get("provenance", {})


def log(result: FitResult) -> str:
    """What was chosen, and what happened."""
    return e.section("Log", "log", e.code("\n".join(result.log)))


def settings(result: FitResult) -> str:
    """The stages, the loss, the options of the solver, the seeds."""
    own = result.settings
    seeds = ["as given" if seed is None else str(seed) for seed in result.seeds]
    plain = {
        "engine": own.get("backend", ""),
        "solver": own.get("options", ""),
        "loss": own.get("loss", ""),
        "penalties": ", ".join(own.get("penalty", ())) or "none",
        "seeds": ", ".join(seeds),
        "trained": ", ".join(own.get("trainable", ())),
        "initial states fitted": "yes" if own.get("fit_initial") else "no",
        "each cell's own": ", ".join(own.get("per_cell", ())),
    }
    shown = {*("backend", "options", "loss", "penalty", "trainable", "fit_initial", "per_cell")}
    shown |= {"stages", "recordings", "heldout", "provenance"}
    others = {name: str(value) for name, value in own.items() if name not in shown}
    stages = own.get("stages", ())
    return e.section(
        "Settings",
        "settings",
        e.pairs({**plain, **others}),
        e.heading("Stages") if stages else "",
        e.code("\n".join(f"{i + 1}. {stage}" for i, stage in enumerate(stages))),
    )


def versions(result: FitResult) -> str:
    """Of the packages and the system that the fit ran on."""
    known = origin_of(result).get("versions")
    return e.section(
        "Versions", "versions", e.pairs(known) if known else e.paragraph(_NOT_KEPT, "quiet")
    )


def recordings(result: FitResult) -> str:
    """Digests of the data, so that the same can be told from others."""
    rows = origin_of(result).get("data", ())
    if not rows:
        return e.section("Data", "data", e.paragraph(_NOT_KEPT, "quiet"))
    head = ("recording", "role", "samples", "used", "unit")
    text = (
        "sha256 of the times, values, masks and commands that were fitted, after masks and "
        "thinning; of a file, as sha256sum prints it."
    )
    digests = [
        {
            "recording": row["recording"],
            "sha256 of the arrays": row["sha256"],
            "file": row["file"] or "not from a file",
            "sha256 of the file": row["file_sha256"],
        }
        for row in rows
    ]
    return e.section(
        "Data",
        "data",
        e.table([{name: row[name] for name in head} for row in rows]),
        e.paragraph(text, "quiet"),
        e.table(digests, folded=True),
    )


def repeat(result: FitResult) -> str:
    """The command, or the call, that gives the same result."""
    known = origin_of(result)
    if not known.get("command") and not known.get("call"):
        return e.section("How to repeat it", "repeat", e.paragraph(_NOT_KEPT, "quiet"))
    parts = []
    if known.get("command"):
        text = f"In the folder {known['folder']}, with another --out or with --overwrite:"
        parts += [e.paragraph(text), e.code(known["command"])]
    if known.get("call"):
        text = "From Python" if parts else "From Python, with this result kept by result.save()"
        parts += [e.paragraph(f"{text}:"), e.code(_script(result, known["call"]))]
    parts.append(e.paragraph(f"Digest of the neuron before the fit: {known['neuron']}", "quiet"))
    return e.section("How to repeat it", "repeat", *parts)


def _script(result: FitResult, call: str) -> str:
    """A program; data that it cannot name are left to the reader."""
    import pyhodgkin

    used = sorted({n for n in re.findall(r"\b([A-Z]\w+)\(", call) if hasattr(pyhodgkin, n)})
    lines = ["import pyhodgkin as ph"]
    lines += [f"from pyhodgkin import {', '.join(used)}"] if used else []
    lines += ["", 'kept = ph.FitResult.load("run")  # the folder of this fit']
    start = "kept.neuron.with_theta(kept.start)" if result.start is not None else "..."
    lines.append(f"neuron = {start}  # as it was before the fit")
    lines.append("recordings = ...  # the training recordings listed under Data, in their order")
    if re.search(r"\bheldout=heldout\b", call):
        lines.append("heldout = ...  # the held-out ones, likewise")
    return "\n".join([*lines, f"result = ph.{call}"])
