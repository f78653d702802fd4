"""Neurons as documents on disk: the public names of `pyhodgkin.neuron.document`."""

from .neuron.document import load as load
from .neuron.document import load_metadata as load_metadata
from .neuron.document import save as save
