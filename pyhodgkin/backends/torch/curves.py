"""Rate laws on tensors: all leaves of a neuron evaluated as one vector, with their slopes.

Arrays are (leaf, K, Q): K parameter sets, Q cells or steps that share each set.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from ...neuron.functions import parameter_paths
from ...neuron.rates import Curve, Leaf
from .arrays import of
from .curve_trees import Pair, Tree, needs_voltage
from .linoids import LARGEST_EXPONENT as LARGEST_EXPONENT
from .linoids import psi as psi
from .linoids import psi_slope as psi_slope

FORMS = ("exponential", "sigmoid", "linoid", "constant")


class LeafTable:
    """The leaves of many curves, sorted by form, and where each came from.

    `places` maps (curve key, leaf number) to a row of the table; `a`, `v0`, `k` are indices
    into the flat parameter vector. Where a curve is not made of leaves alone, v is one more row
    after them.
    """

    def __init__(self, curves: Iterable[tuple[str, Curve, dict[str, int]]]) -> None:
        found: dict[str, list[tuple[tuple[str, int], dict[str, int]]]] = {f: [] for f in FORMS}
        self.with_voltage = False
        for key, curve, starts in curves:
            self.with_voltage = self.with_voltage or needs_voltage(curve)
            for i, (leaf, paths) in enumerate(parameter_paths(key, curve)):
                at = {name: starts[path] for name, path in paths.items()}
                found[leaf.form].append(((key, i), at))
        rows = [row for form in FORMS for row in found[form]]
        self.counts = [len(found[form]) for form in FORMS]
        self.count = sum(self.counts)
        self.places = {place: i for i, (place, _) in enumerate(rows)}
        moving = rows[: len(rows) - self.counts[3]]
        self.a = torch.tensor([at["a"] for _, at in rows], dtype=torch.long)
        self.v0 = torch.tensor([at["v0"] for _, at in moving], dtype=torch.long)
        self.k = torch.tensor([at["k"] for _, at in moving], dtype=torch.long)

    def __len__(self) -> int:
        return self.count + self.with_voltage

    def unpack(self, theta: Tensor) -> dict[str, Tensor]:
        """Parameters (leaf, K, 1) of the leaves from `theta` (K, P)."""
        if not self.count:
            return {}
        n_exp, n_sig, n_lin, n_const = self.counts
        pick = theta.t().unsqueeze(-1)
        a, v0, k = pick[self.a], pick[self.v0], pick[self.k]
        sign = torch.ones(len(self.v0), 1, 1, dtype=theta.dtype, device=theta.device)
        sign[n_exp + n_sig :] = -1.0
        lin = slice(n_exp + n_sig, n_exp + n_sig + n_lin)
        factor = torch.cat([a[: n_exp + n_sig], a[lin] * k[lin], a[len(a) - n_const :]])
        return {"leaf.factor": factor, "leaf.v0": v0, "leaf.inverse_k": sign / k}

    def values(self, v: Tensor, p: dict[str, Tensor]) -> Tensor:
        """Values (leaf, K, Q) at `v` (K, Q)."""
        if not self.count:
            return v[None]
        found = self._unit(self._scaled(v, p), v) * p["leaf.factor"]
        return of(v).cat([found, _row(v, found)]) if self.with_voltage else found

    def values_and_slopes(self, v: Tensor, p: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Values and derivatives with respect to v, (leaf, K, Q) each."""
        xp = of(v)
        if not self.count:
            return v[None], xp.ones_like(v)[None]
        n_exp, n_sig, n_lin, n_const = self.counts
        x = self._scaled(v, p)
        unit = self._unit(x, v)
        slopes = [unit[:n_exp]]
        if n_sig:
            s = unit[n_exp : n_exp + n_sig]
            slopes.append(s * (1.0 - s))
        if n_lin:
            slopes.append(psi_slope(x[n_exp + n_sig :]))
        slope = xp.cat(slopes) * p["leaf.inverse_k"]
        if n_const:
            slope = xp.cat([slope, xp.zeros_like(unit[len(unit) - n_const :])])
        value, slope = unit * p["leaf.factor"], slope * p["leaf.factor"]
        if not self.with_voltage:
            return value, slope
        row = _row(v, value)
        return xp.cat([value, row]), xp.cat([slope, xp.ones_like(row)])

    def _scaled(self, v: Tensor, p: dict[str, Tensor]) -> Tensor:
        return (v - p["leaf.v0"]) * p["leaf.inverse_k"]

    def _unit(self, x: Tensor, v: Tensor) -> Tensor:
        n_exp, n_sig, n_lin, n_const = self.counts
        xp, parts = of(v), []
        limit = LARGEST_EXPONENT[v.itemsize]
        held = xp.clip(x[: n_exp + n_sig], -limit, limit)
        if n_exp:
            parts.append(xp.exp(held[:n_exp]))
        if n_sig:
            parts.append(xp.sigmoid(held[n_exp:]))
        if n_lin:
            parts.append(psi(x[n_exp + n_sig :]))
        if n_const:
            parts.append(xp.full((n_const, *v.shape), 1.0, v))
        return parts[0] if len(parts) == 1 else xp.cat(parts)


def _row(v: Tensor, like: Tensor) -> Tensor:
    return of(v).broadcast_to(v[None], (1, *like.shape[1:]))


class CurveProgram:
    """A tree of curves, evaluated from the rows of a `LeafTable`."""

    def __init__(self, key: str, curve: Curve, table: LeafTable) -> None:
        self.curve = curve
        self.rows = [table.places[key, i] for i, _ in enumerate(curve.leaves())]
        self._tree = Tree(curve)

    @property
    def row(self) -> int | None:
        """The row of the table that is the whole curve, if it is a single leaf."""
        return self.rows[0] if isinstance(self.curve, Leaf) else None

    def value(self, values: Tensor) -> Tensor:
        """Value (K, Q) of the curve."""
        leaves: Iterator[Pair] = ((values[r], None) for r in self.rows)
        return self._tree(leaves, (values[-1], None))[0]

    def value_and_slope(self, values: Tensor, slopes: Tensor) -> tuple[Tensor, Tensor]:
        """Value and derivative with respect to v, (K, Q) each."""
        leaves: Iterator[Pair] = ((values[r], slopes[r]) for r in self.rows)
        value, slope = self._tree(leaves, (values[-1], slopes[-1]))
        assert slope is not None
        return value, slope
