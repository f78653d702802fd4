"""What a Julia project holds, read from its files without Julia."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from .environment import depots

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Entry = dict[str, Any]  # a package of a manifest: its table, with the folder it is developed in


class BrokenProject(Exception):
    """A project that cannot be used; the message says why."""


def entries(project: str | Path, julia: tuple[int, ...]) -> dict[str, Entry]:
    """The packages that the manifest of a project pins for a version of Julia, by name.

    Raises `BrokenProject` when there is no project, no manifest, or one that cannot be read.
    """
    folder = Path(project) if os.path.isdir(project) else Path(project).parent
    if not (os.path.isfile(project) or _first(folder, "JuliaProject.toml", "Project.toml")):
        raise BrokenProject(f"{project} holds no Project.toml")
    series = ".".join(map(str, julia[:2]))  # since 1.10.8 a manifest of its own goes first
    own = f"JuliaManifest-v{series}.toml", f"Manifest-v{series}.toml"
    file = _first(folder, *own, "JuliaManifest.toml", "Manifest.toml")
    if file is None:
        raise BrokenProject(f"{folder} has no Manifest.toml: its packages were never installed")
    held: dict[str, Entry] = {k: several[-1] for k, several in _read(file).get("deps", {}).items()}
    for entry in held.values():
        if "path" in entry:
            entry["path"] = Path(os.path.normpath(folder / entry["path"]))
    return held


def is_stale(name: str, entry: Entry) -> bool:
    """Whether a package, in the folder it is developed in, needs others than the manifest has."""
    folder = entry.get("path")
    if folder is not None and not folder.is_dir():
        raise BrokenProject(f"{name} is said to be in {folder}")
    if folder is None or not (folder / "Project.toml").is_file():
        return False
    # `deps` is a list of names, or a table where two packages have one name.
    return not set(entry.get("deps", ())).issuperset(_read(folder / "Project.toml").get("deps", {}))


def shared(julia: tuple[int, ...]) -> dict[str, Entry]:
    """The packages of the user's own project for this series of Julia, if there is one."""
    try:
        return entries(depots()[0] / "environments" / f"v{julia[0]}.{julia[1]}", julia)
    except BrokenProject:
        return {}


def _first(folder: Path, *names: str) -> Path | None:
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BrokenProject(f"{file} cannot be read: {error}") from None
