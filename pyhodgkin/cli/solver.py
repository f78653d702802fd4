"""The options of the solver: those of `SolveOptions`, the same for every command that solves."""

from __future__ import annotations

import argparse
from dataclasses import fields
from typing import Any

from ..backends.options import DTYPES, SolveOptions
from .parser import count, positive

# Where an option is called otherwise: --dt is the spacing of samples.
FLAGS = {"dt": "--solver-dt"}
HELP: dict[str, dict[str, Any]] = {
    "solver": {"metavar": "NAME", "help": "by name"},
    "rtol": {"type": positive, "metavar": "R", "help": "relative tolerance"},
    "atol": {"type": positive, "metavar": "A", "help": "absolute tolerance of a gate"},
    "max_steps": {"type": count, "metavar": "N", "help": "steps before a solve is given up"},
    "dt": {"type": positive, "metavar": "MS", "help": "step of a fixed-step solver"},
    "dt_max": {"type": positive, "metavar": "MS", "help": "longest step of an adaptive solver"},
    "dtype": {"choices": DTYPES, "help": "precision"},
    "device": {"metavar": "NAME", "help": "where torch computes, for instance cuda"},
    "v_scale": {"type": positive, "metavar": "MV", "help": "a tolerance of v is this times --atol"},
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A group of options, one for each field of `SolveOptions`, and ``--backend``."""
    group = parser.add_argument_group("solver")
    group.add_argument("--backend", default="auto", choices=("auto", "torch", "julia"))
    for field in fields(SolveOptions):
        described = dict(HELP[field.name])
        if field.default is not None:
            described["help"] += f" [{_short(field.default)}]"
        flag = FLAGS.get(field.name, f"--{field.name.replace('_', '-')}")
        group.add_argument(flag, default=None, dest=_place(field.name), **described)


def given(options: argparse.Namespace) -> dict[str, Any]:
    """Those that were given, as arguments of a verb."""
    both = {f.name: getattr(options, _place(f.name)) for f in fields(SolveOptions)}
    return {name: value for name, value in both.items() if value is not None}


def _place(name: str) -> str:
    return FLAGS[name].removeprefix("--").replace("-", "_") if name in FLAGS else name


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
