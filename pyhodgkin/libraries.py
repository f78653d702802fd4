"""Libraries that are loaded when they are asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from .errors import BackendUnavailableError

_INSTALL = {
    "pandas": "pip install pandas",
    "xarray": 'pip install "pyhodgkin[xarray]"',
    "scipy.integrate": "pip install scipy",
    "pynwb": 'pip install "pyhodgkin[readers]"',
    "torch.utils.tensorboard": 'pip install "pyhodgkin[tensorboard]"',
}
_NAMES = {"torch.utils.tensorboard": "tensorboard", "scipy.integrate": "SciPy"}


def library(name: str) -> Any:
    """The module `name`, or a `BackendUnavailableError` that says how to install it.

    Examples
    --------
    >>> library("pandas").__name__
    'pandas'
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise BackendUnavailableError(
            f"{_NAMES.get(name, name)} is not installed: {_INSTALL[name]}"
        ) from error
