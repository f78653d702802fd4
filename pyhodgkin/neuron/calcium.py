"""A pool of calcium beneath the membrane, and the physical constants of its currents."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import InputError
from .curves import finite

FARADAY = 96485.33212  # C/mol
GAS = 8.314462618  # J/(mol K)
ZERO_CELSIUS = 273.15
VALENCE = 2
# What the absolute tolerance of gates is multiplied with for a concentration in mM.
SMALL = 1e-3
STATE = "ca"  # the name of the concentration among the states
PREFIX = "calcium"  # what the names of its parameters begin with


@dataclass(frozen=True)
class CalciumPool:
    """The concentration of calcium in a shell beneath the membrane, the state ``ca`` (mM).

    dca/dt = -k·Σ i - (ca - ca_inf)/tau, the sum over the currents of `sources`; an inward current
    is negative and raises it.

    Parameters
    ----------
    ca_inf : float
        Where it decays to, mM.
    tau : float
        Time constant of the decay, ms.
    k : float
        mM/ms for each unit of the neuron's currents (µA/cm², nA or pA); `shell` computes it.
    sources : tuple of str
        Names of the channels whose currents carry calcium.

    Examples
    --------
    >>> pool = CalciumPool.shell(depth=1.0, ca_inf=2.4e-4, tau=5.0, sources=("cat",))
    >>> round(pool.k, 10)
    5.18213e-05
    """

    ca_inf: float
    tau: float
    k: float
    sources: tuple[str, ...]

    def __post_init__(self) -> None:
        names = (self.sources,) if isinstance(self.sources, str) else tuple(self.sources)
        object.__setattr__(self, "sources", names)
        for name, unit in (("ca_inf", "mM"), ("tau", "ms"), ("k", "mM/ms per unit of current")):
            value = finite(f"CalciumPool: {name}", getattr(self, name))
            object.__setattr__(self, name, value)
            low = value < 0.0 if name == "ca_inf" else value <= 0.0
            if low:
                least = "zero or positive" if name == "ca_inf" else "positive"
                raise InputError(f"CalciumPool: {name} = {value:g} {unit}; it must be {least}")
        if len(set(names)) < len(names):
            raise InputError(f"CalciumPool: sources = {names}; each channel counts once")

    @classmethod
    def shell(
        cls, depth: float, ca_inf: float, tau: float, sources: tuple[str, ...]
    ) -> CalciumPool:
        """A pool in a shell of `depth` (µm) under currents per area, µA/cm²: k = 10/(2 F depth).

        F is Faraday's constant, 96485 C/mol; one µA/cm² of calcium current brings
        5.18e-5 mM/ms into 1 µm.
        """
        if not finite("CalciumPool.shell: depth", depth) > 0.0:
            raise InputError(f"CalciumPool.shell: depth = {depth:g} µm must be positive")
        return cls(ca_inf, tau, 10.0 / (VALENCE * FARADAY * depth), sources)


def thermal_voltage(temperature: float) -> float:
    """RT/(zF) of calcium, mV, at `temperature` (°C).

    Examples
    --------
    >>> round(thermal_voltage(36.0), 4)
    13.3202
    """
    return 1e3 * GAS * (temperature + ZERO_CELSIUS) / (VALENCE * FARADAY)
