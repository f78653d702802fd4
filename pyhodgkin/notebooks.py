"""Whether this process is the kernel of a notebook."""

from __future__ import annotations

import sys
from typing import Any


def shell() -> Any:
    """The shell of the notebook that runs this process, or None.

    Examples
    --------
    >>> shell() is None  # a script, a test or a terminal
    True
    """
    if "IPython" not in sys.modules:
        return None
    found = sys.modules["IPython"].get_ipython()
    return found if getattr(found, "kernel", None) is not None else None
