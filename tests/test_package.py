"""The package as a whole: its public names, what importing it costs, its papers."""

from __future__ import annotations

import ast
import importlib
import logging
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import pyhodgkin as ph

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")
HEAVY = ("torch", "juliacall", "juliapkg", "matplotlib", "scipy", "safetensors", "rich")


def python(code: str) -> str:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_importing_the_package_imports_nothing_heavy():
    assert python(f"import sys, pyhodgkin; print([m for m in {HEAVY} if m in sys.modules])") == "[]"


def test_describing_an_experiment_needs_no_engine():
    code = (
        "import sys, pyhodgkin as ph; ph.library.get('squid_axon').theta;"
        "ph.CurrentClamp.step(7.0, 10, 60, 100).segments; ph.Recording; ph.Solution; ph.Loss;"
        f"print([m for m in {HEAVY} if m in sys.modules])"
    )
    assert python(code) == "[]"


@pytest.mark.parametrize("name", dir(ph))
def test_every_public_name_loads(name):
    assert getattr(ph, name) is not None


def test_each_public_name_is_listed_once():
    tree = ast.parse(Path(ph.__file__).with_suffix(".pyi").read_text("utf-8"))
    listed = [a.asname for n in tree.body if isinstance(n, ast.ImportFrom) for a in n.names]
    assert sorted(listed) == sorted(ph.__all__) and len(set(listed)) == len(listed)


@pytest.mark.parametrize(
    "code",
    [
        "from pyhodgkin.rates import Exponential, Linoid, Sigmoid",
        "from pyhodgkin.library import get; get('squid_axon')",
        "from pyhodgkin.document import load, save",
        "from pyhodgkin.protocols import CurrentClamp",
        "from pyhodgkin import CurvePenalty, SolveOptions, Stage, StepInfo, upsample_with_model",
    ],
)
def test_public_modules_are_imported_by_their_names(code):
    assert python(f"{code}; print('done')") == "done"


def test_a_verb_stays_a_function_after_its_module_is_imported():
    code = (
        "import pyhodgkin._simulate, pyhodgkin._fit; from pyhodgkin import fit;"
        "import pyhodgkin as ph; print(callable(ph.simulate), ph.fit is fit)"
    )
    assert python(code) == "True True"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="simulat"):
        ph.simulat  # noqa: B018


def test_one_version_everywhere():
    assert version("pyhodgkin") == ph.__version__
    assert f"version: {ph.__version__}\n" in (ROOT / "CITATION.cff").read_text("utf-8")
    assert ph.__version__ in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_the_readme_names_the_two_commands_that_ci_and_users_run():
    for command in ("make demo", "make test"):
        assert f"```bash\n{command}\n```" in README
    assert "make test" in (ROOT / ".ci" / "run").read_text("utf-8")
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text("utf-8"), flags=re.MULTILINE)
    assert {"demo", "test"} <= set(targets)


def python_blocks(text: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)


def test_the_first_example_of_the_readme_is_short():
    assert len(python_blocks(README)[0].splitlines()) <= 25


@pytest.fixture
def levels_restored():
    """A page may set the levels of loggers."""
    loggers = [logging.getLogger(name) for name in ("pyhodgkin.notices", "pyhodgkin.fit")]
    before = [logger.level for logger in loggers]
    yield
    for logger, level in zip(loggers, before, strict=True):
        logger.setLevel(level)


@pytest.mark.usefixtures("levels_restored")
@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        "docs/index.md",
        "docs/evaluation.md",
        "docs/training.md",
        "docs/populations.md",
        "docs/rates.md",
        "docs/plotting.md",
        "docs/excitability.md",
        "docs/networks.md",
        "docs/own_programs.md",
        "docs/interchange.md",
    ],
)
def test_the_examples_run_from_top_to_bottom(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    for i, code in enumerate(python_blocks((ROOT / page).read_text("utf-8"))):
        exec(compile(code, page, "exec"), names)
        if (page, i) == ("README.md", 0):
            # The spikes of the recordings held out come when they should.
            result = names["result"]
            assert result.heldout_error is not None
            assert result.train_error.rmse[result.best].max() < 0.1
            assert (result.heldout_error.rmse[result.best] < 0.3).all()


def test_the_picture_is_drawn_from_the_first_example(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    code = importlib.import_module("picture").first_example()
    assert code == python_blocks(README)[0] and "ph.fit(" in code


def test_the_readme_links_to_files_that_exist():
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_ruff_is_clean():
    pytest.importorskip("ruff")
    command = [sys.executable, "-m", "ruff", "check", "--quiet", "."]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
