"""The script behind `make demo` and `make test`: what it refuses and installs."""

from __future__ import annotations

import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def tool(monkeypatch):
    """The functions of tools/environment.py, which installs nothing here."""
    module = runpy.run_path(str(ROOT / "tools" / "environment.py"), run_name="tool")
    functions = module["main"].__globals__
    commands: list[tuple[str, ...]] = []
    functions["run"] = lambda *command: commands.append(command)
    functions["commands"] = commands
    functions["installed_torch"] = lambda python: "2.13.0+cpu"
    return functions


def made(tool, folder, *arguments):
    """Make the environment; the folder is there afterwards, as `venv` would leave it."""
    folder.mkdir(exist_ok=True)
    tool["commands"].clear()
    tool["main"](str(folder), *arguments)
    return [" ".join(command) for command in tool["commands"]]


def test_it_installs_once(tool, tmp_path):
    first = made(tool, tmp_path / "venv", "run")
    assert any("torch==2.13.0" in line for line in first) and "-e ." in " ".join(first)
    assert made(tool, tmp_path / "venv", "run") == []
    assert any(".[test]" in line for line in made(tool, tmp_path / "venv", "test"))
    assert made(tool, tmp_path / "venv", "test") == made(tool, tmp_path / "venv", "run") == []


def test_another_build_of_torch_is_installed_again(tool, tmp_path):
    made(tool, tmp_path / "venv", "run")
    again = " ".join(made(tool, tmp_path / "venv", "run", "cuda"))
    assert "uninstall" in again and "torch==2.13.0" in again and "+cpu" not in again


def test_what_it_refuses(tool, tmp_path, monkeypatch):
    with pytest.raises(SystemExit, match='TORCH=rocm: give "cpu"'):
        made(tool, tmp_path / "venv", "run", "rocm")
    usage = shutil._ntuple_diskusage(10, 10, 1_000_000_000)  # type: ignore[attr-defined]
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda path: usage)
        with pytest.raises(SystemExit, match=r"1\.0 GB are free for .* VENV="):
            made(tool, tmp_path / "venv", "run")
    monkeypatch.setattr(sys, "version_info", (3, 9, 18))
    with pytest.raises(SystemExit, match=r"Python 3\.9 is too old: pyhodgkin needs 3\.10"):
        made(tool, tmp_path / "venv", "run")


def test_make_tells_what_there_is():
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and "make demo" in done.stdout and "TORCH=cuda" in done.stdout
