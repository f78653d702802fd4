"""What the package says by itself, on standard error: through `logging`, so that it can be changed.

The logger ``pyhodgkin.notices`` says which engine was chosen and what takes long the first time;
``pyhodgkin.fit`` what a fit chooses and does, which nobody sees unless asked for.
"""

from __future__ import annotations

import logging
import sys

LOGGER = logging.getLogger("pyhodgkin.notices")


class _OnStandardError(logging.Handler):
    """Lines on the standard error stream of the moment."""

    def emit(self, record: logging.LogRecord) -> None:
        print(self.format(record), file=sys.stderr, flush=True)


def notice(text: str) -> None:
    """Say one line.

    Examples
    --------
    >>> LOGGER.disabled = True
    >>> notice("torch engine")
    >>> LOGGER.disabled = False
    """
    if not LOGGER.handlers:
        handler = _OnStandardError()
        handler.setFormatter(logging.Formatter("pyhodgkin: %(message)s"))
        LOGGER.addHandler(handler)
        LOGGER.propagate = False
        if LOGGER.level == logging.NOTSET:
            LOGGER.setLevel(logging.INFO)
    LOGGER.info(text)
