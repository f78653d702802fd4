"""Hodgkin-Huxley neurons, and neural networks trained in place of what is unknown in them.

The public names are loaded when they are first used: importing the package itself imports
neither torch, nor juliacall, nor matplotlib, nor scipy.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from pyhodgkin import errors as errors
    from pyhodgkin import plot as plot
    from pyhodgkin import protocols as protocols
    from pyhodgkin._propose import Proposal as Proposal
    from pyhodgkin._propose import propose as propose
    from pyhodgkin.evaluate import Evaluation as Evaluation
    from pyhodgkin.evaluate import evaluate as evaluate
    from pyhodgkin.excitability import FICurve as FICurve
    from pyhodgkin.excitability import fi_curve as fi_curve
    from pyhodgkin.excitability import input_resistance as input_resistance
    from pyhodgkin.excitability import rheobase as rheobase
    from pyhodgkin.fit import FitResult as FitResult
    from pyhodgkin.fit import fit as fit
    from pyhodgkin.neuron import document as document
    from pyhodgkin.neuron import library as library
    from pyhodgkin.neuron import rates as rates
    from pyhodgkin.neuron.channels import Channel as Channel
    from pyhodgkin.neuron.channels import NeuralCurrent as NeuralCurrent
    from pyhodgkin.neuron.channels import NeuralRightHandSide as NeuralRightHandSide
    from pyhodgkin.neuron.gates import Gate as Gate
    from pyhodgkin.neuron.kinetics import InstantaneousKinetics as InstantaneousKinetics
    from pyhodgkin.neuron.kinetics import NeuralKinetics as NeuralKinetics
    from pyhodgkin.neuron.kinetics import RateKinetics as RateKinetics
    from pyhodgkin.neuron.kinetics import SteadyStateKinetics as SteadyStateKinetics
    from pyhodgkin.neuron.networks import Network as Network
    from pyhodgkin.neuron.neuron import Neuron as Neuron
    from pyhodgkin.neuron.neuron import leak as leak
    from pyhodgkin.protocols import Chirp as Chirp
    from pyhodgkin.protocols import CurrentClamp as CurrentClamp
    from pyhodgkin.protocols import OrnsteinUhlenbeck as OrnsteinUhlenbeck
    from pyhodgkin.protocols import PulseTrain as PulseTrain
    from pyhodgkin.protocols import Ramp as Ramp
    from pyhodgkin.protocols import Sampled as Sampled
    from pyhodgkin.protocols import Sine as Sine
    from pyhodgkin.protocols import Step as Step
    from pyhodgkin.protocols import Steps as Steps
    from pyhodgkin.protocols import SumOfSines as SumOfSines
    from pyhodgkin.protocols import VoltageClamp as VoltageClamp
    from pyhodgkin.readers import read as read
    from pyhodgkin.recordings import Recording as Recording
    from pyhodgkin.recordings import RecordingSet as RecordingSet
    from pyhodgkin.simulate import simulate as simulate
    from pyhodgkin.solution import Solution as Solution
    from pyhodgkin.solution import Status as Status
    from pyhodgkin.training.adapt import adapt as adapt
    from pyhodgkin.training.identifiability import Identifiability as Identifiability
    from pyhodgkin.training.identify import identifiability as identifiability
    from pyhodgkin.training.losses import Loss as Loss

# Public submodules, and the module that each other public name comes from.
_MODULES = {
    "document": "pyhodgkin.neuron.document",
    "errors": "pyhodgkin.errors",
    "library": "pyhodgkin.neuron.library",
    "plot": "pyhodgkin.plot",
    "protocols": "pyhodgkin.protocols",
    "rates": "pyhodgkin.neuron.rates",
}
_HOME = {
    "Channel": "pyhodgkin.neuron.channels",
    "Chirp": "pyhodgkin.protocols",
    "CurrentClamp": "pyhodgkin.protocols",
    "Evaluation": "pyhodgkin.evaluate",
    "FICurve": "pyhodgkin.excitability",
    "FitResult": "pyhodgkin.fit",
    "Gate": "pyhodgkin.neuron.gates",
    "Identifiability": "pyhodgkin.training.identifiability",
    "InstantaneousKinetics": "pyhodgkin.neuron.kinetics",
    "Loss": "pyhodgkin.training.losses",
    "Network": "pyhodgkin.neuron.networks",
    "NeuralCurrent": "pyhodgkin.neuron.channels",
    "NeuralKinetics": "pyhodgkin.neuron.kinetics",
    "NeuralRightHandSide": "pyhodgkin.neuron.channels",
    "Neuron": "pyhodgkin.neuron.neuron",
    "OrnsteinUhlenbeck": "pyhodgkin.protocols",
    "Proposal": "pyhodgkin._propose",
    "PulseTrain": "pyhodgkin.protocols",
    "Ramp": "pyhodgkin.protocols",
    "RateKinetics": "pyhodgkin.neuron.kinetics",
    "Recording": "pyhodgkin.recordings",
    "RecordingSet": "pyhodgkin.recordings",
    "Sampled": "pyhodgkin.protocols",
    "Sine": "pyhodgkin.protocols",
    "Solution": "pyhodgkin.solution",
    "Status": "pyhodgkin.solution",
    "SteadyStateKinetics": "pyhodgkin.neuron.kinetics",
    "Step": "pyhodgkin.protocols",
    "Steps": "pyhodgkin.protocols",
    "SumOfSines": "pyhodgkin.protocols",
    "VoltageClamp": "pyhodgkin.protocols",
    "adapt": "pyhodgkin.training.adapt",
    "evaluate": "pyhodgkin.evaluate",
    "fi_curve": "pyhodgkin.excitability",
    "fit": "pyhodgkin.fit",
    "identifiability": "pyhodgkin.training.identify",
    "input_resistance": "pyhodgkin.excitability",
    "leak": "pyhodgkin.neuron.neuron",
    "propose": "pyhodgkin._propose",
    "read": "pyhodgkin.readers",
    "rheobase": "pyhodgkin.excitability",
    "simulate": "pyhodgkin.simulate",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        value = import_module(_MODULES[name])
    elif name in _HOME:
        value = getattr(import_module(_HOME[name]), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(["__version__", *_MODULES, *_HOME])


class _Package(ModuleType):
    """Keeps a verb a function: importing the submodule ``pyhodgkin.fit`` would rebind its name."""

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, ModuleType) and _HOME.get(name) == value.__name__:
            value = getattr(value, name)
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
