"""Rate laws, to build kinetics with: the public names of `pyhodgkin.neuron.rates`."""

from .neuron.calcium_curves import Calcium as Calcium
from .neuron.calcium_curves import Hill as Hill
from .neuron.calcium_curves import at_calcium as at_calcium
from .neuron.curves import Constant as Constant
from .neuron.curves import Curve as Curve
from .neuron.curves import Power as Power
from .neuron.curves import Product as Product
from .neuron.curves import Sum as Sum
from .neuron.curves import as_curve as as_curve
from .neuron.formula import formula as formula
from .neuron.formula import gaussian as gaussian
from .neuron.formula import piecewise as piecewise
from .neuron.functions import Formula as Formula
from .neuron.functions import Function as Function
from .neuron.functions import Number as Number
from .neuron.functions import Voltage as Voltage
from .neuron.rates import Exponential as Exponential
from .neuron.rates import Linoid as Linoid
from .neuron.rates import Sigmoid as Sigmoid
from .neuron.tabulated import Tabulated as Tabulated
