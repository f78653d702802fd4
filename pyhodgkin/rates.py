"""Rate laws, to build kinetics with: the public names of `pyhodgkin.neuron.rates`."""

from .neuron.curves import Constant as Constant
from .neuron.curves import Curve as Curve
from .neuron.curves import Power as Power
from .neuron.curves import Product as Product
from .neuron.curves import Sum as Sum
from .neuron.curves import as_curve as as_curve
from .neuron.rates import Exponential as Exponential
from .neuron.rates import Linoid as Linoid
from .neuron.rates import Sigmoid as Sigmoid
