"""What a run of a population computes, checked beforehand; the same on every machine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..backends.compiled import why_not
from ..backends.options import SolveOptions
from ..errors import InputError
from ..neuron.neuron import Neuron
from ..neuron.serialise import to_dict
from ..numerics.arrays import FloatArray
from ..numerics.cached import cached_property
from ..protocols import Protocol
from ..recordings.matching import neurons_of, scales_of
from .features import Feature, window
from .population import Population
from .rheobase import Rheobase
from .spike_rows import COLUMNS

SPIKES = "spikes"
# Cells solved in one call, and the bytes that their samples may take, on a processor and a GPU.
# These do not depend on the machine or on how the work is divided: so the numbers do not either.
CELLS = {"cpu": 4096, "cuda": 131_072}
BYTES = {"cpu": 2**26, "cuda": 2**30}
FEWEST = 16
# Cells written together, and the bytes that may be.
CHUNK_CELLS, CHUNK_BYTES = 16_384, 2**27


@dataclass(frozen=True, eq=False)
class Plan:
    """A run of a population.

    Parameters
    ----------
    population : Population
    protocols : tuple of Protocol
        All cells under each of them, or with `each` one for each cell.
    each : bool
    several : bool
        Whether the results have an axis of protocols.
    spikes : bool
    states : tuple of str
        Variables whose samples are recorded.
    features : tuple of Feature
    rheobase : Rheobase or None
    saveat : array (T,)
        ms; of the `states`.
    threshold : float
        mV, of spikes.
    options : SolveOptions
    engine : str
        Name of the engine.
    integrator : str
        How it solves, where that is not the same everywhere: ``"compiled"`` or ``"eager"``.
    chunk : int
        Cells that are written together.
    known_block : int
        Of a part of another plan the block of that one.
    """

    population: Population
    protocols: tuple[Protocol, ...]
    each: bool
    several: bool
    spikes: bool
    states: tuple[str, ...]
    features: tuple[Feature, ...]
    rheobase: Rheobase | None
    saveat: FloatArray
    threshold: float
    options: SolveOptions
    engine: str
    integrator: str = ""
    chunk: int = 0
    known_block: int = 0

    @property
    def n(self) -> int:
        """The number of cells."""
        return self.population.n

    @cached_property
    def neuron(self) -> Neuron:
        """The neuron in the unit of the protocols."""
        return neurons_of([self.population.neuron], self.protocols)[0]

    def theta(self, start: int, stop: int) -> FloatArray:
        """Parameters of cells in the unit of the protocols."""
        scale = scales_of([self.population.neuron], [self.neuron])
        theta = self.population.theta(start, stop)
        return theta if scale is None else theta * scale

    @property
    def runs(self) -> int:
        """How many protocols each cell is solved under, K."""
        return 1 if self.each else len(self.protocols)

    @property
    def amplitudes(self) -> FloatArray | None:
        """Of a family of single steps the level of each (K,); None for other protocols."""
        if self.each or not self.several:
            return None
        found = []
        for protocol in self.protocols:
            offset = protocol.segments.offset
            levels = [x for x in offset if x != offset[0]]
            if not np.all(protocol.segments.is_constant) or len(levels) > 1:
                return None
            found.append(levels[0] if levels else offset[0])
        return np.array(found)

    @property
    def finds_spikes(self) -> bool:
        """Whether spikes are needed, to be recorded or for features."""
        return self.spikes or bool(self.features)

    @cached_property
    def samples(self) -> list[list[FloatArray]]:
        """For each of the K protocols the times that each feature needs."""
        found = []
        for k in range(self.runs):
            own = self.protocols if self.each else self.protocols[k : k + 1]
            found.append([_times(item, own) for item in self.features])
        return found

    def times(self, k: int) -> FloatArray:
        """All times at which protocol k is sampled, ms."""
        own = self.protocols if self.each else self.protocols[k : k + 1]
        end = max(protocol.t_end for protocol in own)
        wanted = [self.saveat[self.saveat <= end * (1.0 + 1e-9)]] if self.states else []
        return np.unique(np.concatenate([*wanted, *self.samples[k], [end]]))

    @cached_property
    def block(self) -> int:
        """Cells that are solved in one call, a power of two."""
        if self.known_block:
            return self.known_block
        device = "cuda" if self.options.device.startswith("cuda") else "cpu"
        longest = max(len(self.times(k)) for k in range(self.runs))
        size, each = CELLS[device], longest * len(self.neuron.states) * 8
        while size > FEWEST and size * each > BYTES[device]:
            size //= 2
        return size

    @cached_property
    def chunk_size(self) -> int:
        """Cells that are written together: whole blocks."""
        if self.chunk:
            return -(-self.chunk // self.block) * self.block
        each = 8 * self.runs * (len(self.saveat) * len(self.states) + COLUMNS)
        whole = max(min(CHUNK_CELLS, CHUNK_BYTES // each) // self.block, 1) * self.block
        return int(whole)

    @property
    def n_chunks(self) -> int:
        """How many of them there are."""
        return -(-self.n // self.chunk_size)

    def cells(self, chunk: int) -> tuple[int, int]:
        """First cell of a chunk, and the one after its last."""
        start = chunk * self.chunk_size
        return start, min(start + self.chunk_size, self.n)

    def part(self, chunk: int) -> Plan:
        """A plan of the cells of one chunk, with their values, which gives the same numbers."""
        start, stop = self.cells(chunk)
        own = self.population
        cells = Population(own.neuron, stop - start, own.values(start, stop), seed=0)
        protocols = self.protocols[start:stop] if self.each else self.protocols
        return replace(
            self,
            population=cells,
            protocols=protocols,
            chunk=self.chunk_size,
            known_block=self.block,
        )

    @cached_property
    def described(self) -> dict[str, Any]:
        """All that the numbers depend on, as plain data."""
        data, tensors = to_dict(self.population.neuron)
        options = {k: getattr(self.options, k) for k in SolveOptions.__dataclass_fields__}
        return {
            "neuron": data,
            "tensors": {
                name: {"shape": list(array.shape), "values": array.ravel().tolist()}
                for name, array in tensors.items()
            },
            "population": self.population.to_dict(),
            "given": {k: digest(x) for k, x in self.population.given.items()},
            "cells": list(self.population.names),
            "protocols": [protocol.to_dict() for protocol in self.protocols],
            "each": self.each,
            "several": self.several,
            "record": [*([SPIKES] if self.spikes else []), *self.states]
            + [item.name for item in self.features],
            "rheobase": None if self.rheobase is None else self.rheobase.to_dict(),
            "saveat": self.saveat.tolist() if self.states else [],
            "threshold": self.threshold,
            "options": options,
            "engine": self.engine,
            "integrator": self.integrator,
            "block": self.block,
            "chunk_size": self.chunk_size,
        }


def integrator(engine: str, device: str = "cpu") -> str:
    """How an engine solves here."""
    if engine != "torch" or device != "cpu":
        return ""
    return "eager" if why_not() else "compiled"


def digest(array: np.ndarray) -> str:
    """A checksum of the numbers of an array."""
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def same(described: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """The parts in which two descriptions differ; numbers are compared by their exact text."""

    def text(value: Any) -> str:
        return json.dumps(value, sort_keys=True)

    keys = dict.fromkeys([*described, *other])
    return [key for key in keys if text(described.get(key)) != text(other.get(key))]


def _times(item: Feature, protocols: Sequence[Protocol]) -> FloatArray:
    """Times at which a feature needs the voltage, the same for all protocols."""
    first = item.times(protocols[0], *window(protocols[0]))
    if len(first) == 0:
        return first
    windows = {window(protocol) for protocol in protocols}
    if len(windows) > 1:
        raise InputError(
            f"record: {item.name} needs the stimulus of all cells to begin and end at the same "
            "times; with protocols of each cell's own it does not"
        )
    return first
