"""The torch engine. `odeint` is a solve as a differentiable function of tensors."""

from .functional import odeint as odeint
