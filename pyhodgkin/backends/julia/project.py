"""What a Julia project holds, read from its files without Julia."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .environment import depots

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


class BrokenProject(Exception):
    """A project that cannot be used; the message says why."""


@dataclass(frozen=True)
class Entry:
    """A package of a manifest; `path` where it is developed in a folder."""

    name: str
    version: str
    path: Path | None
    dependencies: frozenset[str]

    def is_stale(self) -> bool:
        """Whether the package, in its folder, needs others than the manifest knows of."""
        if self.path is None:
            return False
        if not self.path.is_dir():
            raise BrokenProject(f"{self.name} is said to be in {self.path}")
        own = self.path / "Project.toml"
        return own.is_file() and not self.dependencies.issuperset(read(own).get("deps", {}))


def entries(project: str | Path, julia: tuple[int, ...]) -> dict[str, Entry]:
    """The packages that the manifest of a project pins for a version of Julia, by name.

    Raises
    ------
    BrokenProject
        When there is no project, no manifest, or one that cannot be read.
    """
    folder = Path(project) if os.path.isdir(project) else Path(project).parent
    if not (os.path.isfile(project) or _first(folder, "JuliaProject.toml", "Project.toml")):
        raise BrokenProject(f"{project} holds no Project.toml")
    series = ".".join(map(str, julia[:2]))  # since 1.10.8 a manifest of its own goes first
    own = f"JuliaManifest-v{series}.toml", f"Manifest-v{series}.toml"
    file = _first(folder, *own, "JuliaManifest.toml", "Manifest.toml")
    if file is None:
        raise BrokenProject(f"{folder} has no Manifest.toml: its packages were never installed")
    found = {}
    for name, several in read(file).get("deps", {}).items():
        for one in several:
            path = Path(os.path.normpath(folder / one["path"])) if "path" in one else None
            # `deps` is a list of names, or a table where two packages have one name.
            found[name] = Entry(name, one.get("version", ""), path, frozenset(one.get("deps", ())))
    return found


def shared(julia: tuple[int, ...]) -> dict[str, Entry]:
    """The packages of the user's own project for this series of Julia, if there is one."""
    try:
        return entries(depots()[0] / "environments" / f"v{julia[0]}.{julia[1]}", julia)
    except BrokenProject:
        return {}


def _first(folder: Path, *names: str) -> Path | None:
    return next((folder / name for name in names if (folder / name).is_file()), None)


def read(file: Path) -> dict[str, Any]:
    """A TOML file as a dictionary."""
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BrokenProject(f"{file} cannot be read: {error}") from None
