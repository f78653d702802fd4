"""Hodgkin-Huxley neurons, and neural networks trained in place of what is unknown in them.

The public names stand in ``__init__.pyi`` and are loaded when they are first used: importing the
package itself imports neither torch, nor juliacall, nor matplotlib, nor scipy.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, _names, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __dir__() -> list[str]:
    return sorted([*_names(), "__version__"])
