"""Nothing is sent or fetched while the package is used."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
USE = """
import sys

def refuse(event, args):
    if event in ("socket.getaddrinfo", "socket.gethostbyname", "urllib.Request"):
        raise AssertionError(f"{event} {args}")
    if event == "socket.connect" and isinstance(args[1], tuple):
        raise AssertionError(f"{event} {args[1]}")

sys.addaudithook(refuse)
import pyhodgkin as ph

axon = ph.library.get("squid_axon")
clamp = ph.CurrentClamp.step(10.0, start=2.0, stop=18.0, t_end=20.0)
recording = ph.Recording.from_solution(ph.simulate(axon, clamp, saveat=0.1), noise=0.1)
recording.to_csv("cell.csv")
start = axon.with_parameters(k__g=30.0)
result = ph.fit(start, ph.read("cell.csv"), trainable="k.g", progress=False)
result.save("run")
ph.FitResult.load("run").report("report.html")
result.neuron.export("nmodl", "exported")
print("none")
"""
ADDRESS = re.compile(r"""(?:src|href)\s*=\s*["']https?:|url\(\s*["']?https?:|@import""")


def test_use_makes_no_connection(tmp_path):
    command = [sys.executable, "-c", USE]
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert run.stdout.strip().endswith("none"), run.stderr[-3000:]
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    loaded = [m for m in ADDRESS.findall(page) if "href" not in m]
    assert not loaded, "the report would load something"


def test_each_dependency_has_a_reason_and_a_bound():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = list(project["dependencies"])
    for name, packages in project["optional-dependencies"].items():
        wanted += packages if name not in ("test", "docs") else []
    page = (ROOT / "docs" / "dependencies.md").read_text("utf-8")
    for text in wanted:
        if not text.startswith("pyhodgkin["):
            name, bound = re.match(r"([\w.-]+)>=([\w.]+)", text).groups()
            assert name in page and bound in page, text
