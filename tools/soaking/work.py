"""The tasks of a soak test, drawn at random: what a user does, each with a check of its result."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import tempfile
import threading
import time
import warnings
from collections import Counter
from pathlib import Path

import matplotlib
import numpy as np

import pyhodgkin as ph

matplotlib.use("Agg")
AXON = "squid_axon"
# Rare tasks take longer: so many of each in a round.
ROUND = {
    "simulate": 12, "batch": 4, "clamp": 6, "gradient": 4, "fit": 2, "interrupted": 1, "files": 4,
    "population": 2, "network": 2, "figures": 1, "mistakes": 6, "threads": 2, "fork": 1,
    "spawn": 1,
}  # fmt: skip


class Work:
    """Tasks on one engine, in a temporary folder; use it in a `with` statement."""

    def __init__(self, backend: str, seed: int) -> None:
        self.backend, self.rng = backend, np.random.default_rng(seed)
        self.folder = Path(tempfile.mkdtemp(prefix="soak-"))
        self.counts: Counter[str] = Counter()
        self.queue: list[str] = []
        self.axon = ph.library.get(AXON)
        network = ph.Network.create((1, 8, 2), seed=seed)
        self.hybrid = self.axon.replace_gate("n", ph.NeuralKinetics("steady_state", network))
        self.step = ph.CurrentClamp.step(10.0, start=1.0, stop=15.0, t_end=20.0)
        self.truth = ph.simulate(self.axon, self.step, saveat=0.1, backend=backend)

    def __enter__(self) -> Work:
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def next(self) -> None:
        """The next task of a round in random order."""
        if not self.queue:
            names = [name for name, n in ROUND.items() for _ in range(n)]
            self.queue = list(self.rng.permutation(names))
        name = self.queue.pop()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ph.errors.FitWarning)
            getattr(self, name)()
        self.counts[name] += 1

    def simulate(self) -> None:
        name = str(self.rng.choice(ph.library.names()))
        neuron = ph.library.get(name)
        unit = neuron.current_unit or "uA/cm2"
        clamp = ph.CurrentClamp.step(0.1, start=1.0, stop=5.0, t_end=8.0, unit=unit)
        if name.startswith("herg"):
            clamp = ph.VoltageClamp.step(20.0, 1.0, 5.0, 8.0)
        assert ph.simulate(neuron, clamp, saveat=0.1, backend=self.backend).success

    def batch(self) -> None:
        theta = np.repeat(self.axon.theta[None], int(self.rng.integers(2, 200)), axis=0)
        many = ph.simulate(self.axon, self.step, theta=theta, saveat=0.1, backend=self.backend)
        assert np.allclose(many.v, self.truth.v, atol=1e-2)

    def clamp(self) -> None:
        levels = ph.VoltageClamp.family([-40.0, 0.0, 40.0], 2.0, 8.0, 10.0)
        for s in ph.simulate(self.axon, levels, saveat=0.1, backend=self.backend):
            assert s.success

    def recording(self) -> ph.Recording:
        return ph.Recording.from_solution(self.truth, noise=0.1, seed=int(self.rng.integers(99)))

    def gradient(self) -> None:
        found = ph.identifiability(
            self.axon, self.recording(), trainable="conductances", backend=self.backend
        )
        assert np.all(np.isfinite(found.information))

    def fit(self) -> None:
        stages = [ph.Stage("clamped", "lbfgs", 10), ph.Stage("simulation", "adamw", 5)]
        result = ph.fit(
            self.hybrid, self.recording(), schedule=stages, progress=False, backend=self.backend
        )
        result.save(self.folder / "fit", overwrite=True)
        assert np.array_equal(ph.FitResult.load(self.folder / "fit").theta, result.theta)

    def interrupted(self) -> None:
        """Ctrl-C in the middle of a fit: it ends, and says so."""
        wait = float(self.rng.uniform(0.05, 0.6))

        def send() -> None:
            time.sleep(wait)
            os.kill(os.getpid(), signal.SIGINT)

        sender = threading.Thread(target=send)
        sender.start()
        try:
            stage = ph.Stage("simulation", "adamw", 100_000)
            ph.fit(self.hybrid, self.recording(), schedule=stage, progress=False,
                   backend=self.backend)  # fmt: skip
        except KeyboardInterrupt:
            pass  # it came before the first step
        sender.join()

    def files(self) -> None:
        recording, path = self.recording(), self.folder / "trace.csv"
        recording.to_csv(path)
        again = ph.read(path)[0]
        assert np.allclose(again.data, recording.data)
        ph.document.save(self.hybrid, self.folder / "neuron.json")
        assert np.array_equal(ph.document.load(self.folder / "neuron.json").theta,
                              self.hybrid.theta)  # fmt: skip
        ph.Solution.load(self.truth.save(self.folder / "solution.npz"))

    def population(self) -> None:
        cells = ph.Population(self.axon, 50, {"na.g": ph.Normal(cv=0.1)}, seed=1)
        run = cells.simulate(self.step, progress=False, backend=self.backend)
        assert np.all(run.success)

    def network(self) -> None:
        synapses = [ph.Synapses("e", "e", ph.ExponentialSynapse(0.0, 5.0), 0.02, p=0.2)]
        network = ph.SpikingNetwork(
            {"e": ph.NeuronGroup(self.axon, 20, protocol=self.step)}, synapses, seed=1
        )
        ph.simulate_network(network, 20.0)

    def figures(self) -> None:
        import matplotlib.pyplot as plt

        ph.plot.trace(self.truth)
        ph.plot.kinetics(self.hybrid, published=self.axon)
        plt.close("all")

    def mistakes(self) -> None:
        calls = (
            lambda: ph.library.get("squid"),
            lambda: ph.simulate(self.axon, self.step, rtol=-1.0, backend=self.backend),
            lambda: ph.read(self.folder / "nothing.csv"),
            lambda: self.axon.with_parameters(na__x=1.0),
            lambda: ph.fit(self.axon, [], backend=self.backend),
        )
        try:
            calls[int(self.rng.integers(len(calls)))]()
        except (ph.errors.PyHodgkinError, OSError):
            return
        raise AssertionError("a mistake was not refused")

    def threads(self) -> None:
        """Four threads that solve at once, each to the right result."""
        found: list[np.ndarray] = []

        def one() -> None:
            s = ph.simulate(self.axon, self.step, saveat=0.1, backend=self.backend)
            found.append(s.v)

        started = [threading.Thread(target=one) for _ in range(4)]
        for thread in started:
            thread.start()
        for thread in started:
            thread.join()
        assert len(found) == 4 and all(np.array_equal(v, self.truth.v) for v in found)

    def fork(self) -> None:
        """Torch goes on in forked processes; Julia, which is running, is refused there."""
        self._processes("fork", "torch")
        if self.backend == "julia":
            try:
                self._processes("fork", "julia")
            except ph.errors.BackendUnavailableError:
                return
            raise AssertionError("a forked process used the Julia of its parent")

    def spawn(self) -> None:
        self._processes("spawn", self.backend)

    def _processes(self, how: str, backend: str) -> None:
        """Two child processes that solve; their result is that of this one."""
        context = multiprocessing.get_context(how)
        with warnings.catch_warnings(), context.Pool(2) as pool:
            warnings.simplefilter("ignore")
            for v in pool.map(solved, [backend] * 2):
                assert abs(v - float(self.truth.v[-1])) < 1e-3
            pool.close()
            pool.join()


def solved(backend: str) -> float:
    """v at the end, in a child process."""
    step = ph.CurrentClamp.step(10.0, start=1.0, stop=15.0, t_end=20.0)
    s = ph.simulate(ph.library.get(AXON), step, saveat=0.1, backend=backend)
    return float(s.v[-1])
