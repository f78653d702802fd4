"""Work that needs more memory than there is: one error that says what to change."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from .errors import OutOfMemoryError

# Of torch on the CPU and on a GPU, of Julia, and of a system that has no room for a thread.
_SIGNS = ("allocate memory", "out of memory", "OutOfMemoryError", "start new thread")


@contextmanager
def enough_memory(what: str, less: str) -> Iterator[None]:
    """Raise `OutOfMemoryError` where there is too little memory for `what`; `less` needs less.

    Examples
    --------
    >>> with enough_memory("a batch of 9 elements", "give fewer elements"):
    ...     raise MemoryError
    Traceback (most recent call last):
        ...
    pyhodgkin.errors.OutOfMemoryError: not enough memory for a batch of 9 elements; give fewer ...
    """
    try:
        yield
    except OutOfMemoryError:
        raise
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError) and not any(x in str(error) for x in _SIGNS):
            raise
        asked = re.search(r"[0-9.]+ [KMGT]iB", str(error))
        size = f" ({asked.group()} more were asked for)" if asked else ""
        text = f"not enough memory for {what}{size}; {less}"
    else:
        return
    raise OutOfMemoryError(text) from None
