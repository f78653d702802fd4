"""What is fuzzed: for each format its files, what mutates them, how they are read."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import pyhodgkin as ph

from . import bases, mutate_arrays, mutate_json
from .mutate import BYTES, TEXT, Rng, several, truncate

# What decides which arguments a file is read with, so that a kept file is read again as before.
OPTIONS = "options.json"


@dataclass(frozen=True)
class Target:
    """A reader.

    Parameters
    ----------
    name : str
    read : callable
        (path, arguments) -> text that is equal for equal content.
    options : tuple of dict
        Arguments, one of which is chosen for each input.
    whole : bool
        A file that is cut short must be refused, or give what the whole one gives.
    """

    name: str
    read: Callable[[Path, dict[str, Any]], str]
    options: tuple[dict[str, Any], ...] = field(default=({},))
    whole: bool = True


# -- what was read, as text ---------------------------------------------------------------------


def _digest(*items: Any) -> str:
    found = hashlib.sha256()
    for item in items:
        found.update(item.tobytes() if isinstance(item, np.ndarray) else repr(item).encode())
    return found.hexdigest()


def _of_recordings(path: Path, options: dict[str, Any]) -> str:
    parts: list[Any] = []
    for item in ph.read(path, **options):
        if not np.all(np.isfinite(item.data[item.mask])) or np.any(np.diff(item.t) <= 0):
            raise AssertionError("a recording is not finite, or its times do not increase")
        parts += [item.t, item.data, item.mask, repr(item.protocol), item.name]
        parts += [item.protocol(item.t)]
    return _digest(*parts)


def _of_neuron(path: Path, options: dict[str, Any]) -> str:
    neuron = ph.document.load(path)
    ph.document.load_metadata(path)
    return _digest(neuron.theta, repr(neuron))


def _of_network(path: Path, options: dict[str, Any]) -> str:
    return _digest(repr(ph.SpikingNetwork.load(path)))


def _of_checkpoint(path: Path, options: dict[str, Any]) -> str:
    from pyhodgkin.fitting.run import checkpoints

    found = checkpoints.read(path)
    return _digest(json.dumps(found.meta, sort_keys=True), *found.arrays.values())


def _of_fit(path: Path, options: dict[str, Any]) -> str:
    found = ph.FitResult.load(path)
    return _digest(found.theta, found.scores, repr(found), *found.history.values())


def _of_population(path: Path, options: dict[str, Any]) -> str:
    found = ph.PopulationResult.load(path)
    arrays = [found.select(name, 0, found.population.n) for name in ("rate", "v", "status")]
    return _digest(*arrays, *(found.spike_times(k) for k in range(min(found.population.n, 10))))


def _of_solution(path: Path, options: dict[str, Any]) -> str:
    found = ph.Solution.load(path)
    spikes = found.spike_times()
    return _digest(found.t, found.y, found.status, repr(found), repr(spikes))


def _of_channels(path: Path, options: dict[str, Any]) -> str:
    return _digest(repr(ph.read_channels(path, **options)))


def _of_formula(path: Path, options: dict[str, Any]) -> str:
    text = path.read_bytes().decode("utf-8", "replace")
    found = ph.rates.formula(text, **options)
    return _digest(np.asarray(found(np.linspace(-100.0, 50.0, 16))))


def _of_protocols(path: Path, options: dict[str, Any]) -> str:
    from pyhodgkin.cli.simulate import read_protocols

    found = read_protocols(path)
    return _digest(*(x(np.linspace(0.0, 5.0, 20)) for x in found))


_CLAMPS = ({"clamp": "current"}, {"clamp": "voltage"})
_TEXT = (
    *(*_CLAMPS, *_CLAMPS[:1] * 3, {}, {"clamp": "current", "dt": 0.1, "current_scale": 2.0}),
    *({"clamp": "current", "sweeps": 0}, {"clamp": "current", "voltage": 1, "current": 2}),
)
_GIVEN = ({}, {"a": 2.0, "v_half": -50.0, "k": 20.0})
TARGETS: dict[str, Target] = {
    x.name: x
    for x in (
        Target("text", _of_recordings, _TEXT, whole=False),  # a row less is a whole table
        Target("npz", _of_recordings, (*_CLAMPS, *_TEXT[:3], {"clamp": "current", "dt": "dt"})),
        Target("abf", _of_recordings, ({}, {}, *_CLAMPS, {"command": 0}, {"channel": 1})),
        Target("nwb", _of_recordings, ({}, {}, *_CLAMPS, {"sweeps": -1})),
        Target("document", _of_neuron),
        Target("network", _of_network),
        Target("checkpoint", _of_checkpoint),
        Target("fit", _of_fit),
        Target("population", _of_population),
        Target("solution", _of_solution),
        Target("nmodl", _of_channels, ({"e": -77.0}, {}, {"e": 50.0, "celsius": 6.3})),
        Target("neuroml", _of_channels, ({"e": -77.0, "g": 1.0}, {}, {"celsius": 20.0})),
        Target("formula", _of_formula, _GIVEN, whole=False),
        Target("protocol", _of_protocols),
    )
}


# -- inputs -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """One input: the folder, what is read in it, with which arguments, how it was made."""

    folder: Path
    path: Path
    options: dict[str, Any]
    made: str
    base: str


class Cases:
    """Makes the inputs of a target in a folder; the same seed makes the same inputs."""

    def __init__(self, target: Target, work: Path, seed: int) -> None:
        self.target, self._work, self.rng = target, work, np.random.default_rng(seed)
        self._bases = work / "bases"
        if not self._bases.is_dir():
            self._bases.mkdir(parents=True)
            bases.MAKERS[target.name](self._bases)
        self.names = sorted(p.name for p in self._bases.iterdir() if p.suffix != ".safetensors")

    def base(self, name: str, options: dict[str, Any]) -> Case:
        """A valid file as it is."""
        return self._placed(name, options, "base")

    def next(self) -> Case:
        """A mutated one."""
        rng, target = self.rng, self.target
        name = self.names[int(rng.integers(len(self.names)))]
        options = target.options[int(rng.integers(len(target.options)))]
        case = self._placed(name, options, "")
        files = sorted(p for p in case.folder.rglob("*") if p.is_file())
        made = mutated(files[int(rng.integers(len(files)))], rng)
        return Case(case.folder, case.path, options, made, name)

    def _placed(self, name: str, options: dict[str, Any], made: str) -> Case:
        folder = self._work / "case"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        source = self._bases / name
        if source.is_dir():
            shutil.copytree(source, folder / name)
        else:
            shutil.copy(source, folder / name)
            for other in self._bases.glob(f"{source.stem}-*.safetensors"):
                shutil.copy(other, folder)
        return Case(folder, folder / name, options, made, name)


def mutated(path: Path, rng: Rng) -> str:
    """Change one file in a way that its ending suggests; how."""
    data, ending = path.read_bytes(), path.suffix
    if rng.random() < 0.08:
        path.write_bytes(truncate(data, rng))
        return "truncate"
    if ending == ".nwb" and rng.random() < 0.7:
        from .mutate_hdf5 import hdf5

        return hdf5(path, rng)
    if ending in (".npz", ".ckpt", ".safetensors") and rng.random() < 0.8:
        change = {".npz": mutate_arrays.npz, ".ckpt": mutate_arrays.checkpoint}
        made = change.get(ending, mutate_arrays.safetensors)
        new = made(data, rng)
        path.write_bytes(new)
        if ending == ".safetensors":
            _renamed(path, new)
        return f"{made.__name__} {path.name}"
    kinds = BYTES
    if ending == ".json":
        kinds = mutate_json.JSON if rng.random() < 0.8 else TEXT
    elif ending in (".csv", ".txt", ".dat", ".atf", ".mod", ".nml"):
        kinds = TEXT
    new, how = several(data, rng, kinds)
    path.write_bytes(new)
    return f"{how} {path.name}"


def _renamed(path: Path, content: bytes) -> None:
    """The documents beside a file of arrays know its new hash."""
    digest = hashlib.sha256(content).hexdigest()
    for other in path.parent.glob("*.json"):
        try:
            item = json.loads(other.read_bytes())
            if item["tensors"]["file"] == path.name:
                item["tensors"]["sha256"] = digest
                other.write_text(json.dumps(item))
        except (ValueError, KeyError, TypeError):
            continue
