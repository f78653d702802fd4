"""exp, the logistic function, linoids and softplus of the kernels, against those of numpy."""

from __future__ import annotations

import numpy as np
import pytest

from pyhodgkin.backends import compiled

pytestmark = pytest.mark.skipif(bool(compiled.why_not()), reason=compiled.why_not() or "used")


@pytest.mark.parametrize("kind", ["float64", "vector", "float32"])
def test_elementary_functions_are_right_to_the_last_digits(kind):
    import numba

    from pyhodgkin.backends.compiled.kernels import elementary as own
    from pyhodgkin.backends.compiled.kernels import vectors
    from pyhodgkin.numerics import elementary as referee

    width, dtype = {"float64": (1, float), "vector": (16, float), "float32": (32, np.float32)}[kind]
    zero = {"vector": vectors.wide_float64, "float32": vectors.wide_float32}.get(kind)

    @numba.njit
    def at(x, out, count):
        like = 0.0 if zero is None else zero()
        source, target = vectors.pointer(x), vectors.pointer(out)
        for i in range(count):
            y = vectors.load(like, source, i)
            e = own.exponential(-vectors.absolute(y))
            vectors.store(target, i, own.exponential(y))
            vectors.store(target, count + i, own.logistic(y))
            vectors.store(target, 2 * count + i, own.linoid(y))
            vectors.store(target, 3 * count + i, own.linoid_slope(y, e))
            vectors.store(target, 4 * count + i, own.softplus(y))

    largest = 600.0 if dtype is float else 80.0
    wide = np.concatenate([np.geomspace(1e-8, largest, 496), [0.0] * 16])
    x = np.concatenate([wide, -wide]).astype(dtype)
    out = np.zeros(5 * len(x), dtype)
    at(x, out, len(x) // width)
    y = x.astype(float)
    expected = [
        np.exp(y),
        referee.logistic(y),
        *referee.linoid(y),
        np.where(y > 0, y, 0) + np.log1p(np.exp(-np.abs(y))),
    ]
    digits = 1e-14 if dtype is float else 2e-6  # the referee loses as many
    for found, right in zip(out.reshape(5, -1), expected, strict=True):
        normal = right > (1e-300 if dtype is float else 1e-37)
        np.testing.assert_allclose(found[normal], right[normal], rtol=digits)
