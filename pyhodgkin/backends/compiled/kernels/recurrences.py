"""Forward sensitivities along known states, step by step, for all directions at once."""

from __future__ import annotations

import math
from typing import Any

import numba

_njit: Any = numba.njit
kept: Any = _njit(
    fastmath={"contract", "reassoc", "nsz"}, nogil=True, error_model="numpy", cache=True
)


@kept
def trajectory(t, a, b, moved, work, out):
    """dS/dt = `a` S + `b` by Lobatto's method (IIIA, of order 4): how v moves at every second node.

    Parameters
    ----------
    t : array (N,)
        ms; every second node is in the middle of a step.
    a, b : array (N, S, S), (N, S, p)
        The directions from the p-th on move nothing but the start.
    moved : array (S, q)
        S at the start; it is overwritten.
    work : (left (S, S), right (S, S), push (S, q))
    out : array ((N + 1) // 2, q)
    """
    s, q, p = moved.shape[0], moved.shape[1], b.shape[2]
    left, right, push = work
    out[0] = moved[0]
    for k in range(0, len(t) - 2, 2):
        h = (t[k + 2] - t[k]) / 6.0
        for i in range(s):
            for j in range(s):
                ahead, behind = 0.0, 0.0
                for r in range(s):
                    ahead += a[k + 1, i, r] * a[k + 2, r, j]
                    behind += a[k + 1, i, r] * a[k, r, j]
                eye = 1.0 if i == j else 0.0
                left[i, j] = eye - h * (a[k + 2, i, j] + 2.0 * a[k + 1, i, j] - 3.0 * h * ahead)
                right[i, j] = eye + h * (a[k, i, j] + 2.0 * a[k + 1, i, j] + 3.0 * h * behind)
        for i in range(s):
            for d in range(p):
                push[i, d] = h * (b[k, i, d] + 4.0 * b[k + 1, i, d] + b[k + 2, i, d])
            for d in range(p, q):
                push[i, d] = 0.0
            for r in range(s):
                factor, own = 3.0 * h * h * a[k + 1, i, r], right[i, r]
                for d in range(p):
                    push[i, d] += factor * (b[k, r, d] - b[k + 2, r, d])
                for d in range(q):
                    push[i, d] += own * moved[r, d]
        eliminate(left, push)
        moved[:] = push
        out[k // 2 + 1] = moved[0]


@kept
def eliminate(matrix, rows):
    """`rows` (S, q) becomes the solution of `matrix` (S, S) times it, by Gauss and Jordan."""
    s, q = rows.shape
    for i in range(s):
        best = i
        for k in range(i + 1, s):
            if abs(matrix[k, i]) > abs(matrix[best, i]):
                best = k
        if best != i:
            for j in range(s):
                matrix[i, j], matrix[best, j] = matrix[best, j], matrix[i, j]
            for d in range(q):
                rows[i, d], rows[best, d] = rows[best, d], rows[i, d]
        inverse = 1.0 / matrix[i, i]
        for j in range(i, s):
            matrix[i, j] *= inverse
        for d in range(q):
            rows[i, d] *= inverse
        for k in range(s):
            if k != i:
                off = matrix[k, i]
                for j in range(i, s):
                    matrix[k, j] -= off * matrix[i, j]
                for d in range(q):
                    rows[k, d] -= off * rows[i, d]


@kept
def gates(rates, table, nodes, weights, h, before, held, start, places, moved, out):
    """How gates under a known voltage move: dx/dt = a - s x, step by step.

    Parameters
    ----------
    rates : array (N, 2·G)
        a, then s, of each gate in each step.
    table : array (n, 2·G, p)
        Their derivatives along p directions at some voltages.
    nodes, weights : array (N, k)
        Those that each step is interpolated between.
    h : array (N,)
        ms; 0 in the first step, in which gates reach their level.
    before : array (G, N)
        The gates before each step.
    held, start : array of bool (G,), array (G, q) or (0, 0)
        The gates whose start does not move; how the starts move, where that is given.
    places : array of int (T,)
        The last step before each sample.
    moved : array (G, q)
        Zeros.
    out : array (T, G, q)
    """
    n_gates, p, sample = before.shape[0], table.shape[2], 0
    for k in range(len(h)):
        for g in range(n_gates):
            a, s = rates[k, g], rates[k, n_gates + g]
            if k == 0 and len(start) > 0:
                moved[g] = start[g]
                continue
            if k == 0 and held[g]:
                continue
            keep = 0.0 if k == 0 else math.exp(-s * h[k])
            level, stay = a / s, (before[g, k] - a / s) * h[k] * keep
            by_a = (1.0 - keep) / s
            by_s = -by_a * level - stay
            own = moved[g]
            for d in range(len(own)):
                own[d] *= keep
            for i in range(nodes.shape[1]):
                w = weights[k, i]
                of_a, of_s = table[nodes[k, i], g], table[nodes[k, i], n_gates + g]
                for d in range(p):
                    own[d] += w * (by_a * of_a[d] + by_s * of_s[d])
        while sample < len(places) and places[sample] == k:
            out[sample] = moved
            sample += 1
