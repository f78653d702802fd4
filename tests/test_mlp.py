"""The multi-layer perceptron in numpy: its derivatives are those of differences and of torch."""

import numpy as np
import pytest

import pyhodgkin as ph
from pyhodgkin.numerics import mlp


@pytest.mark.parametrize("activation", mlp.ACTIVATIONS)
@pytest.mark.parametrize("layers", [(2, 5, 4, 3), (1, 3, 1), (2, 2)])
def test_derivatives_by_weight_are_those_of_differences(activation, layers):
    network = ph.Network.create(layers, activation, seed=3)
    x = np.random.default_rng(0).normal(size=(6, layers[0]))
    arrays, h = list(network.arrays()), 1e-6
    jacobian = mlp.jacobian(arrays, activation, x)
    assert jacobian.shape == (6, layers[-1], network.size)
    for place in range(network.size):
        step = np.zeros(network.size)
        step[place] = h
        slope = (network.moved(step)(x) - network.moved(-step)(x)) / (2 * h)
        np.testing.assert_allclose(jacobian[:, :, place], slope, atol=1e-8)
    by_output = np.random.default_rng(1).normal(size=(6, layers[-1]))
    gradient = mlp.vjp(arrays, activation, mlp.forward(arrays, activation, x), by_output)
    flat = np.concatenate([g.ravel() for g in gradient])
    np.testing.assert_allclose(flat, np.einsum("no,now->w", by_output, jacobian), atol=1e-12)
    assert [g.shape for g in gradient] == [a.shape for a in arrays]


@pytest.mark.parametrize("activation", mlp.ACTIVATIONS)
def test_leading_axes_of_the_inputs_are_kept(activation):
    network = ph.Network.create((2, 4, 3), activation, seed=1)
    x = np.random.default_rng(0).normal(size=(3, 5, 2))
    out = mlp.forward(network.arrays(), activation, x).output
    assert out.shape == (3, 5, 3)
    np.testing.assert_array_equal(network(x), out)
    np.testing.assert_allclose(out[1, 2], network(x[1, 2]), rtol=1e-14)
