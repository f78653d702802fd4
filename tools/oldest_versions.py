"""The oldest versions of the dependencies that `pyproject.toml` allows.

    python tools/oldest_versions.py            # print them, as requirements
    python tools/oldest_versions.py --install  # install them with the package and its tests

Installing is into the environment of the Python that runs this: make one for it.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
EXTRAS = ("readers", "xarray", "tensorboard", "population", "cluster", "features")
_LOWER = re.compile(r"^([\w.-]+)(?:\[[^\]]*\])?>=([\w.]+)(?:,[^;]*)?(?:;\s*(.*))?$")


def oldest() -> list[str]:
    """Requirements ``name==version`` with the lower bounds, markers kept."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = list(project["dependencies"])
    for extra in EXTRAS:
        wanted += project["optional-dependencies"][extra]
    found: dict[str, str] = {}
    for text in wanted:
        match = _LOWER.match(text.strip())
        if match is None:
            sys.exit(f"pyproject.toml: {text!r} states no lower bound")
        name, version, marker = match.groups()
        found.setdefault(name, f"{name}=={version}" + (f"; {marker}" if marker else ""))
    return list(found.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--install", action="store_true")
    requirements = oldest()
    print("\n".join(requirements))
    if parser.parse_args().install:
        pip = [sys.executable, "-m", "pip", "install", "-c", "constraints.txt"]
        extra = ",".join(EXTRAS)
        tests = ["pytest", "pytest-xdist", "hypothesis", "import-linter", "nbmake", "ruff",
                 "pyright", "ipykernel", "nbclient", "hatchling", "editables"]  # fmt: skip
        sys.exit(subprocess.call([*pip, "-e", f".[{extra}]", *requirements, *tests], cwd=ROOT))


if __name__ == "__main__":
    main()
