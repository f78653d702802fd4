"""What `pyhodgkin doctor` asks of the Julia engine: where it was found, and its installation."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ..errors import InputError


@dataclass(frozen=True)
class JuliaSetup:
    """The Julia that would be started.

    Parameters
    ----------
    version, executable, project : str
        Empty where there is none.
    source : str
        What named it: environment variables, juliapkg, or the path.
    threads : str
    """

    version: str
    executable: str
    project: str
    source: str
    threads: str


def julia_setup() -> JuliaSetup:
    """Where Julia was found; nothing is started or downloaded."""
    from .julia import discover, environment

    found = discover.look()
    threads = environment.option("THREADS") or os.environ.get("JULIA_NUM_THREADS")
    return JuliaSetup(
        found.version,
        found.executable,
        found.project,
        found.source,
        threads or environment.DEFAULTS["THREADS"],
    )


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
