"""Published neurons: the public names of `pyhodgkin.neuron.library`."""

from .neuron.library import describe as describe
from .neuron.library import get as get
from .neuron.library import names as names
