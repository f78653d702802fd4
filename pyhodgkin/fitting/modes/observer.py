"""An observer: while it is trained, the model is drawn to the voltage that was measured.

The membrane equation gets one term, dv/dt += gain (v_measured - v)/c_m. That is a leak of
conductance `gain` that reverses at 0 mV, and gain·v_measured on top of the stimulus, so an engine
needs to know nothing of it: it is given a neuron with one more channel, a parameter vector with
two more numbers, and recordings with another protocol. Spikes then stay where they were measured
whatever the gates do, and the loss has no cliffs; as the gain goes down from stage to stage, what
is left over is explained by the model alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from ...backends.loss import Loss
from ...errors import InputError
from ...neuron.channels import Channel
from ...neuron.neuron import Neuron
from ...numerics.arrays import FloatArray
from ...protocols import CurrentClamp, Sampled
from ...recordings import Recording
from ..comparison import Comparison, RecordingComparison
from ..parameterization import Parameterization
from ..prepared_recordings import PreparedRecordings, cut
from ..problem import Problem
from .base import Mode, StageSettings, register
from .simulation import scaled

_KNOT = 0.01  # mV: the measured voltage may be drawn as straight lines to within this
_OF_NOISE = 0.25  # of the noise: or to within this; each line costs a step of the solver


class ObservedNeuron:
    """A neuron with an observer of conductance `gain` (the neuron's own unit).

    Parameters
    ----------
    neuron : Neuron
        With channels, not a network in place of everything.
    gain : float
        mS/cm² (µS, nS with currents in nA, pA), positive.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> observer = ObservedNeuron(ph.library.get("squid_axon"), 3.0)
    >>> observer.neuron.channels[-1]
    Channel(name='observer', g=3.0, e=0.0, gates=())
    """

    def __init__(self, neuron: Neuron, gain: float) -> None:
        name = "observer"
        while any(name == channel.name for channel in neuron.channels):
            name += "_"
        self.gain, self.neuron = float(gain), neuron.with_channel(Channel(name, float(gain), 0.0))
        self._size, self._c_m = neuron.layout.size, neuron.c_m

    def theta(self, theta: FloatArray) -> FloatArray:
        """The parameters (…, P + 2) of the neuron with its observer."""
        own = np.broadcast_to([self.gain, 0.0], (*theta.shape[:-1], 2))
        return np.concatenate([theta, own], axis=-1)

    def vjp(self, gradient: FloatArray) -> FloatArray:
        """The gradient (…, P) by the parameters of the neuron, of (…, P + 2)."""
        return np.ascontiguousarray(gradient[..., : self._size])

    def recordings(
        self,
        recordings: Sequence[Recording],
        towards: Sequence[FloatArray] | None = None,
        noise: Sequence[float] = (),
    ) -> list[Recording]:
        """The same recordings with the current of the observer added to their stimulus.

        `towards` (T,) each is the voltage to draw to, for instance a denoised one; by default
        what was measured. `noise` is that of each recording, mV: the voltage to draw to need not
        be followed much more closely than it is known.
        """
        targets = [r.data for r in recordings] if towards is None else towards
        sizes = noise if len(noise) else np.zeros(len(recordings))
        return [self._drawn(*each) for each in zip(recordings, targets, sizes, strict=True)]

    def _drawn(self, recording: Recording, v: FloatArray, noise: float) -> Recording:
        protocol = recording.protocol
        within = max(_KNOT, _OF_NOISE * noise)
        drawn = Sampled(recording.t, self.gain * v, tolerance=self.gain * within)
        t_end = max(protocol.t_end, float(recording.t[-1]))
        clamp = CurrentClamp(protocol.waveform + drawn, t_end, protocol.unit)
        return replace(recording, protocol=clamp)

    def loss(self, loss: Loss) -> tuple[Loss, float]:
        """The loss of a residual that is (1 + gain/g) times the voltage's, and a factor to it.

        g is what the membrane has of its own, taken as c_m over 1 ms: an error of the ionic
        current moves the voltage by less the stronger the observer is, and the loss should not
        go down for that.
        """
        size = 1.0 + self.gain / self._c_m
        if loss.kind == "mae":
            return loss, size
        return replace(loss, delta=loss.delta / size), size**2


@register
@dataclass(frozen=True)
class Observer(Mode):
    """The neuron is solved with a current gain·(v_measured - v) that draws it to the measured v.

    Parameters
    ----------
    gain : float
        A conductance in the unit of the recordings (mS/cm², µS or nS), positive. The higher, the
        closer the voltage is held; a schedule lowers it from stage to stage.
    """

    gain: float = field(metadata={"unit": "a conductance: mS/cm², µS or nS"})
    name: ClassVar[str] = "observer"
    starts_at_measured_v: ClassVar[bool] = True

    @property
    def compares(self) -> str:
        return f"v, simulated with an observer of gain {self.gain:g}"

    def __post_init__(self) -> None:
        if not 0 < self.gain < np.inf:
            raise InputError(f"Stage: gain = {self.gain} (a conductance) must be positive")

    def check(
        self,
        where: str,
        stage: StageSettings,
        neuron: Neuron,
        recordings: Sequence[Recording],
        loss: Loss,
    ) -> None:
        if neuron.right_hand_side is not None:
            raise InputError(
                f'{where}: an observer is one more current; neuron "{neuron.name}" has one '
                'network and no currents: use mode="simulation"'
            )
        super().check(where, stage, neuron, recordings, loss)

    def prepare(
        self, problem: Problem, stage: StageSettings, unknowns: Parameterization
    ) -> Comparison:
        observed = ObservedNeuron(problem.neuron, self.gain)

        def seen(prepared: PreparedRecordings) -> list[Recording]:
            measured = [cut(r, stage.horizon) for r in prepared.measured]
            smooth = [cut(r, stage.horizon).data for r in prepared.smooth]
            return observed.recordings(measured, smooth, prepared.noise)

        some = problem.prepared[0 if len(problem.recordings) else 1]
        measured = [cut(r, stage.horizon) for r in some.measured]
        loss, factor = observed.loss(scaled(problem.loss_of(stage.loss), measured))
        trained, heldout = (seen(x) for x in problem.prepared)
        options = problem.options_of(stage.options)
        return RecordingComparison(
            problem, trained, heldout, loss, options, "simulation", observed, factor
        )
