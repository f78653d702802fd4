"""Forward sensitivities by the variational equations, for every engine (numpy only).

An engine gives the derivatives of its right-hand side at given states (`local.LocalDerivatives`);
what is built from these along trajectories and known voltages is the same for all.
"""

from .linearize import linearize
from .local import LocalDerivatives, NetworkInputs

__all__ = ["LocalDerivatives", "NetworkInputs", "linearize"]
