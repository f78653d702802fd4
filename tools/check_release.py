"""Build the wheel and the source archive, and try the wheel where nothing else is.

    python tools/check_release.py                                # this Python
    python tools/check_release.py python3.10 python3.12 python3.13
    python tools/check_release.py --torch 2.4.1 --numpy 1.26.4 python3.11   # the oldest allowed

Both archives are built in a copy of the files that git knows, `twine check` reads what the index
would show, and for each Python the wheel is installed into an empty environment in a temporary
folder, where `tools/release_trial.py` runs outside of the checkout. The exit code is 1 where
anything fails.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINUX_CPU = "https://download.pytorch.org/whl/cpu/torch/"


def run(*command: object, cwd: Path | None = None) -> str:
    """Output of a command; what it says where it fails."""
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"`{' '.join(words)}` failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def build(folder: Path) -> tuple[Path, Path]:
    """A wheel and a source archive of the files that git knows."""
    copy = folder / "checkout"
    for name in run("git", "ls-files", cwd=ROOT).splitlines():
        target = copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)
    out = folder / "dist"
    run(
        sys.executable,
        "-m",
        "hatchling",
        "build",
        "-d",
        out,
        "-t",
        "sdist",
        "-t",
        "wheel",
        cwd=copy,
    )
    (wheel,), (source,) = out.glob("*.whl"), out.glob("*.tar.gz")
    print(run(sys.executable, "-m", "twine", "check", "--strict", wheel, source).strip())
    for archive in (wheel, source):
        print(f"{archive.name}: {archive.stat().st_size / 1e6:.2f} MB")
    return wheel, source


def environment(folder: Path, python: str) -> Path:
    """Python of a new, empty environment."""
    run(python, "-m", "venv", folder)
    return folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"


def try_wheel(wheel: Path, folder: Path, python: str, pins: list[str]) -> None:
    """Install the wheel with its dependencies and nothing else, and run the trial."""
    inside = environment(folder / "environment", python)
    pip = [inside, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run(*pip, wheel, *pins)
    run(inside, "-m", "pip", "check")
    trial = folder / "trial"
    trial.mkdir()
    shutil.copy2(ROOT / "tools" / "release_trial.py", trial)
    # -I: whatever PYTHONPATH says
    print(run(inside, "-I", "release_trial.py", cwd=trial).strip())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("pythons", nargs="*", default=[sys.executable])
    parser.add_argument("--torch", help="its version; default the newest that pip finds")
    parser.add_argument("--numpy", help="its version; default the newest that pip finds")
    parser.add_argument("--pin", action="append", default=[], help="another requirement, name==1.0")
    given = parser.parse_args()
    named = {"torch": given.torch, "numpy": given.numpy}
    pins = [f"{name}=={version}" for name, version in named.items() if version] + given.pin
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        wheel, _ = build(folder)
        for i, python in enumerate(given.pythons):
            own = folder / f"python{i}"
            own.mkdir()
            print(f"{run(python, '--version').strip()}, {', '.join(pins) or 'newest'}:", flush=True)
            try_wheel(wheel, own, python, pins)
            shutil.rmtree(own / "environment")


if __name__ == "__main__":
    main()
