"""Stimuli: waveforms, their normal form `Segments`, and the two clamps that apply them."""

from .base import Constant, Piecewise, Sum, Waveform
from .clamp import CurrentClamp, VoltageClamp
from .protocol import Protocol, as_protocol
from .sampled import OrnsteinUhlenbeck, Sampled
from .segments import Segments
from .sines import Chirp, Sine, SumOfSines
from .steps import PulseTrain, Ramp, Step, Steps

__all__ = [
    "Chirp",
    "Constant",
    "CurrentClamp",
    "OrnsteinUhlenbeck",
    "Piecewise",
    "Protocol",
    "PulseTrain",
    "Ramp",
    "Sampled",
    "Segments",
    "Sine",
    "Step",
    "Steps",
    "Sum",
    "SumOfSines",
    "VoltageClamp",
    "Waveform",
    "as_protocol",
]
