"""Makes the virtual environment that the Makefile's commands run in; does nothing where it is made.

Usage: ``python3 tools/environment.py FOLDER {run,test} [cpu|cuda]``. Only the standard library is
imported, and nothing newer than Python 3.6 is written here, so that an older Python gets a message
and not a traceback.
"""

import hashlib
import os
import shutil
import subprocess
import sys

LEAST_PYTHON = (3, 10)
TORCH = "2.13.0"
# Space that the installed packages and pip's temporary files need, in GB.
NEEDED = {"cpu": 3.0, "cuda": 12.0}
# The CPU builds of torch: on Linux the build on PyPI brings the CUDA libraries.
CPU_BUILDS = "https://download.pytorch.org/whl/cpu/torch/"
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def fail(text):
    """End with a message, and no traceback."""
    sys.exit("error: " + text)


def check_python():
    """Refuse a Python that is too old, or that cannot make virtual environments."""
    if sys.version_info < LEAST_PYTHON:
        fail(
            f"Python {sys.version_info[0]}.{sys.version_info[1]} is too old: pyhodgkin needs "
            f"{LEAST_PYTHON[0]}.{LEAST_PYTHON[1]} or later. Install one and name it, for instance "
            "`make PYTHON=python3.12 demo`"
        )
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        fail(
            "this Python has no venv module: install it (on Debian and Ubuntu `apt install "
            "python3-venv`), or name another one, `make PYTHON=python3.12 demo`"
        )


def check_disk(folder, torch):
    """Refuse a disk that is too full for what will be installed."""
    free, needed = shutil.disk_usage(os.path.dirname(folder)).free / 1e9, NEEDED[torch]
    if free < needed:
        fail(
            f"{free:.1f} GB are free for {folder}, and the installation needs about "
            f"{needed:.0f} GB: free some space, or put it elsewhere, `make VENV=/path/to/venv demo`"
        )


def run(*command):
    """Run a command; its own output says what is wrong with it."""
    done = subprocess.run(command, cwd=ROOT)
    if done.returncode:
        fail(f"`{' '.join(command)}` failed with exit code {done.returncode} (see above)")


def fingerprint(extra, torch):
    """What the environment depends on: when it changes, it is installed again."""
    text = "\n".join([sys.version, extra, torch, TORCH, ROOT])
    with open(os.path.join(ROOT, "pyproject.toml"), "rb") as file:
        content = file.read()
    with open(os.path.join(ROOT, "constraints.txt"), "rb") as file:
        content += file.read()
    return hashlib.sha256(text.encode() + content).hexdigest()


def installed_torch(python):
    """Version of torch in the environment, "" where there is none."""
    code = "import importlib.metadata as m; print(m.version('torch'))"
    done = subprocess.run([python, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return done.stdout.decode()


def install(python, extra, torch):
    """Install torch, then the package in place with what `extra` asks for."""
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    linux_cpu = torch == "cpu" and sys.platform.startswith("linux")
    wanted = "torch==" + TORCH + ("+cpu" if linux_cpu else "")
    print(f"installing {wanted} ...", flush=True)
    if not linux_cpu and "+cpu" in installed_torch(python):
        # pip takes the CPU build for the same version and would keep it.
        run(python, "-m", "pip", "uninstall", "--quiet", "--yes", "torch")
    # Without its page the CPU build can still come from a folder that pip is configured with.
    source = ["--find-links", CPU_BUILDS, "--retries", "1"] if linux_cpu else []
    run(*pip, "--no-deps", *source, wanted)  # what it needs comes with the package
    what = f".[{extra}]" if extra else "."
    print(f"installing pyhodgkin{' and what its tests need' if extra else ''} ...", flush=True)
    run(*pip, "-c", "constraints.txt", "-e", what, wanted)


def main(folder, purpose="run", torch="cpu"):
    """Make the environment in `folder`, for running ("run") or for the tests ("test")."""
    if purpose not in ("run", "test"):
        fail(f'purpose "{purpose}": give run or test')
    if torch not in NEEDED:
        fail(f'TORCH={torch}: give "cpu" (the default) or "cuda"')
    check_python()
    folder = os.path.abspath(folder)
    extra = {"run": "", "test": "test"}[purpose]
    stamps = {name: os.path.join(folder, ".installed-" + (name or "run")) for name in ("", "test")}
    # What the tests need includes what running needs.
    for name in {extra, "test"}:
        if os.path.exists(stamps[name]):
            with open(stamps[name]) as file:
                if file.read() == fingerprint(name, torch):
                    return
    check_disk(folder, torch)
    windows = os.name == "nt"
    python = os.path.join(folder, "Scripts" if windows else "bin", "python")
    if not os.path.exists(python):
        print(f"making a virtual environment in {folder} ...", flush=True)
        run(sys.executable, "-m", "venv", folder)
    install(python, extra, torch)
    for stamp in stamps.values():
        if os.path.exists(stamp):
            os.remove(stamp)
    with open(stamps[extra], "w") as file:
        file.write(fingerprint(extra, torch))


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 4:
        fail("usage: python3 tools/environment.py FOLDER {run,test} [cpu|cuda]")
    try:
        main(*sys.argv[1:])
    except OSError as problem:
        fail(f"{problem.filename or sys.argv[1]}: {problem.strerror or problem}")
    except KeyboardInterrupt:
        fail("interrupted; run the same command again to go on")
