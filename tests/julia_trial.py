"""A small Julia package of the tests' own, in this process or in others."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pyhodgkin.backends.julia import start
from pyhodgkin.backends.julia.plain import PlainConnection
from pyhodgkin.backends.julia.session import Session

PACKAGES = Path(__file__).resolve().parent / "julia"
LOAD_PATH = os.pathsep.join(["@", "@v#.#", "@stdlib", str(PACKAGES)])
START = "from pyhodgkin.backends.julia import start; s = start.session('BridgeTrial');"


def session() -> Session:
    """Julia with the package `BridgeTrial`, in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JULIA_LOAD_PATH", LOAD_PATH)
        if "juliacall" in sys.modules:
            sys.modules["juliacall"].Base.LOAD_PATH.append(str(PACKAGES))
        return start.session("BridgeTrial")


def plain_session() -> Session:
    """The same package in this process by the plain connection; Julia has been started."""
    connection = PlainConnection(sys.modules["juliacall"])
    return Session(connection, "BridgeTrial", start._watcher(), start.check_fork)


def run(code: str, timeout: float = 300.0, **variables: str) -> subprocess.CompletedProcess[str]:
    """A process of its own; it must end well."""
    return finished([sys.executable, "-c", code], timeout, **variables)


def finished(
    command: list[str], timeout: float = 300.0, **variables: str
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "JULIA_LOAD_PATH": LOAD_PATH, **variables}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=timeout)
    assert done.returncode == 0, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done
