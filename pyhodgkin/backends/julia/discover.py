"""Can the Julia engine start here, and if not, why, and what to do.

Looks at the environment, at files, and at ``julia --version``: starts nothing, downloads nothing.
"""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from . import resolved
from .environment import option, package_option
from .project import BrokenProject, entries
from .requirements import LEAST_JULIA, LEAST_JULIACALL, PACKAGE, numbers, requirements

INSTALL = "run: pyhodgkin doctor --install (downloads what is missing)"
VARIABLES = "PYTHON_JULIACALL_EXE and PYTHON_JULIACALL_PROJECT"


@dataclass(frozen=True)
class Found:
    """What was found.

    `ready`: it can start at once. `installable`: it cannot, but juliapkg may install what is
    missing. Otherwise `reason` and `fix` say what is in the way.
    """

    ready: bool
    installable: bool = False
    executable: str = ""
    version: str = ""
    project: str = ""
    source: str = ""
    reason: str = ""
    fix: str = ""

    @property
    def message(self) -> str:
        """One line for an error."""
        return f'backend = "julia": {self.reason}; {self.fix}'


class _Lacking(Exception):
    """Reason and fix."""

    def __init__(self, reason: str, fix: str) -> None:
        super().__init__(reason)
        self.reason, self.fix = reason, fix


def look(package: str = PACKAGE) -> Found:
    """What stands in the way of the Julia engine, if anything.

    The answer is kept as long as the environment stays as it is; `forget` asks anew.
    """
    return _look(package, key())


def forget() -> None:
    """Look anew next time."""
    _look.cache_clear()
    julia_version.cache_clear()


def key() -> tuple[object, ...]:
    """Everything in the environment that the answer depends on."""
    names = ("JULIA_DEPOT_PATH", "JULIA_LOAD_PATH", "PATH", "CONDA_PREFIX")
    values = [os.environ.get(name) for name in names]
    values += [option("EXE"), option("PROJECT"), _home()]
    values.append("yes" if "juliacall" in sys.modules else "no")
    return (*values, *(package_option(name) for name in ("EXE", "PROJECT", "OFFLINE")))


@functools.lru_cache(maxsize=16)
def _look(package: str, _: tuple[object, ...]) -> Found:
    source = executable = project = version = ""
    try:
        _check_juliacall()
        running = sys.modules.get("juliacall")
        if running is not None and hasattr(running, "Base"):
            return _by_the_running(package, running.CONFIG)
        executable, project = option("EXE") or _in_bindir(), option("PROJECT") or ""
        if executable or project:
            source = VARIABLES
            executable = _named(executable, project)
            version = check_julia(executable)
            check_project(package, project, version, source)
            return Found(True, False, executable, version, project, source)
        return _by_juliapkg(package)
    except _Lacking as lacking:
        return Found(
            False, False, executable, version, project, source, lacking.reason, lacking.fix
        )


def _check_juliacall() -> None:
    for name in ("juliacall", "juliapkg"):
        if name == "juliapkg" and option("EXE") and option("PROJECT"):
            continue  # not used then
        if name not in sys.modules and importlib.util.find_spec(name) is None:
            raise _Lacking(f"{name} is not installed", "run: pip install juliacall")
    version = juliacall_version()
    if version and numbers(version) < LEAST_JULIACALL:
        least = ".".join(map(str, LEAST_JULIACALL))
        raise _Lacking(
            f"juliacall is {version}, and can crash at exit before {least}",
            "run: pip install --upgrade juliacall",
        )


def juliacall_version() -> str:
    """The version of juliacall that is installed, or nothing."""
    try:
        return importlib.metadata.version("juliacall")
    except importlib.metadata.PackageNotFoundError:
        return ""


def _home() -> str | None:
    given = sys._xoptions.get("juliacall-home")
    return given if isinstance(given, str) else os.environ.get("PYTHON_JULIACALL_BINDIR")


def _in_bindir() -> str:
    home = _home()
    return os.path.join(home, "julia.exe" if os.name == "nt" else "julia") if home else ""


def _named(executable: str, project: str) -> str:
    if not (executable and project):
        given, other = ("EXE", "PROJECT") if executable else ("PROJECT", "EXE")
        raise _Lacking(
            f"PYTHON_JULIACALL_{given} is set and PYTHON_JULIACALL_{other} is not",
            "set both of them, or neither",
        )
    found = shutil.which(executable)
    if found is None:
        raise _Lacking(
            f"PYTHON_JULIACALL_EXE = {executable} is not an executable file",
            "set it to the full path of the program julia",
        )
    if not os.path.exists(project):
        raise _Lacking(
            f"PYTHON_JULIACALL_PROJECT = {project} does not exist",
            f"set it to the folder of a Julia project that holds {PACKAGE} and PythonCall",
        )
    return os.path.abspath(found)


def check_julia(executable: str) -> str:
    """The version of a Julia program that is new enough."""
    version = julia_version(executable)
    if not version:
        raise _Lacking(
            f"{executable} does not answer --version as Julia does",
            "name another with PYTHON_JULIAPKG_EXE, or see whether it runs in a terminal",
        )
    if numbers(version) < LEAST_JULIA:
        raise _Lacking(*_too_old(version, executable))
    return version


@functools.lru_cache(maxsize=16)
def julia_version(executable: str) -> str:
    """What ``julia --version`` says, or nothing."""
    try:
        said = subprocess.run(
            [executable, "--version"], capture_output=True, text=True, timeout=30, check=True
        ).stdout.split()
    except (OSError, subprocess.SubprocessError, UnicodeError):
        return ""
    return said[2] if [word.lower() for word in said[:2]] == ["julia", "version"] else ""


def _too_old(version: str, executable: str) -> tuple[str, str]:
    least = ".".join(map(str, LEAST_JULIA))
    return (
        f"the Julia at {executable} is {version}; {least} or later is needed",
        "install a newer one (https://julialang.org/downloads), or take it off the path and "
        + INSTALL,
    )


def too_old(version: str, executable: str) -> str:
    """The message of a Julia that is too old."""
    return Found(False, reason=(lack := _too_old(version, executable))[0], fix=lack[1]).message


def wrong_version(version: str) -> str:
    """The message of a HodgkinNeurons that is not the one of this pyhodgkin."""
    return Found(False, reason=_wrong_version(version), fix=INSTALL).message


def _wrong_version(version: str) -> str:
    return f"{PACKAGE} is {version}, but this pyhodgkin goes with {requirements().version}"


def check_project(package: str, project: str, version: str, source: str) -> None:
    """Whether a project, or the shared one behind it, holds `package` and its PythonCall."""
    fix = (
        f"add it there (docs/julia.md), or unset {VARIABLES} and {INSTALL}"
        if source == VARIABLES
        else INSTALL
    )
    if os.environ.get("JULIA_LOAD_PATH"):
        return  # the packages may come from anywhere
    try:
        held = entries(Path(project), numbers(version))
    except BrokenProject as error:
        raise _Lacking(f"the Julia project is broken: {error}", fix) from None
    shared = resolved.depot() / "environments" / f"v{'.'.join(map(str, numbers(version)[:2]))}"
    if shared.is_dir():
        try:
            held = {**entries(shared, numbers(version)), **held}
        except BrokenProject:
            pass
    for name in ("PythonCall", package):
        if name not in held:
            raise _Lacking(f"the Julia project {project} has no {name}", fix)
    path = held[package].path
    if path is not None and not path.is_dir():
        raise _Lacking(f"the Julia project is broken: {package} is said to be in {path}", fix)
    if held[package].is_stale():
        raise _Lacking(
            f"the Julia project {project} is older than {package}, which needs other packages now",
            f"run Pkg.resolve() in it, or {fix}",
        )
    call = held["PythonCall"].version
    if call and call != juliacall_version():
        raise _Lacking(
            f"the Julia project {project} has PythonCall {call}, but juliacall is "
            f"{juliacall_version()}: they must be equal",
            f"{fix}, or: pip install juliacall=={call}",
        )
    if package == PACKAGE and held[package].version not in ("", requirements().version):
        raise _Lacking(_wrong_version(held[package].version), fix)


def _by_the_running(package: str, config: dict[str, str]) -> Found:
    """Julia runs already, by our doing or somebody else's."""
    executable, project = config.get("exepath"), config.get("project")
    if not (executable and project):  # Python runs in Julia, not Julia in Python
        return Found(True, source="running")
    version = check_julia(executable)
    check_project(package, project, version, "the Julia that runs in this process")
    return Found(True, False, executable, version, project, "running")


def _by_juliapkg(package: str) -> Found:
    """What juliapkg has resolved, or could."""
    state = resolved.look()
    project = str(state.project)
    if state.error:
        raise _Lacking(state.error, "mend the variable")
    if state.resolved or state.offline:
        executable = state.executable or ""
        if not executable:
            raise _Lacking(
                "no Julia was found, and PYTHON_JULIAPKG_OFFLINE forbids to download one",
                "install Julia (https://julialang.org/downloads) or set PYTHON_JULIAPKG_EXE",
            )
        version = check_julia(executable)
        check_project(package, project, version, "juliapkg")
        return Found(True, False, executable, version, project, state.source)
    reason = "the Julia packages are not installed yet"
    if not state.executable:
        reason = "no Julia was found, and its packages are not installed yet"
    elif state.source == "PYTHON_JULIAPKG_EXE":
        check_julia(state.executable)
    version = julia_version(state.executable) if state.executable else ""
    return Found(False, True, state.executable, version, project, state.source, reason, INSTALL)
