"""A mode of one's own, from outside the package: as a value, and by name once it is registered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest

import pyhodgkin as ph
from pyhodgkin.errors import UnknownNameError
from pyhodgkin.fitting.modes import Mode, register
from pyhodgkin.fitting.modes.simulation import Simulation


@dataclass(frozen=True)
class Late(Simulation):
    """The neuron is simulated, and compared only from `begin` (ms) on."""

    begin: float = 5.0
    name: ClassVar[str] = "late"

    def prepare(self, problem, stage, unknowns):
        late = tuple(replace(r, mask=r.mask & (r.t >= self.begin)) for r in problem.recordings)
        return super().prepare(replace(problem, recordings=late), stage, unknowns)


def recorded():
    cell = ph.library.get("squid_axon")
    clamp = ph.CurrentClamp.step(10.0, start=1.0, stop=8.0, t_end=10.0)
    trace = ph.Recording.from_solution(ph.simulate(cell, clamp, saveat=0.1, backend="torch"))
    # What is measured before the mode looks is wrong.
    return replace(trace, v=np.where((trace.t > 0) & (trace.t < 3.0), 20.0, trace.v))


@pytest.mark.parametrize("by_name", [False, True])
def test_a_mode_of_ones_own_is_used_end_to_end(by_name):
    if by_name:
        register(Late)
    mode = "late" if by_name else Late(begin=3.0)
    stage = ph.Stage(mode, "levenberg", 8)
    assert stage.label == "late levenberg" and isinstance(stage.mode, Mode)
    start = ph.library.get("squid_axon").with_parameters(k__g=34.0)
    result = ph.fit(start, recorded(), trainable="k.g", schedule=stage, backend="torch")
    assert result.neuron.channel("k").g == pytest.approx(36.0, abs=0.05)


def test_an_unknown_mode_names_those_that_there_are():
    with pytest.raises(UnknownNameError, match="simulation"):
        ph.Stage("simulatoin")
