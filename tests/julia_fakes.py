"""Julia programs and projects that are none, for what is decided before Julia starts."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

from pyhodgkin.backends.julia.requirements import PACKAGE, requirements

JULIACALL = importlib.metadata.version("juliacall")
UUIDS = {
    "PythonCall": "6099a3de-0909-46bc-b1f4-468b9a2dfc0d",
    PACKAGE: "8d0f2c5e-5b0a-4a53-9d3c-3f1f6a6f5b17",
}


def program(folder: Path, version: str = "1.10.9", says: str | None = None) -> Path:
    """A shell script that answers ``--version``."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "julia"
    text = f"julia version {version}" if says is None else says
    path.write_text(f'#!/bin/sh\necho "{text}"\n')
    path.chmod(0o755)
    return path


def project(folder: Path, manifest: bool = True, **versions: str) -> Path:
    """A project with the packages that are needed; ``PythonCall=""`` leaves one out."""
    held = {"PythonCall": JULIACALL, PACKAGE: requirements().version, **versions}
    folder.mkdir(parents=True, exist_ok=True)
    deps = "".join(f'{name} = "{UUIDS[name]}"\n' for name in held if held[name])
    (folder / "Project.toml").write_text(f"[deps]\n{deps}")
    text = 'julia_version = "1.10.9"\nmanifest_format = "2.0"\nproject_hash = "0"\n'
    for name, version in held.items():
        if version:
            text += f'\n[[deps.{name}]]\ndeps = ["Dates", "Libdl"]\n'
            text += 'path = "../package"\n' if name == PACKAGE else 'git-tree-sha1 = "0"\n'
            text += f'uuid = "{UUIDS[name]}"\nversion = "{version}"\n'
            text += f'weakdeps = ["A",\n    "B"]\n\n    [deps.{name}.extensions]\n    E = "A"\n'
    (folder.parent / "package").mkdir(exist_ok=True)
    if manifest:
        (folder / "Manifest.toml").write_text(text)
    return folder
