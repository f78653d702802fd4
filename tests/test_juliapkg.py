"""What juliapkg is told, and that a wheel brings the Julia package along."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

import pyhodgkin
from pyhodgkin.backends.julia.requirements import PACKAGE, requirements

ROOT = Path(__file__).resolve().parent.parent
JULIA = ROOT / "julia"
PROJECT = (JULIA / "Project.toml").read_text("utf-8")


def field(name: str) -> str:
    """A string at the top of Project.toml."""
    (line,) = (line for line in PROJECT.splitlines() if line.startswith(f"{name} = "))
    return line.split("=")[1].strip().strip('"')


def test_juliapkg_and_the_julia_package_agree():
    data = json.loads((ROOT / "juliapkg.json").read_text("utf-8"))
    entry = data["packages"][PACKAGE]
    assert field("name") == PACKAGE and entry["uuid"] == field("uuid")
    assert entry["version"] == f"={field('version')}" == f"={requirements().version}"
    assert entry["dev"] is True and requirements().folder == JULIA
    assert data["julia"] == "~1.10.3"  # the series that the tests run on


def test_names_that_both_languages_know_are_listed_once():
    from pyhodgkin.backends.julia.requirements import names

    texts = [*(JULIA / "src").rglob("*.jl"), *(ROOT / "pyhodgkin" / "backends").rglob("julia/*.py")]
    for first, second in (names("solvers")[4:6], names("sensitivities")[:2]):
        listed = re.compile(f'^[^{{]*"{first}",\\s*"{second}"', re.MULTILINE)
        assert not [file for file in texts if listed.search(file.read_text("utf-8"))]


def test_the_julia_package_is_pure():
    assert "PythonCall" not in PROJECT


def test_juliapkg_takes_it(tmp_path, monkeypatch):
    """It accepts a package in a folder together with a version, and finds the folder."""
    pytest.importorskip("juliapkg")
    from juliapkg import deps

    monkeypatch.setattr(deps, "deps_files", lambda: [str(ROOT / "juliapkg.json")])
    compat, (package,) = deps.find_requirements()
    assert str(compat) == "~1.10.3" and package.name == PACKAGE
    assert Path(package.path) == JULIA and package.dev
    assert str(package.version) == f"={field('version')}"


def test_juliapkg_finds_it_from_the_checkout_or_the_environment(tmp_path):
    code = "from juliapkg.deps import deps_files; print(*deps_files(), sep='\\n')"
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert str(requirements().file) in found


@pytest.fixture(scope="session")
def built(tmp_path_factory) -> dict[str, Path]:
    """A wheel and a source archive, built from a copy of what they may take."""
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("built")
    copy = folder / "copy"
    skip = shutil.ignore_patterns("__pycache__", ".*", "*.egg-info", "data")
    for name in ("pyhodgkin", "julia", "docs", "tests"):
        shutil.copytree(ROOT / name, copy / name, ignore=skip)
    for file in ROOT.iterdir():
        if file.is_file():
            shutil.copy(file, copy)
    (copy / "julia" / "Manifest.toml").write_text("")
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder), "-t", "wheel"]
    done = subprocess.run([*command, "-t", "sdist"], cwd=copy, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return {"wheel": wheel, "sdist": sdist}


def sources() -> set[str]:
    return {
        path.relative_to(ROOT).as_posix()
        for part in ("src", "ext")
        for path in (JULIA / part).rglob("*.jl")
    }


def test_the_wheel_brings_the_julia_package(built):
    names = set(zipfile.ZipFile(built["wheel"]).namelist())
    named = {"julia/Project.toml", "julia/src/names.json", "juliapkg.json"}
    wanted = sources() | named | {"backends/julia/bridge.jl"}
    assert {f"pyhodgkin/{name}" for name in wanted} <= names
    assert not any("Manifest" in name or "julia/test/" in name for name in names)
    assert not any(name.startswith(("julia", "tests")) for name in names)


def test_an_editable_install_has_no_second_copy(tmp_path):
    pytest.importorskip("hatchling")
    pytest.importorskip("editables")
    code = "import sys; from hatchling import build; print(build.build_editable(sys.argv[1]))"
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    names = zipfile.ZipFile(tmp_path / done.stdout.split()[-1]).namelist()
    assert not any(name.endswith("juliapkg.json") or "julia/" in name for name in names)


def test_the_source_archive_can_be_built_from(built):
    names = {name.split("/", 1)[1] for name in tarfile.open(built["sdist"]).getnames()}
    named = {"julia/Project.toml", "juliapkg.json", "pyproject.toml", "hatch_build.py"}
    assert sources() | named <= names
    assert not any("Manifest" in name for name in names)


@pytest.fixture(scope="session")
def installed(built, tmp_path_factory) -> Path:
    """Python of an environment that holds the wheel; its dependencies are those of this one."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=False, symlinks=os.name != "nt")
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    site = next(folder.glob("**/site-packages"))
    with zipfile.ZipFile(built["wheel"]) as wheel:
        wheel.extractall(site)
    # A path named here is not searched for .pth files, so that an editable install stays out.
    others = [path for path in sys.path if path.endswith("site-packages")]
    (site / "dependencies.pth").write_text("\n".join(others) + "\n")
    return python


def run(python: Path, code: str, folder: Path) -> str:
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [python, "-c", code], cwd=folder, capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_wheel_works_outside_the_checkout(installed, tmp_path):
    code = (
        "import pyhodgkin, pathlib; from juliapkg.deps import find_requirements as find;"
        "from pyhodgkin.backends.julia.requirements import requirements;"
        "home = pathlib.Path(pyhodgkin.__file__).parent; assert 'site-packages' in str(home);"
        "assert requirements().folder == home / 'julia';"
        "(ours,) = [p for p in find()[1] if p.name == 'HodgkinNeurons'];"
        "assert pathlib.Path(ours.path) == home / 'julia', ours.path;"
        "print(pyhodgkin.__version__)"
    )
    assert run(installed, code, tmp_path).splitlines()[-1] == pyhodgkin.__version__


def test_the_wheel_solves_on_torch(installed, tmp_path):
    assert run(installed, SOLVE.format("torch"), tmp_path) == "[6.9]"


@pytest.mark.julia
def test_the_wheel_solves_on_julia(installed, tmp_path):
    assert run(installed, SOLVE.format("julia"), tmp_path) == "[6.9]"


SOLVE = (
    "import pyhodgkin as ph; squid = ph.library.get('squid_axon');"
    "clamp = ph.CurrentClamp.step(10.0, start=5.0, stop=15.0, t_end=20.0);"
    "print(ph.simulate(squid, clamp, backend='{}').spike_times().round(2).tolist())"
)
