"""(shift·I - J) u = r in a kernel: an arrowhead by elimination, a full matrix by its inverse."""

from __future__ import annotations

from .elementary import compiled
from .layout import BLACK_BOX, MATRIX, STATES
from .vectors import absolute, fill, fma, load, select, store


@compiled
def factor(like, m, x, shift):
    """Prepare to solve: the Jacobian in its slots is replaced by what `solve` needs."""
    if m[BLACK_BOX]:
        invert(like, m, x, shift)
        return
    s, row = m[STATES], m[MATRIX]
    pivot = shift - load(like, x, row)
    for j in range(1, s):
        inverse = 1.0 / (shift - load(like, x, row + 2 * s + j))
        over = load(like, x, row + j) * inverse
        store(x, row + j, over)
        store(x, row + 2 * s + j, inverse)
        pivot = pivot - over * load(like, x, row + s + j)
    store(x, row, 1.0 / pivot)


@compiled
def solve(like, m, x, r):
    """u for the right-hand side in the slots from `r` on, to the same slots."""
    s, row = m[STATES], m[MATRIX]
    if m[BLACK_BOX]:
        multiply(like, m, x, r)
        return
    v = load(like, x, r)
    for j in range(1, s):
        v = fma(load(like, x, row + j), load(like, x, r + j), v)
    v = v * load(like, x, row)
    store(x, r, v)
    for j in range(1, s):
        u = fma(load(like, x, row + s + j), v, load(like, x, r + j))
        store(x, r + j, u * load(like, x, row + 2 * s + j))


@compiled
def invert(like, m, x, shift):
    """The inverse of shift·I - J in the place of J, by Gauss and Jordan with row pivots.

    S rows of S follow the matrix: the identity, which becomes the inverse.
    """
    s, a = m[STATES], m[MATRIX]
    b = a + s * s
    for i in range(s):
        for j in range(s):
            own = -load(like, x, a + i * s + j)
            store(x, a + i * s + j, own + shift if i == j else own)
            store(x, b + i * s + j, fill(like, 1.0 if i == j else 0.0))
    for i in range(s):
        for k in range(i + 1, s):  # the largest of the column goes to the diagonal
            better = absolute(load(like, x, a + k * s + i)) > absolute(load(like, x, a + i * s + i))
            for j in range(2 * s):
                one, other = _place(a, s, i, j), _place(a, s, k, j)
                p, q = load(like, x, one), load(like, x, other)
                store(x, one, select(better, q, p))
                store(x, other, select(better, p, q))
        inverse = 1.0 / load(like, x, a + i * s + i)
        for j in range(2 * s):
            place = _place(a, s, i, j)
            store(x, place, load(like, x, place) * inverse)
        for k in range(s):
            if k == i:
                continue
            off = load(like, x, a + k * s + i)
            for j in range(2 * s):
                place = _place(a, s, k, j)
                store(x, place, load(like, x, place) - off * load(like, x, _place(a, s, i, j)))


@compiled
def _place(a, s, i, j):
    """The slot of column j of row i of the matrix with the identity beside it."""
    return a + i * s + j if j < s else a + s * s + i * s + j - s


@compiled
def multiply(like, m, x, r):
    """The product of the inverse with the right-hand side, to the same slots."""
    s, a = m[STATES], m[MATRIX]
    b, out = a + s * s, a
    for i in range(s):
        total = fill(like, 0.0)
        for j in range(s):
            total = fma(load(like, x, b + i * s + j), load(like, x, r + j), total)
        store(x, out + i, total)
    for i in range(s):
        store(x, r + i, load(like, x, out + i))


@compiled
def solve_transposed(like, m, x, r):
    """As `solve`, for the transposed matrix."""
    s, row = m[STATES], m[MATRIX]
    if m[BLACK_BOX]:
        multiply_transposed(like, m, x, r)
        return
    v = load(like, x, r)
    for j in range(1, s):
        u = load(like, x, r + j) * load(like, x, row + 2 * s + j)
        v = fma(load(like, x, row + s + j), u, v)
    v = v * load(like, x, row)
    store(x, r, v)
    for j in range(1, s):
        u = load(like, x, r + j) * load(like, x, row + 2 * s + j)
        store(x, r + j, fma(load(like, x, row + j), v, u))


@compiled
def multiply_transposed(like, m, x, r):
    """The product of the transposed inverse with the right-hand side, to the same slots."""
    s, out = m[STATES], m[MATRIX]
    b = out + s * s
    for i in range(s):
        total = fill(like, 0.0)
        for j in range(s):
            total = fma(load(like, x, b + j * s + i), load(like, x, r + j), total)
        store(x, out + i, total)
    for i in range(s):
        store(x, r + i, load(like, x, out + i))
