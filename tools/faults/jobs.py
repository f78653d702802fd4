"""What is interrupted while it writes: a fit, a run of a population, the saving of documents.

Each job writes into a folder; `check` says what is in it afterwards, and `again` goes on with it.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "tests")]

import pyhodgkin as ph  # noqa: E402
from pyhodgkin.neuron import document  # noqa: E402

CLAMP = ph.CurrentClamp.step(10.0, start=5.0, stop=15.0, t_end=20.0)
SCHEDULE = (ph.Stage("clamped", "adamw", 12), ph.Stage("clamped", "lbfgs", 3))


def digest(*arrays: Any) -> str:
    found = hashlib.sha256()
    for array in arrays:
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()[:16]


class Job:
    """Something that writes into ``folder / "run"``.

    `before` is in the folder when it starts (nothing, or an old result); `new` is what is in it
    when it has ended.
    """

    name = ""

    def __init__(self) -> None:
        self.old, self.new = "", ""

    def prepare(self, folder: Path, replaces: bool) -> None:
        """The folder as it is before."""

    def run(self, folder: Path, replaces: bool = False) -> None:
        """The work that is interrupted; called again, it goes on."""
        raise NotImplementedError

    def state(self, folder: Path) -> str:
        """ "" for nothing, "partial" for what can be gone on with, else the digest of a result."""
        raise NotImplementedError


class Fit(Job):
    """A fit with checkpoints, on the torch engine or on Julia."""

    name = "fit"

    def __init__(self, engine: str = "torch", seed: int = 1) -> None:
        super().__init__()
        from fit_stub import neural, recording

        self.engine, self.seed = engine, seed
        self.neuron, self.recording = neural(), recording(0)
        self._old: Path | None = None

    def _fit(self, out: Path, seed: int, **more: Any) -> None:
        ph.fit(
            self.neuron, [self.recording], schedule=SCHEDULE, seeds=[seed], out=out,
            checkpoint_every=0.0, progress=False, backend=self.engine, **more,
        )  # fmt: skip

    def prepare(self, folder: Path, replaces: bool) -> None:
        if replaces:
            if self._old is None:
                self._old = folder.parent / "old-fit"
                if not self._old.exists():  # made in another process
                    self._fit(self._old, self.seed + 1, overwrite=True)
                self.old = self.state(self._old.parent, self._old.name)
            shutil.copytree(self._old, folder / "run")

    def run(self, folder: Path, replaces: bool = False) -> None:
        more = {"overwrite": True} if replaces else {"resume": True}
        self._fit(folder / "run", self.seed, **more)

    def state(self, folder: Path, name: str = "run") -> str:
        from pyhodgkin.fitting.run import checkpoints

        run = folder / name
        if (run / "summary.json").exists():
            found = ph.FitResult.load(run)
            return digest(found.theta, found.scores)
        if (run / "model.json").exists():
            document.load(run)
        if checkpoints.exists(run):
            names = (checkpoints.NAME, checkpoints.BEFORE)
            present = [run / checkpoints.FOLDER / x for x in names]
            for path in present:
                if path.exists():
                    checkpoints.read(path)
            return "partial"
        return ""


class Run(Job):
    """A run of a population in chunks."""

    name = "population"
    cells = 160

    def __init__(self, engine: str = "torch", seed: int = 1) -> None:
        super().__init__()
        self.engine, self.seed, self.replaces = engine, seed, False
        self._old: Path | None = None

    def _run(self, out: Path, seed: int, **more: Any) -> Any:
        cells = ph.Population(
            ph.library.get("squid_axon"), self.cells, {"na.g": ph.LogNormal(cv=0.05)}, seed=seed
        )
        return cells.simulate(
            CLAMP, out=out, record=("spikes", "rate", "v"), saveat=1.0, chunk_size=16,
            rtol=1e-4, backend=self.engine, progress=False, **more,
        )  # fmt: skip

    def prepare(self, folder: Path, replaces: bool) -> None:
        if replaces:
            if self._old is None:
                self._old = folder.parent / "old-population"
                if not self._old.exists():  # made in another process
                    self._run(self._old, self.seed + 1, overwrite=True)
                self.old = self.state(self._old.parent, self._old.name)
            shutil.copytree(self._old, folder / "run")
        self.replaces = replaces

    def run(self, folder: Path, replaces: bool = False) -> None:
        self._run(folder / "run", self.seed, overwrite=replaces)

    def state(self, folder: Path, name: str = "run") -> str:
        run = folder / name
        if not run.exists() or not any(run.iterdir()):
            return ""
        found = ph.PopulationResult.load(run)
        if not found._source.complete:
            # What is replaced stays beside until the new run is complete.
            beside = [x.name for x in run.parent.glob(f"{name}.replaced-*")]
            if self.replaces and not name.count("replaced"):
                found_old = self.old in {self.state(run.parent, x) for x in beside}
                assert found_old, "the old run is damaged or gone"
            return "partial"
        return digest(found["rate"], found["v"], found["status"], found.population["na.g"])


class Save(Job):
    """A document that is written over by another, many times."""

    name = "document"
    times = 30

    def __init__(self, engine: str = "", seed: int = 1) -> None:
        super().__init__()
        from neurons import learned_neuron

        self.engine, first = engine, learned_neuron()
        self.neurons = (first, first.with_theta(first.theta * 1.01), ph.library.get("squid_axon"))
        self.known = {digest(x.theta): x for x in self.neurons}

    def prepare(self, folder: Path, replaces: bool) -> None:
        self.old = digest(self.neurons[0].theta)
        document.save(self.neurons[0], folder / "run")

    def run(self, folder: Path, replaces: bool = False) -> None:
        for k in range(self.times):
            document.save(self.neurons[k % 3], folder / "run", {"k": k})
        document.save(self.neurons[1], folder / "run")

    def state(self, folder: Path) -> str:
        found = document.load(folder / "run")
        assert found == self.known[digest(found.theta)]
        assert 0 <= document.load_metadata(folder / "run").get("k", 0) < self.times
        return digest(found.theta)


JOBS = {kind.name: kind for kind in (Fit, Run, Save)}
