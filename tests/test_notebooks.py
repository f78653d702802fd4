"""The notebooks run from top to bottom, at reduced size."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path: Path) -> None:
    for name in ("nbmake", "ipykernel"):
        pytest.importorskip(name, reason=f'{name} is not installed: pip install -e ".[test]"')
    if "population" in path.stem:
        pytest.importorskip("zarr", minversion="3")
    command = [sys.executable, "-m", "pytest", "-q", "-o", "addopts=", "-p", "no:cacheprovider"]
    command += ["--nbmake", "--nbmake-timeout=300", str(path)]
    environment = os.environ | {"PYHODGKIN_NOTEBOOK_QUICK": "1", "MPLBACKEND": "Agg"}
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_keeps_its_outputs(path: Path) -> None:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    assert not [out for cell in code for out in cell["outputs"] if out["output_type"] == "error"]
    assert "(quick)" not in "".join(str(cell["outputs"]) for cell in code)
    assert path.stat().st_size < 1_000_000
