"""Options of juliacall that must stand before it is imported, and what to say when it is too late.

juliacall reads its options once, from ``-X juliacall-NAME`` or from the environment; one that is
misspelt is ignored without a word.
"""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

PREFIX = "PYTHON_JULIACALL_"

# Julia's garbage collector stops its threads with SIGSEGV: without its own handler a second
# thread crashes the process. In IPython juliacall would take over the display.
DEFAULTS = {"HANDLE_SIGNALS": "yes", "THREADS": "auto", "AUTOLOAD_IPYTHON_EXTENSION": "no"}

TORCH_FIRST = (
    "torch was imported before Julia was started. Both bring their own LLVM, and in this order "
    'some builds crash. It goes on; if it does crash, call pyhodgkin.backends.get("julia") '
    'before torch is imported, or use backend="torch" (PYHODGKIN_QUIET=1 silences this)'
)


def option(name: str, flag: str = "") -> str | None:
    """What the user set an option of juliacall to, as juliacall reads it: ``-X`` goes first."""
    given = sys._xoptions.get("juliacall-" + (flag or name.lower().replace("_", "-")))
    return os.environ.get(PREFIX + name) if given is None else "yes" if given is True else given


def depots() -> list[Path]:
    """The folders in which Julia keeps packages and what it compiled, its own first."""
    named = [part for part in os.environ.get("JULIA_DEPOT_PATH", "").split(os.pathsep) if part]
    return [Path(part) for part in named] or [Path.home() / ".julia"]


def quiet() -> bool:
    """Whether the user wants no remarks (``PYHODGKIN_QUIET=1``)."""
    return os.environ.get("PYHODGKIN_QUIET", "") not in ("", "0")


def debug() -> bool:
    """Whether the user wants Julia's own traces (``PYHODGKIN_DEBUG=1``)."""
    return os.environ.get("PYHODGKIN_DEBUG", "") not in ("", "0")


def prepare() -> None:
    """Set the options that the user did not set. Of no use once juliacall is imported."""
    for name, value in DEFAULTS.items():
        if name == "THREADS" and os.environ.get("JULIA_NUM_THREADS"):
            continue  # juliacall takes it when its own option is not set
        if option(name) is None:
            os.environ[PREFIX + name] = value


def warn_of_running(config: dict[str, object], threads: int) -> None:
    """Say once that juliacall was started by somebody else with options that do not fit."""
    misfit = ""
    if threads > 1 and config.get("opt_handle_signals") not in ("yes", True):
        misfit = f"it runs {threads} threads without {PREFIX}HANDLE_SIGNALS=yes, which can crash"
    elif threads == 1 and (os.cpu_count() or 1) > 1 and option("THREADS") != "1":
        misfit = f"it has one thread, so a batch runs on one core ({PREFIX}THREADS=auto)"
    if misfit and not quiet():
        warnings.warn(
            f"juliacall was imported before pyhodgkin started it: {misfit}. Set this in the "
            "environment, or start pyhodgkin's engine first",
            RuntimeWarning,
            stacklevel=2,
        )


@contextlib.contextmanager
def one_warning_of_torch() -> Iterator[None]:
    """While juliacall is imported: our warning in the place of its own."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="torch was imported before juliacall")
        yield
    if "torch" in sys.modules and not quiet():
        warnings.warn(TORCH_FIRST, RuntimeWarning, stacklevel=2)
