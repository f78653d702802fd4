"""Two folders change places in one step, so that no moment is without either."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

_HERE, _EXCHANGE = -100, 2  # AT_FDCWD, RENAME_EXCHANGE of Linux


def exchange(a: Path, b: Path) -> bool:
    """Whether `a` and `b`, both of which exist, have changed places.

    False where the system cannot do it in one step; nothing is changed then.

    Examples
    --------
    >>> folder = getfixture("tmp_path")
    >>> for name in "ab":
    ...     (folder / name).mkdir()
    ...     _ = (folder / name / name).write_text("")
    >>> if exchange(folder / "a", folder / "b"):
    ...     assert (folder / "a" / "b").exists() and (folder / "b" / "a").exists()
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):  # a C library that has it not
        return False
    return rename(_HERE, os.fsencode(a), _HERE, os.fsencode(b), _EXCHANGE) == 0
