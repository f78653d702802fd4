"""A fit that went on from another one, as one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .fit_result import FitResult


def joined(first: FitResult, then: FitResult, text: str) -> FitResult:
    """`then`, which went on from `first`, with the history and the stages of both in its log."""
    history = {name: np.concatenate([x, then.history[name]]) for name, x in first.history.items()}
    history["step"] = np.arange(len(history["step"]))
    late = first.history["seconds"][-1] if len(first.history["seconds"]) else 0.0
    history["seconds"] = np.concatenate([first.history["seconds"], late + then.history["seconds"]])
    stages = [line for line in first.log if " steps, " in line]
    settings = {**then.settings}
    settings["stages"] = [*first.settings.get("stages", []), *then.settings.get("stages", [])]
    return replace(
        then,
        history=history,
        log=(*stages, text, *then.log),
        seconds=first.seconds + then.seconds,
        settings=settings,
    )
