"""What a new user does first, with an installed package: run where no checkout is.

Prints one line with the versions and what was found; any failure is a traceback and exit code 1.
"""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np

import pyhodgkin as ph


def main() -> None:
    package = Path(ph.__file__).resolve().parent
    assert package.is_relative_to(Path(sys.prefix).resolve()), f"another copy is used: {package}"
    squid = ph.library.get("squid_axon")
    clamp = ph.CurrentClamp.step(10.0, start=5.0, stop=45.0, t_end=50.0)
    spikes = ph.simulate(squid, clamp, backend="torch").spike_times()
    np.testing.assert_allclose(spikes, [6.8988, 21.7962, 36.4368], atol=0.02)

    cell = ph.Recording.from_solution(
        ph.simulate(squid, clamp, saveat=0.1, backend="torch"), noise=0.1, name="cell"
    )
    ph.RecordingSet(cell).to_csv("cell.csv")
    read = ph.read("cell.csv")
    start = squid.with_parameters(**{"k.g": 30.0, "na.g": 100.0})
    result = ph.fit(start, read, trainable=["k.g", "na.g"], backend="torch", progress=False)
    assert abs(result.neuron.parameter("k.g") - 36.0) < 1.0, result
    result.save("run")
    assert ph.FitResult.load("run").neuron == result.neuron
    result.report("run/report.html")
    files = result.neuron.export("nmodl", "exported")
    assert all(path.exists() for path in files)
    assert (package / "julia" / "Project.toml").exists() and (package / "juliapkg.json").exists()
    python = ".".join(map(str, sys.version_info[:3]))
    parts = ", ".join(
        f"{name} {version(name)}" for name in ("pyhodgkin", "torch", "numpy", "numba")
    )
    print(f"  works: Python {python}, {parts}")


if __name__ == "__main__":
    main()
