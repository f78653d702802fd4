"""Integrators for GPUs: one Triton kernel for a whole solve, written from the tables of a neuron.

`kernel` writes the code, `modules` keeps it on disk and imports it; nothing here imports torch. The
torch engine launches the kernels. Triton is not imported before a kernel is asked for.
"""

from __future__ import annotations

import functools
import importlib.util
import re
from ctypes.util import find_library

from ..compiled import switched_off

OLDEST = (3, 4)  # of triton; earlier ones do not compile the kernels


def why_not() -> str:
    """Why the kernels are not used for a device of CUDA; nothing where they are.

    ``PYHODGKIN_COMPILED=0`` switches them off.

    Examples
    --------
    >>> isinstance(why_not(), str)
    True
    """
    return switched_off() or _wrong_triton()


def device_missing() -> str:
    """Why no kernel can run on this machine although the package is complete; "" where one can.

    Only looks for the driver of CUDA: nothing is started.
    """
    return "" if find_library("cuda") or find_library("nvcuda") else "no driver of CUDA"


@functools.cache
def _wrong_triton() -> str:
    if importlib.util.find_spec("triton") is None:
        return "triton is not installed"
    import triton  # pyright: ignore[reportMissingImports]

    if tuple(map(int, re.findall(r"\d+", triton.__version__)[:2])) < OLDEST:
        needed = ".".join(map(str, OLDEST))
        return f"triton {triton.__version__} is older than {needed}, which torch 2.8 brings"
    return ""
