"""Networks of a program: the operations that are their outputs, and their tables."""

from __future__ import annotations

from typing import Any

from ..numerics.mlp import ACTIVATIONS
from .curve_tables import bounds, joined, table
from .networks import Network
from .program import Builder


class Networks:
    """The networks of a program, each once."""

    def __init__(self, build: Builder, places: dict[str, int]) -> None:
        self._build, self._places = build, places
        self._outputs: dict[str, list[int]] = {}
        self._known: list[tuple[int, Network]] = []

    def add(self, path: str, network: Network, inputs: list[int]) -> list[int]:
        """The outputs of the network whose parameters have names that begin with `path`."""
        if path not in self._outputs:
            self._known.append((self._places[f"{path}.weight0"], network))
            which, outputs = len(self._known) - 1, network.layers[-1]
            self._outputs[path] = self._build.network(which, outputs, inputs)
        return self._outputs[path]

    def arrays(self) -> dict[str, Any]:
        """As `Tables` has them."""
        layers = [network.layers for _, network in self._known]
        kinds = [
            tuple[str, ...](ACTIVATIONS).index(network.activation) for _, network in self._known
        ]
        return {
            "network_place": table([place for place, _ in self._known]),
            "network_activation": table(kinds),
            "network_bounds": bounds(layers),
            "layers": joined(layers),
        }
