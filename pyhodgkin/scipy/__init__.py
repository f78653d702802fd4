"""The equations of a neuron for the solvers of SciPy, or of any library that takes f(t, y)."""

from ..backends.torch.equations import Equations as Equations
from ..backends.torch.equations import Piece as Piece
from ..backends.torch.equations import equations as equations
from .solve import solve_ivp as solve_ivp
