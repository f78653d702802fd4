"""Can the Julia engine start here, and if not, why, and what to do.

Looks at the environment, at files, and at ``julia --version``: starts nothing, downloads nothing.
"""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import os
import shutil
import sys
from dataclasses import dataclass, replace

from ...errors import BackendUnavailableError
from . import packages
from .environment import option
from .project import BrokenProject, entries, is_stale, shared
from .requirements import LEAST_JULIA, LEAST_JULIACALL, PACKAGE, numbers, requirements

INSTALL = "run: pyhodgkin doctor --install (downloads what is missing)"
VARIABLES = "PYTHON_JULIACALL_EXE and PYTHON_JULIACALL_PROJECT"
DOWNLOADS = "https://julialang.org/downloads"


class JuliaUnavailableError(BackendUnavailableError):
    """What is in the way of the Julia engine, and what to do about it."""

    def __init__(self, reason: str, fix: str) -> None:
        super().__init__(reason, fix)
        self.reason, self.fix = reason, fix

    def __str__(self) -> str:
        return f'backend = "julia": {self.reason}; {self.fix}'


def require(fine: object, reason: str, fix: str) -> None:
    """Raise a `JuliaUnavailableError` unless something is fine."""
    if not fine:
        raise JuliaUnavailableError(reason, fix)


@dataclass(frozen=True)
class Found:
    """The Julia that would start, and whether it can: else `reason` and `fix` say why not.

    `installable`: juliapkg may install what is missing.
    """

    ready: bool
    installable: bool = False
    executable: str = ""
    version: str = ""
    project: str = ""
    source: str = ""
    reason: str = ""
    fix: str = ""


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
    names = ("JULIA_", "PYTHON_JULIA", "PATH", "CONDA_PREFIX")
    variables = sorted(item for item in os.environ.items() if item[0].startswith(names))
    return (*variables, *sys._xoptions.items(), "juliacall" in sys.modules)


@functools.lru_cache(maxsize=16)
def _look(package: str, _: tuple[object, ...]) -> Found:
    found = Found(False)
    try:
        there = "juliacall" in sys.modules or importlib.util.find_spec("juliacall")
        require(there, "juliacall is not installed", "run: pip install juliacall")
        own, least = juliacall_version(), ".".join(map(str, LEAST_JULIACALL))
        crashes = f"juliacall is {own}, and can crash at exit before {least}"
        fine = not own or numbers(own) >= LEAST_JULIACALL
        require(fine, crashes, "run: pip install --upgrade juliacall")
        found = _candidate()
        if found.ready or found.installable:
            return found
        found = replace(found, version=check_julia(found.executable))
        check_project(package, found)
        return replace(found, ready=True)
    except JuliaUnavailableError as error:
        return replace(found, reason=error.reason, fix=error.fix)


def juliacall_version() -> str:
    """The version of juliacall that is installed, or nothing."""
    try:
        return importlib.metadata.version("juliacall")
    except importlib.metadata.PackageNotFoundError:
        return ""


def _candidate() -> Found:
    """The program and the project that juliacall would start, or has started."""
    running = sys.modules.get("juliacall")
    if running is not None and hasattr(running, "Base"):
        exe, project = (running.CONFIG.get(name) or "" for name in ("exepath", "project"))
        in_julia = not (exe and project)  # Python runs in Julia, not Julia in Python
        return Found(in_julia, executable=exe, project=project, source="running")
    home, program = option("BINDIR", flag="home"), "julia.exe" if os.name == "nt" else "julia"
    exe = option("EXE") or (os.path.join(home, program) if home else "")
    project = option("PROJECT") or ""
    if not (exe or project):
        return _of_juliapkg()
    given, other = ("EXE", "PROJECT") if exe else ("PROJECT", "EXE")
    alone = f"PYTHON_JULIACALL_{given} is set and PYTHON_JULIACALL_{other} is not"
    require(exe and project, alone, "set both of them, or neither")
    found, bad = shutil.which(exe), f"PYTHON_JULIACALL_EXE = {exe} is not an executable file"
    require(found, bad, "set it to the full path of the program julia")
    fix = f"set it to the folder of a Julia project that holds {PACKAGE} and PythonCall"
    there = os.path.exists(project)
    require(there, f"PYTHON_JULIACALL_PROJECT = {project} does not exist", fix)
    return Found(False, False, os.path.abspath(found or exe), "", project, VARIABLES)


def _of_juliapkg() -> Found:
    """What juliapkg has resolved, or could, in the environment as it is now."""
    try:
        import juliapkg
        from juliapkg.state import STATE, reset_state

        reset_state()
    except Exception as error:  # a variable with a value that it does not know
        raise JuliaUnavailableError(str(error), "correct that variable") from None
    found = Found(False, project=STATE["project"], source="juliapkg")
    if packages.is_resolved(STATE["meta"]):
        return replace(found, executable=juliapkg.executable())
    given, installed = STATE["override_executable"], os.path.join(STATE["install"], "bin")
    path = os.pathsep.join([installed, os.environ.get("PATH", "")])
    exe = shutil.which(given or "julia", path=path) or given or ""
    source = "PYTHON_JULIAPKG_EXE" if given else "julia on the path" if exe else ""
    found = replace(found, executable=exe, source=source)
    forbidden = "no Julia was found, and PYTHON_JULIAPKG_OFFLINE forbids to download one"
    if STATE["offline"]:
        require(exe, forbidden, f"install Julia ({DOWNLOADS}) or set PYTHON_JULIAPKG_EXE")
        return found
    version = check_julia(exe) if given else julia_version(exe)
    lacking = "the Julia packages are" if exe else "no Julia was found, and its packages are"
    reason = f"{lacking} not installed yet"
    return replace(found, installable=True, version=version, reason=reason, fix=INSTALL)


def check_julia(program: str) -> str:
    """The version of a Julia program that is new enough."""
    version, fix = julia_version(program), "name another with PYTHON_JULIAPKG_EXE, or see whether"
    silent = f"{program} does not answer --version as Julia does"
    require(version, silent, f"{fix} it runs in a terminal")
    check_version(version, f"at {program}")
    return version


@functools.lru_cache(maxsize=16)
def julia_version(program: str) -> str:
    """What ``julia --version`` says, or nothing."""
    from juliapkg.find_julia import julia_version

    return str(julia_version(program) or "")


def check_version(version: str, where: str) -> None:
    """Raise where a Julia is too old."""
    least = ".".join(map(str, LEAST_JULIA))
    old = f"the Julia {where} is {version}; {least} or later is needed"
    fix = f"install a newer one ({DOWNLOADS}), or take it off the path and {INSTALL}"
    require(numbers(version) >= LEAST_JULIA, old, fix)


def check_package(version: str, fix: str = INSTALL) -> None:
    """Raise where HodgkinNeurons is not of this pyhodgkin."""
    ours = requirements().version
    other = f"{PACKAGE} is {version}, but this pyhodgkin goes with {ours}"
    require(version in ("", ours), other, fix)


def check_project(package: str, found: Found) -> None:
    """Whether a project, or the shared one behind it, holds `package` and its PythonCall."""
    if os.environ.get("JULIA_LOAD_PATH"):
        return  # the packages may come from anywhere
    julia, fix, project = numbers(found.version), INSTALL, f"the Julia project {found.project}"
    if found.source == VARIABLES:
        fix = f"add it there (docs/julia.md), or unset {VARIABLES} and {INSTALL}"
    try:
        held = {**shared(julia), **entries(found.project, julia)}
        for name in ("PythonCall", package):
            require(name in held, f"{project} has no {name}", fix)
        stale = is_stale(package, held[package])
    except BrokenProject as error:
        raise JuliaUnavailableError(f"the Julia project is broken: {error}", fix) from None
    older = f"{project} is older than {package}, which needs other packages now"
    require(not stale, older, f"run Pkg.resolve() in it, or {fix}")
    call, own = held["PythonCall"].get("version", ""), juliacall_version()
    unequal = f"{project} has PythonCall {call}, but juliacall is {own}: they must be equal"
    require(call in ("", own), unequal, f"{fix}, or: pip install juliacall=={call}")
    if package == PACKAGE:
        check_package(held[package].get("version", ""), fix)
