"""The engines: one contract (`base`), pure torch, and Julia."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

from ..errors import BackendUnavailableError, unknown

if TYPE_CHECKING:
    from .base import Backend

NAMES = ("torch",)


def get(name: str = "auto") -> Backend:
    """The engine called `name`; ``"auto"`` is the best one that can start here.

    Raises
    ------
    UnknownNameError
        If there is no engine of that name.
    BackendUnavailableError
        If it cannot start; the message says how to install it.

    Examples
    --------
    >>> get("torch").solvers()[0]
    'rodas5p'
    """
    if name == "julia":
        raise BackendUnavailableError(
            'backend = "julia": this version comes with the torch engine only; use backend="torch"'
        )
    if name not in ("auto", *NAMES):
        raise unknown("backend", name, ("auto", *NAMES))
    if importlib.util.find_spec("torch") is None:
        raise BackendUnavailableError(
            'backend = "torch": torch is not installed; run: pip install torch'
        )
    from .torch.engine import TorchBackend

    return TorchBackend()
