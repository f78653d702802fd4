"""Neurons in a torch program of one's own: a differentiable solve, and modules with parameters.

`odeint` is the solve as a function of tensors; `NeuronModule` a neuron and `GateModule` the
kinetics of one gate as `torch.nn.Module`, whose parameters an optimizer of torch can train together
with other modules, and from which a `Neuron` is made again.
"""

from ..backends.torch import odeint as odeint
from .gate import GateModule as GateModule
from .neuron import NeuronModule as NeuronModule
