"""Networks that nobody has trained yet."""

from __future__ import annotations

import numpy as np

from ...errors import InputError
from ...neuron.channels import NeuralCurrent
from ...neuron.kinetics import NeuralKinetics
from ...neuron.networks import Network
from ...neuron.neuron import Neuron
from ...numerics.arrays import Indices


def untrained(network: Network) -> bool:
    """Whether a network is as `Network.create` draws it: the last biases are zero.

    Examples
    --------
    >>> untrained(Network.create((1, 4, 2), seed=1))
    True
    """
    return not np.any(network.biases[-1])


def networks_of(neuron: Neuron) -> dict[str, Network]:
    """The networks of gates and currents by the start of the names of their parameters."""
    found: dict[str, Network] = {}
    for channel in neuron.channels:
        if isinstance(channel, NeuralCurrent):
            found[channel.name] = channel.network
        for gate in channel.gates:
            if isinstance(gate.kinetics, NeuralKinetics):
                found[f"{channel.name}.{gate.name}"] = gate.kinetics.network
    return found


def left_random(neuron: Neuron, indices: Indices) -> list[str]:
    """Names of the gates and currents whose networks are at a random start and not trained."""
    trained = set(indices.tolist())
    return [
        name
        for name, network in networks_of(neuron).items()
        if untrained(network)
        and np.any(network.weights[-1])
        and neuron.layout[f"{name}.network.weight0"].start not in trained
    ]


def check_none_left_random(
    neuron: Neuron, indices: Indices, trainable: str | list[str], argument: str
) -> None:
    """Raise where a network keeps its random start while other parameters are fitted around it.

    Parameters
    ----------
    neuron : Neuron
    indices : array of int
        Places of everything that is trained.
    trainable : str or list of str
        As it was given.
    argument : str
        ``"trainable"`` or ``"--train"``.

    Raises
    ------
    InputError
    """
    names = left_random(neuron, indices)
    if not names:
        return
    words = [trainable] if isinstance(trainable, str) else list(trainable)
    more = ["networks", *(w for w in words if w != "networks")]
    if argument.startswith("--"):
        given, fix = " ".join([argument, *words]), " ".join([argument, *more])
    else:
        given = f"{argument} = {trainable!r}"
        fix = f"{argument}={more!r}"
    raise InputError(
        f"{given} leaves the network of {', '.join(names)} at its random start, so that nothing "
        f"that is fitted around it means anything: give {fix}"
    )
