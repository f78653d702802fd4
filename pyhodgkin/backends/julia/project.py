"""What a Julia project holds, read from its files without Julia."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MANIFESTS = ("JuliaManifest.toml", "Manifest.toml")


class BrokenProject(Exception):
    """A project that cannot be used; the message says why."""


@dataclass(frozen=True)
class Entry:
    """A package of a manifest; `path` where it is developed in a folder."""

    name: str
    version: str
    path: Path | None
    dependencies: frozenset[str] | None = None

    def is_stale(self) -> bool:
        """Whether the package, in its folder, needs others than the manifest knows of."""
        if self.dependencies is None or self.path is None:
            return False
        own = self.path / "Project.toml"
        return own.is_file() and not self.dependencies.issuperset(read(own).get("deps", {}))


def entries(project: Path, julia: tuple[int, ...]) -> dict[str, Entry]:
    """The packages that a manifest pins, by name.

    Raises
    ------
    BrokenProject
        When there is no project, no manifest, or one that cannot be read.
    """
    folder = project if project.is_dir() else project.parent
    if not (
        project.is_file() or any((folder / f"{p}Project.toml").is_file() for p in ("Julia", ""))
    ):
        raise BrokenProject(f"{project} holds no Project.toml")
    file = manifest(folder, julia)
    if file is None:
        raise BrokenProject(f"{folder} has no Manifest.toml: its packages were never installed")
    data = read(file)
    packages = data.get("deps", {}) if "manifest_format" in data else data
    if not isinstance(packages, dict):
        raise BrokenProject(f"{file} is not a manifest")
    found = {}
    for name, several in packages.items():
        for one in several if isinstance(several, list) else ():
            path = one.get("path")
            where = None if path is None else Path(os.path.normpath(folder / path))
            needs = one.get("deps", [])  # a table where two packages have one name
            known = frozenset(needs) if isinstance(needs, (list, dict)) else None
            found[name] = Entry(name, str(one.get("version", "")), where, known)
    return found


def manifest(folder: Path, julia: tuple[int, ...]) -> Path | None:
    """The manifest that Julia takes: since 1.10.8 one of its own version goes first."""
    version = ".".join(map(str, julia[:2]))
    own = (f"JuliaManifest-v{version}.toml", f"Manifest-v{version}.toml")
    return next((folder / n for n in (*own, *MANIFESTS) if (folder / n).is_file()), None)


def read(file: Path) -> dict[str, Any]:
    """A TOML file as a dictionary.

    Raises
    ------
    BrokenProject
        When it cannot be read.
    """
    try:
        text = file.read_text("utf-8")
        if sys.version_info >= (3, 11):
            import tomllib

            return tomllib.loads(text)
        return simple_toml(text)
    except (OSError, ValueError) as error:
        raise BrokenProject(f"{file} cannot be read: {error}") from None


def simple_toml(text: str) -> dict[str, Any]:
    """The TOML that Julia's package manager writes, as far as its names, versions and paths.

    For Python 3.10, which has no reader of TOML.

    Examples
    --------
    >>> simple_toml('manifest_format = "2.0"\\n[[deps.A]]\\nversion = "1.2.3"')
    {'manifest_format': '2.0', 'deps': {'A': [{'version': '1.2.3'}]}}
    """
    root: dict[str, Any] = {}
    table = root
    in_list = False  # of several lines; nothing that is asked for stands in one
    for line in (raw.strip() for raw in text.splitlines()):
        if in_list:
            in_list = not line.endswith("]")
        elif line.startswith("["):
            table = _table(root, line)
        elif "=" in line and not line.startswith("#"):
            key, _, value = (part.strip() for part in line.partition("="))
            table[key] = _value(value)
            in_list = value.startswith("[") and not value.endswith("]")
        elif line and not line.startswith("#"):
            raise ValueError(f"not understood: {line[:40]}")
    return root


def _table(root: dict[str, Any], line: str) -> dict[str, Any]:
    several = line.startswith("[[")
    names = line.strip("[]").split(".")
    if not line.endswith("]]" if several else "]"):
        raise ValueError(f"not understood: {line[:40]}")
    table: Any = root
    for name in names[:-1]:
        table = table.setdefault(name, {})
        table = table[-1] if isinstance(table, list) else table
    new: dict[str, Any] = {}
    if several:
        table.setdefault(names[-1], []).append(new)
    else:
        table[names[-1]] = new
    return new


def _value(text: str) -> Any:
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        inner = text[1:-1]
        return inner.replace("\\\\", "\\") if text[0] == '"' else inner
    if text.startswith("[") and text.endswith("]"):
        return [_value(part.strip()) for part in text[1:-1].split(",") if part.strip()]
    return {"true": True, "false": False}.get(text, text)
