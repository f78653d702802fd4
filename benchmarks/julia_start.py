"""How long the Julia engine takes to start: fresh processes, from the import to a first gradient.

    python julia_start.py [repeats]           with everything precompiled by a first start
    python julia_start.py --allocations       bytes of one evaluation of the equations

`juliacall` is imported with its own steps timed: up to the moment Julia runs, then PythonCall.
"""

from __future__ import annotations

import atexit
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

STAGES = ("import pyhodgkin", "Julia itself", "PythonCall", "HodgkinNeurons", "first solve",
    "first gradient")  # fmt: skip
ROOT = Path(__file__).resolve().parents[1]

ALLOCATIONS = """
using HodgkinNeurons: HodgkinNeurons as H
for path in ARGS
    neuron = H.load(path)
    model = H.bind!(H.Model{Float64}(neuron.system), neuron.theta)
    y = H.steady_state!(zeros(H.n_states(neuron.system)), -60.0, model)
    dy, jacobian = zero(y), zeros(length(y), length(y))
    bytes(f::F, arguments...) where {F} = (f(arguments...); @allocated f(arguments...))
    println(neuron.system.name, ": right-hand side ", bytes(H.rhs!, dy, y, 1.0, model),
        ", Jacobian ", bytes(H.jacobian!, jacobian, y, 1.0, model), " bytes")
end
"""


def probe() -> None:
    """One start in this process; the time after each stage as a line of JSON."""
    moments = [time.perf_counter()]

    def stage() -> None:
        moments.append(time.perf_counter())

    import pyhodgkin as ph

    stage()
    register = atexit.register

    def registered(f, *args, **kwargs):
        # juliacall's first deed after Julia has started.
        if getattr(f, "__name__", "") == "at_jl_exit":
            stage()
        return register(f, *args, **kwargs)

    atexit.register = registered
    from pyhodgkin.backends.julia import start

    inner = start._juliacall
    start._juliacall = lambda package: (inner(package), stage())[0]
    engine = ph.backends.get("julia")
    stage()
    squid = ph.library.get("squid_axon")
    clamp = ph.CurrentClamp.step(10.0, start=5.0, stop=45.0, t_end=50.0)
    found = ph.simulate(squid, clamp, saveat=0.1, backend=engine)
    stage()
    recording = ph.Recording(found.t, clamp, v=found.v + 1.0)
    engine.value_and_grad(squid, [recording], squid.theta, ph.Loss())
    stage()
    print(json.dumps([b - a for a, b in pairwise(moments)]))


def starts(repeats: int) -> None:
    """A table of the stages over some fresh processes."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYHODGKIN_QUIET": "1"}
    command = [sys.executable, "-W", "ignore", __file__, "--probe"]
    rows = []
    for i in range(repeats + 1):
        said = subprocess.run(command, env=env, check=True, capture_output=True, text=True)
        if i:  # the first one may have compiled
            rows.append(json.loads(said.stdout))
    print(f"{repeats} starts, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
    print("| stage | least (s) | median (s) |\n|---|---|---|")
    columns = list(zip(*rows, strict=True))
    sums = {
        "to the first trajectory": [sum(row[:5]) for row in rows],
        "to the first gradient": [sum(row) for row in rows],
    }
    for name, times in [*zip(STAGES, columns, strict=True), *sums.items()]:
        print(f"| {name} | {min(times):.2f} | {statistics.median(times):.2f} |")


def allocations() -> None:
    """Bytes that the right-hand side and the Jacobian allocate, told by Julia itself."""
    import pyhodgkin as ph
    from pyhodgkin.backends.julia import discover

    found = discover.look()
    squid = ph.library.get("squid_axon")
    learned = squid
    for i, gate in enumerate("nmh"):
        network = ph.Network.create((1, 16, 16, 2), seed=i)
        learned = learned.replace_gate(gate, ph.NeuralKinetics("steady_state", network))
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(Path(folder) / f"{name}.json") for name in ("squid", "learned")]
        for cell, path in zip((squid, learned), paths, strict=True):
            ph.document.save(cell, path)
        command = [found.executable, "--startup-file=no", f"--project={found.project}", "-e"]
        subprocess.run([*command, ALLOCATIONS, *paths], check=True)


if __name__ == "__main__":
    if "--probe" in sys.argv:
        probe()
    elif "--allocations" in sys.argv:
        allocations()
    else:
        starts(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
