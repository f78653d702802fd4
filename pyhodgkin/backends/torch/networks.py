"""Networks on tensors: all gates with networks of one shape in one batched product."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ...neuron.networks import Network
from .arrays import of


class NetworkInput(NamedTuple):
    """Networks of one shape, and their inputs (K, in, Q) or (N, K, in, Q)."""

    stack: NetworkStack
    inputs: Tensor


class NetworkStack:
    """N networks of the same shape, evaluated together.

    `starts` are the places of their weights in the flat parameter vector.
    """

    def __init__(self, networks: list[Network], starts: list[int]) -> None:
        self.count = len(networks)
        self.layers = networks[0].layers
        self.activation = networks[0].activation
        places: list[Tensor] = []
        for i, array in enumerate(networks[0].arrays()):
            before = sum(a.size for a in networks[0].arrays()[:i])
            block = torch.arange(array.size).view(array.shape)
            places.append(torch.stack([block + start + before for start in starts]))
        self.places = places

    def unpack(self, prefix: str, theta: Tensor) -> dict[str, Tensor]:
        """Weights (N, K, out, in) and biases (N, K, out, 1) from `theta` (K, P)."""
        out = {}
        for i, place in enumerate(self.places):
            array = theta[:, place].movedim(0, 1)
            out[f"{prefix}.{i}"] = array if i % 2 == 0 else array.unsqueeze(-1)
        return out

    def __call__(self, prefix: str, x: Tensor, p: dict[str, Tensor]) -> Tensor:
        """Outputs (N, K, out, Q) for inputs (K, in, Q) or (N, K, in, Q)."""
        last = len(self.places) - 2
        for i in range(0, last, 2):
            x = self._activate(_linear(p[f"{prefix}.{i}"], x, p[f"{prefix}.{i + 1}"]))
        return _linear(p[f"{prefix}.{last}"], x, p[f"{prefix}.{last + 1}"])

    def with_tangents(
        self, prefix: str, x: Tensor, dx: list[Tensor], p: dict[str, Tensor]
    ) -> tuple[Tensor, list[Tensor]]:
        """Outputs and their derivatives along each input direction in `dx`."""
        last = len(self.places) - 2
        for i in range(0, last, 2):
            weight = p[f"{prefix}.{i}"]
            z = _linear(weight, x, p[f"{prefix}.{i + 1}"])
            x = self._activate(z)
            slope = self._slope(z, x)
            dx = [slope * _product(weight, d) for d in dx]
        weight = p[f"{prefix}.{last}"]
        out = _linear(weight, x, p[f"{prefix}.{last + 1}"])
        return out, [of(x).broadcast_to(_product(weight, d), out.shape) for d in dx]

    def _activate(self, z: Tensor) -> Tensor:
        return getattr(of(z), self.activation)(z)

    def _slope(self, z: Tensor, x: Tensor) -> Tensor:
        if self.activation == "tanh":
            return 1.0 - x * x
        s = of(z).sigmoid(z)
        return s if self.activation == "softplus" else s * (1.0 + z * (1.0 - s))


def _product(weight: Tensor, x: Tensor) -> Tensor:
    # A product with one input is an outer product: broadcasting is faster than a batched matmul.
    return weight * x if weight.shape[-1] == 1 else weight @ x


def _linear(weight: Tensor, x: Tensor, bias: Tensor) -> Tensor:
    return _product(weight, x) + bias
