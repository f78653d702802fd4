"""Integrators compiled by numba, over the flat tables of a neuron; the torch engine's fast path.

Nothing of it is imported before it is asked for. The eager integrator of torch computes the same
steps, and takes over where numba is missing, is switched off, or shares the process with Julia.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import sys

SWITCH = "PYHODGKIN_COMPILED"


def why_not() -> str:
    """Why the compiled integrators are not used in this process; nothing where they are.

    ``PYHODGKIN_COMPILED=0`` switches them off, ``1`` on beside Julia too: numba and Julia both load
    LLVM, which has crashed processes (https://github.com/numba/numba/issues/7857).

    Examples
    --------
    >>> isinstance(why_not(), str)
    True
    """
    if switched_off():
        return switched_off()
    asked = os.environ.get(SWITCH, "").strip().lower()
    if not _installed():
        return "numba is not installed; run: pip install numba"
    if asked not in ("1", "on", "yes", "true") and _julia_was_first():
        return f"Julia runs in this process; {SWITCH}=1 uses numba beside it all the same"
    return ""


def switched_off() -> str:
    """The setting that switches compiled integrators off, on the CPU and on GPUs; "" if none."""
    asked = os.environ.get(SWITCH, "").strip().lower()
    return f"{SWITCH}={asked}" if asked in ("0", "off", "no", "false") else ""


@functools.cache
def _julia_was_first() -> bool:
    """Whether Julia was here before; asked once, so that a process has one answer to a solve."""
    return "juliacall" in sys.modules


@functools.cache
def _installed() -> bool:
    return importlib.util.find_spec("numba") is not None
