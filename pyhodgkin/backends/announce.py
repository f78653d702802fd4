"""Which engine ``"auto"`` took, and why: said once a day, not once a process.

The day on which it was said stands in a file of the user's cache folder. Where that cannot be
written, it is said once in each process.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from ..notices import notice

_said: set[str] = set()
_always = False


def always(verbose: bool = True) -> None:
    """Say it in this process whatever was said before (``pyhodgkin -v``)."""
    global _always
    _always = verbose
    _said.clear()


def say(name: str, why: str) -> None:
    """One line on standard error, where the engine `name` was not named today."""
    from .julia.environment import quiet

    if name in _said or (quiet() and not _always):
        return
    _said.add(name)
    if _always or not _today(name):
        notice(f"{name} engine ({why})")


def cache_folder() -> Path:
    """Where a program may keep what it can do without, by the custom of the system.

    Examples
    --------
    >>> cache_folder().name
    'pyhodgkin'
    """
    if os.environ.get("XDG_CACHE_HOME"):
        base = Path(os.environ["XDG_CACHE_HOME"])
    elif sys.platform == "win32" and os.environ.get("LOCALAPPDATA"):
        base = Path(os.environ["LOCALAPPDATA"])
    elif sys.platform == "darwin":
        base = Path("~/Library/Caches").expanduser()
    else:
        base = Path("~/.cache").expanduser()
    return base / "pyhodgkin"


def _today(name: str) -> bool:
    """Whether the engine was named today already; if not, it is noted down that it is now."""
    stamp, day = cache_folder() / f"engine-{name}", time.strftime("%Y-%m-%d")
    try:
        if stamp.is_file() and stamp.read_text("utf-8").strip() == day:
            return True
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.write_text(day + "\n", "utf-8")
    except (OSError, ValueError):
        pass
    return False
