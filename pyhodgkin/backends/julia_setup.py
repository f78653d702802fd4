"""What `pyhodgkin doctor` asks of the Julia engine: where it was found, and its installation."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ..errors import InputError

if TYPE_CHECKING:
    from .julia.discover import Found


def julia_setup() -> tuple[Found, str]:
    """Where Julia was found, and how many threads it would have; nothing is started."""
    from .julia import discover, environment

    threads = environment.option("THREADS") or os.environ.get("JULIA_NUM_THREADS")
    return discover.look(), threads or environment.DEFAULTS["THREADS"]


def install_julia() -> None:
    """Let juliapkg install Julia and its packages, where it is the one that decides.

    Raises
    ------
    InputError
        When environment variables name a Julia of the user's own.
    """
    from .julia import discover, environment, packages

    if environment.option("EXE") or environment.option("PROJECT"):
        raise InputError(
            f"--install: {discover.VARIABLES} name a Julia of your own; unset them, or install "
            "into that project (docs/julia.md)"
        )
    try:
        packages.install()
    finally:
        discover.forget()
