"""What juliapkg has resolved: where its project lies, and whether it is up to date.

juliapkg keeps the project in the virtual environment, or in Julia's depot, and in it
``pyjuliapkg/meta.json`` with the Julia it found and the hashes of the files it resolved.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .environment import option, package_option
from .requirements import PACKAGE, requirements


@dataclass(frozen=True)
class State:
    """`resolved`: a start needs no download. `executable` may be known without."""

    project: Path
    resolved: bool = False
    executable: str = ""
    offline: bool = False
    source: str = ""
    error: str = ""


def depots() -> list[Path]:
    """The folders in which Julia keeps packages and what it compiled, its own first."""
    named = [part for part in os.environ.get("JULIA_DEPOT_PATH", "").split(os.pathsep) if part]
    return [Path(part) for part in named] or [Path.home() / ".julia"]


def depot() -> Path:
    """The folder that Julia writes to."""
    return depots()[0]


def project() -> Path:
    """Where juliapkg keeps, or would keep, its project; the same rules as juliapkg's."""
    named = package_option("PROJECT")
    if named:
        return Path(named)
    prefix = sys.prefix if sys.prefix != sys.base_prefix else os.environ.get("CONDA_PREFIX")
    if prefix is None:
        return depot() / "environments" / "pyjuliapkg"
    return Path(prefix).absolute() / "julia_env"


def look() -> State:
    """What juliapkg would do, without letting it."""
    folder = project()
    if not folder.is_absolute():
        return State(folder, error=f"PYTHON_JULIAPKG_PROJECT = {folder} is not an absolute path")
    given = package_option("OFFLINE") or "no"
    if given not in ("yes", "no"):
        return State(folder, error=f'PYTHON_JULIAPKG_OFFLINE = {given}: give "yes" or "no"')
    meta = _meta(folder)
    if meta is not None and _up_to_date():
        return State(folder, True, str(meta["executable"]), given == "yes", "juliapkg")
    executable, source = find_julia(folder)
    return State(folder, False, executable, given == "yes", source)


def _meta(folder: Path) -> dict[str, object] | None:
    try:
        meta = json.loads((folder / "pyjuliapkg" / "meta.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return meta if isinstance(meta, dict) and meta.get("executable") else None


def _up_to_date() -> bool:
    """Whether juliapkg would start without resolving. It knows best; it only reads here."""
    try:
        from juliapkg import deps, state

        if not deps.STATE.get("resolved"):
            state.reset_state()  # the environment may have changed since it was imported
        with one_package():
            return bool(deps.can_skip_resolve())
    except Exception:
        return False


@contextlib.contextmanager
def one_package() -> Iterator[None]:
    """While juliapkg looks for juliapkg.json files: of those that bring our package, only ours.

    It looks in the current folder and in the folders there, too. A clone of pyhodgkin that lies
    about in one of them would stand against the installed one, and nothing could be resolved.
    """
    from juliapkg import deps

    every = deps.deps_files
    ours = requirements().file

    def fitting() -> list[str]:
        return [f for f in every() if PACKAGE not in _packages(f) or os.path.samefile(f, ours)]

    deps.deps_files = fitting
    try:
        yield
    finally:
        deps.deps_files = every


def _packages(file: str) -> list[str]:
    try:
        return list(json.loads(Path(file).read_text("utf-8")).get("packages", {}))
    except (OSError, ValueError):
        return []


def find_julia(folder: Path) -> tuple[str, str]:
    """The Julia that juliapkg would take without a download, and where it was found."""
    named = package_option("EXE")
    if named:
        return shutil.which(named) or named, "PYTHON_JULIAPKG_EXE"
    own = shutil.which(str(folder / "pyjuliapkg" / "install" / "bin" / "julia"))
    if own:
        return own, "juliapkg"
    found = shutil.which("julia")
    return (found, "julia on the path") if found else ("", "")


def resolve() -> None:
    """Let juliapkg install; what it says goes to standard error."""
    import juliapkg

    bounds = option("CHECK_BOUNDS")  # as juliacall hands it over, so that nothing compiles twice
    with contextlib.redirect_stdout(sys.stderr), one_package():
        juliapkg.resolve(julia_args=None if bounds is None else [f"--check-bounds={bounds}"])
