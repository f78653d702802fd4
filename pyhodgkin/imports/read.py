"""Channels from files of NEURON and NeuroML."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from ..errors import InputError
from ..neuron.channels import Channel
from .currents import Channels, Given
from .included import mechanism_source
from .parser import parse
from .source import source_of


def read_channels(
    path: str | os.PathLike[str],
    *,
    e: float | Mapping[str, float] | None = None,
    g: float | Mapping[str, float] | None = None,
    celsius: float | None = None,
    parameters: Mapping[str, float] | None = None,
) -> tuple[Channel, ...]:
    """The channels in a mechanism of NEURON (``.mod``) or in a NeuroML 2 file (``.nml``).

    The file is parsed, never executed. What it says is taken exactly, or refused with the line
    that says it: a current must be a conductance times gates times (v - e), and each gate must
    depend on the voltage alone. Where the temperature is a factor of the rates it becomes the
    `q10` and `t_ref` of the gate.

    Parameters
    ----------
    path : path
        ``.mod``: a density mechanism (NMODL). ``.nml`` or ``.xml``: NeuroML 2 with ionChannelHH.
    e : float or mapping of str to float, optional
        Reversal potentials that the file leaves to the cell, mV: a number where there is one, or
        by the name of the variable or of the ion (NMODL) or of the channel (NeuroML).
    g : float or mapping of str to float, optional
        Maximal conductances, mS/cm²: of NeuroML channels, whose density the cell states. In NMODL
        the file has them.
    celsius : float, optional
        Temperature, degrees Celsius, where the file depends on it in another way than by a factor
        of the rates.
    parameters : mapping of str to float, optional
        NMODL: values of PARAMETERs, in the units of the file, instead of those in the file.

    Returns
    -------
    tuple of Channel
        One for each current, with g in mS/cm² and e in mV.

    Raises
    ------
    InputError
        For what is no such channel; the message names the file, the line and the statement.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> folder = getfixture("tmp_path")
    >>> files = ph.library.get("squid_axon").export("nmodl", folder)
    >>> [channel] = read_channels(folder / "k.mod")
    >>> channel.name, channel.g, channel.e, channel.label
    ('k_squid_axon', 36.0, -77.0, 'n⁴')
    """
    path = Path(path)
    kind = path.suffix.lower()
    if kind not in (".mod", ".nml", ".xml"):
        raise InputError(f"{path}: give a .mod file (NMODL) or a .nml file (NeuroML 2)")
    if celsius is not None and not -50.0 < float(celsius) < 100.0:
        raise InputError(f"celsius = {celsius}; give degrees Celsius between -50 and 100")
    if kind == ".mod":
        source = mechanism_source(path)
        if g is not None:
            raise InputError(
                'g: a .mod file has its conductance; change it by parameters={"name": …}'
            )
        given = Given(e, celsius, {} if parameters is None else parameters)
        return tuple(Channels(source, parse(source), given).channels())
    if parameters:
        raise InputError("parameters: they are those of a .mod file; NeuroML has none")
    from .neuroml import channels

    return channels(source_of(path), e, g, celsius)


def read_channel(
    path: str | os.PathLike[str],
    *,
    name: str | None = None,
    e: float | Mapping[str, float] | None = None,
    g: float | Mapping[str, float] | None = None,
    celsius: float | None = None,
    parameters: Mapping[str, float] | None = None,
) -> Channel:
    """The channel in a file: see `read_channels`.

    Parameters
    ----------
    name : str, optional
        Which one, where the file has several.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> folder = getfixture("tmp_path")
    >>> files = ph.library.get("squid_axon").export("nmodl", folder)
    >>> read_channel(folder / "na.mod").label
    'm³h'
    """
    found = read_channels(path, e=e, g=g, celsius=celsius, parameters=parameters)
    names = [channel.name for channel in found]
    if name is None and len(found) == 1:
        return found[0]
    if name not in names:
        raise InputError(
            f"{path} has the channels {', '.join(names)}; give name= one of them, or take all of "
            "them with read_channels"
        )
    return found[names.index(name)]
