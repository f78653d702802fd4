"""The modes of a stage: what is compared with what was measured, one file each."""

from .base import Mode as Mode
from .base import register as register
from .clamped import Clamped as Clamped
from .multiple_shooting import MultipleShooting as MultipleShooting
from .observer import Observer as Observer
from .simulation import Simulation as Simulation
from .spike_trains import SpikeTrains as SpikeTrains
