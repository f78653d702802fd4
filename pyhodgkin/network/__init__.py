"""Networks of neurons: groups, synapses, gap junctions, sources of spikes, and their simulation."""

from .groups import NeuronGroup as NeuronGroup
from .kinetics import AlphaSynapse as AlphaSynapse
from .kinetics import DoubleExponentialSynapse as DoubleExponentialSynapse
from .kinetics import ExponentialSynapse as ExponentialSynapse
from .network import SpikingNetwork as SpikingNetwork
from .simulate import simulate_network as simulate_network
from .solution import NetworkSolution as NetworkSolution
from .sources import PoissonSource as PoissonSource
from .sources import SpikeTimes as SpikeTimes
from .synapses import GapJunctions as GapJunctions
from .synapses import Synapses as Synapses
