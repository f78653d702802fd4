"""The interpolating polynomials: exact for polynomials of their degree, whichever way they are."""

import numpy as np
import pytest

from pyhodgkin.numerics.interpolation import (
    cubic_hermite,
    even_stencils,
    lagrange,
    lagrange_weights,
    newton_coefficients,
    newton_polynomial,
    weighted,
)

X = np.array([0.0, 0.3, 1.0, 1.1, 2.5, 3.0, 4.0, 4.2, 5.0])
AT = np.linspace(-0.1, 5.1, 40)


def polynomial(degree, x):
    return np.polynomial.polynomial.polyval(x, np.arange(1.0, degree + 2.0))


@pytest.mark.parametrize("order", [2, 3, 4, 6])
def test_lagrange_is_exact_for_polynomials(order):
    found = lagrange(X, polynomial(order - 1, X), AT, order)
    np.testing.assert_allclose(found, polynomial(order - 1, AT), rtol=1e-10)


def test_lagrange_with_fewer_samples_than_asked_for():
    np.testing.assert_allclose(lagrange(X[:3], X[:3] ** 2, AT, 6), AT**2, atol=1e-12)
    assert lagrange(X[:1], np.array([7.0]), AT[:2], 6).tolist() == [7.0, 7.0]


@pytest.mark.parametrize("order", [4, 6])
def test_even_stencils_are_the_nearest_nodes_and_exact(order):
    place = np.linspace(0.0, 19.0, 77)
    numbers, weights = even_stencils(place, 20, order)
    assert numbers.min() == 0 and numbers.max() == 19
    inside = (place > order / 2) & (place < 19 - order / 2)
    assert np.abs(numbers[inside].mean(axis=1) - place[inside]).max() <= 0.5
    table = np.stack([polynomial(k, np.arange(20.0)) for k in range(order)], axis=-1)
    truth = np.stack([polynomial(k, place) for k in range(order)], axis=-1)
    np.testing.assert_allclose(weighted(numbers, weights, table), truth, rtol=1e-12)


def test_newtons_form_is_the_polynomial_of_lagrange():
    nodes, y = X[None, 2:6].repeat(3, axis=0), np.random.default_rng(0).normal(size=(3, 4))
    at = np.array([1.05, 2.0, 2.9])
    newton = newton_polynomial(nodes, newton_coefficients(nodes, y), at)
    np.testing.assert_allclose(newton, (lagrange_weights(nodes, at) * y).sum(axis=1), rtol=1e-12)


def test_cubic_hermite_is_exact_for_cubics():
    y, slopes = np.stack([X**3, X**2]), np.stack([3.0 * X**2, 2.0 * X])
    found = cubic_hermite(X, y, slopes, AT)
    np.testing.assert_allclose(found, np.stack([AT**3, AT**2]), atol=1e-12)
