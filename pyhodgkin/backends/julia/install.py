"""Letting juliapkg install what is missing, and saying so when a start takes long."""

from __future__ import annotations

import sys

from ...errors import BackendUnavailableError
from . import resolved
from .discover import Found, forget
from .environment import quiet
from .requirements import numbers


def install() -> None:
    """Let juliapkg resolve the project: it downloads what is missing.

    Raises
    ------
    BackendUnavailableError
        When it cannot.
    """
    try:
        resolved.resolve()
    except Exception as error:
        text = " ".join(str(error).split())[:300]
        raise BackendUnavailableError(
            f'backend = "julia": juliapkg could not install Julia or its packages ({text}); '
            'without a network name an existing Julia (docs/julia.md), or use backend="torch"'
        ) from None
    finally:
        forget()


def tell_if_it_compiles(found: Found, package: str) -> None:
    """Say so where the first start after an installation will take minutes."""
    if quiet() or not found.version:
        return
    version = ".".join(map(str, numbers(found.version)[:2]))
    folders = [depot / "compiled" / f"v{version}" / package for depot in resolved.depots()]
    if not any(any(folder.glob("*.ji")) for folder in folders):
        print(
            "pyhodgkin: Julia compiles its packages; this start takes minutes, later ones seconds",
            file=sys.stderr,
            flush=True,
        )
