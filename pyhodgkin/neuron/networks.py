"""Small multi-layer perceptrons as plain values: layer sizes, an activation, weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError, unknown
from ..numerics import mlp
from ..numerics.arrays import FloatArray
from ..numerics.mlp import ACTIVATIONS


@dataclass(frozen=True, eq=False)
class Network:
    """A fully connected network; its arrays are read-only.

    Parameters
    ----------
    weights : sequence of array, each (out, in)
    biases : sequence of array, each (out,)
    activation : {"tanh", "softplus", "silu"}
        Applied after every layer but the last.

    Examples
    --------
    >>> net = Network.create((1, 8, 2), seed=0)
    >>> net(np.zeros((5, 1))).shape
    (5, 2)
    """

    weights: tuple[FloatArray, ...]
    biases: tuple[FloatArray, ...]
    activation: str = "tanh"

    def __post_init__(self) -> None:
        if self.activation not in ACTIVATIONS:
            raise unknown("activation", self.activation, ACTIVATIONS)
        weights = tuple(_frozen(w) for w in self.weights)
        biases = tuple(_frozen(b) for b in self.biases)
        if not weights or len(weights) != len(biases):
            raise InputError(f"Network: {len(weights)} weights and {len(biases)} biases; equal > 0")
        for i, (w, b) in enumerate(zip(weights, biases, strict=True)):
            joined = i == 0 or w.shape[1] == weights[i - 1].shape[0]
            if w.ndim != 2 or b.shape != (w.shape[0],) or not joined:
                raise InputError(
                    f"Network: layer {i} has weight {w.shape} and bias {b.shape}; "
                    "give (out, in) and (out,), each `in` equal to the `out` before it"
                )
        object.__setattr__(self, "weights", weights)
        object.__setattr__(self, "biases", biases)

    @classmethod
    def create(
        cls,
        layers: Sequence[int] = (1, 32, 32, 2),
        activation: str = "tanh",
        seed: int = 0,
        zero_last: bool = False,
    ) -> Network:
        """A network with Glorot-uniform weights and small biases, drawn from `seed`.

        `zero_last` sets the last layer to zero, so that the network starts at the prior.
        """
        if len(layers) < 2 or any(int(n) != n or n < 1 for n in layers):
            raise InputError(f"layers = {tuple(layers)}: give at least two sizes, each 1 or more")
        rng = np.random.default_rng(seed)
        weights, biases = [], []
        for n_in, n_out in pairwise(layers):
            limit = np.sqrt(6.0 / (n_in + n_out))
            weights.append(rng.uniform(-limit, limit, (n_out, n_in)))
            biases.append(rng.uniform(-1.0, 1.0, n_out) / np.sqrt(n_in))
        biases[-1] = np.zeros(layers[-1])
        if zero_last:
            weights[-1] = np.zeros_like(weights[-1])
        return cls(tuple(weights), tuple(biases), activation)

    @property
    def layers(self) -> tuple[int, ...]:
        """Sizes of the layers, input first."""
        return (self.weights[0].shape[1], *(w.shape[0] for w in self.weights))

    @property
    def size(self) -> int:
        """Number of weights and biases."""
        return sum(w.size for w in self.weights) + sum(b.size for b in self.biases)

    def arrays(self) -> tuple[FloatArray, ...]:
        """weight0, bias0, weight1, bias1, … in the order of the parameter vector."""
        return tuple(a for pair in zip(self.weights, self.biases, strict=True) for a in pair)

    def with_arrays(self, arrays: Sequence[FloatArray]) -> Network:
        """The same network with other arrays, in the order of `arrays`."""
        return Network(tuple(arrays[0::2]), tuple(arrays[1::2]), self.activation)

    def moved(self, by: FloatArray) -> Network:
        """The same network with its weights (W,), in the order of `arrays`, moved."""
        ends = np.cumsum([a.size for a in self.arrays()])[:-1]
        pairs = zip(self.arrays(), np.split(by, ends), strict=True)
        return self.with_arrays([a + part.reshape(a.shape) for a, part in pairs])

    def __call__(self, x: ArrayLike) -> FloatArray:
        """Outputs (..., out) for inputs (..., in)."""
        z = np.asarray(x, dtype=np.float64)
        if z.shape[-1] != self.layers[0]:
            raise InputError(f"Network: input {z.shape} does not end in {self.layers[0]}")
        return mlp.forward(self.arrays(), self.activation, z).output

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Network):
            return NotImplemented
        return (self.activation, self.layers) == (other.activation, other.layers) and all(
            np.array_equal(a, b) for a, b in zip(self.arrays(), other.arrays(), strict=True)
        )

    def __hash__(self) -> int:
        return hash((self.activation, self.layers))

    def __repr__(self) -> str:
        return f"Network({'-'.join(map(str, self.layers))}, {self.activation})"


def _frozen(array: ArrayLike) -> FloatArray:
    out = np.array(array, dtype=np.float64)
    if not np.all(np.isfinite(out)):
        raise InputError("Network: a weight is NaN or infinite")
    out.flags.writeable = False
    return out
