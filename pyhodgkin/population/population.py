"""A population: cells of one neuron whose parameters differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from ..neuron.neuron import Neuron
from ..numerics.arrays import FloatArray
from ..numerics.cached import cached_property
from ..numerics.seeds import check_seed
from .columns import columns_of
from .correlations import Correlations, matrix_of, mixing
from .distribution import Distribution
from .distributions import Empirical
from .draws import drawn_seed, standard_normal
from .vary import check_names, fitted, resolved

if TYPE_CHECKING:
    from ..results.fit_result import FitResult
    from .result import PopulationResult


@dataclass(frozen=True, eq=False, init=False)
class Population:
    """Cells of one neuron, with parameters drawn from distributions or measured.

    Parameters
    ----------
    neuron : Neuron
        The cell whose parameters the others vary around.
    n : int
        Number of cells.
    vary : mapping of str to Distribution, number or array (n,)
        By parameter, a name of ``neuron.layout`` such as ``"na.g"``, or a group or pattern such
        as ``"conductances"`` or ``"*.g"`` (each one then varies by itself). What a distribution
        leaves out (a mean) is the neuron's own value. An array gives each cell its value.
    correlations : mapping of (str, str) to float, or array (N, N), optional
        Pearson correlations of the parameters that have distributions, by pair, or as a matrix
        in their order.
    seed : int, optional
        The same seed gives the same cells: cell i has the same parameters whatever `n` is and
        what else varies. Default: one is drawn; it is `seed` of the population.

    Raises
    ------
    InputError
        For values that a parameter cannot have (a negative conductance), names that are not of
        the neuron, and correlations that cannot be.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> axon = ph.library.get("squid_axon")
    >>> cells = ph.Population(
    ...     axon,
    ...     1000,
    ...     vary={"na.g": ph.LogNormal(cv=0.2), "k.g": ph.LogNormal(cv=0.2)},
    ...     correlations={("na.g", "k.g"): 0.7},
    ...     seed=1,
    ... )
    >>> cells
    Population(1,000 cells of squid_axon, na.g and k.g vary, seed 1)
    >>> na, k = cells["na.g"], cells["k.g"]
    >>> bool(abs(na.mean() - 120.0) < 3.0), bool(abs(np.corrcoef(na, k)[0, 1] - 0.7) < 0.05)
    (True, True)
    >>> bool(cells.cell(3).channel("na").g == na[3])
    True
    """

    neuron: Neuron
    n: int
    vary: Mapping[str, Distribution]
    given: Mapping[str, FloatArray]
    correlations: FloatArray
    seed: int
    names: tuple[str, ...]

    def __init__(
        self,
        neuron: Neuron,
        n: int,
        vary: Mapping[str, Distribution | ArrayLike] | None = None,
        *,
        correlations: Correlations | None = None,
        seed: int | None = None,
    ) -> None:
        if not isinstance(neuron, Neuron):
            raise InputError(f"neuron is a {type(neuron).__name__}; give a Neuron")
        if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1:
            raise InputError(f"n = {n!r}: give a whole number of cells, at least 1")
        drawn, given = resolved(neuron, int(n), vary or {})
        values = {"neuron": neuron, "n": int(n), "vary": drawn, "given": given, "names": ()}
        values["correlations"] = matrix_of(correlations, list(drawn))
        values["seed"] = drawn_seed() if seed is None else check_seed(seed)
        for name, value in values.items():
            object.__setattr__(self, name, value)
        _ = self._mixing

    @cached_property
    def _mixing(self) -> FloatArray:
        return mixing(list(self.vary.values()), list(self.vary), self.correlations)

    # -- other sources -------------------------------------------------------------------

    @classmethod
    def from_table(
        cls, neuron: Neuron, table: Any, *, n: int | None = None, seed: int | None = None
    ) -> Population:
        """Cells with measured values.

        Parameters
        ----------
        neuron : Neuron
            It has the values of all other parameters.
        table : mapping of str to array (N,), pandas.DataFrame, or path of a CSV file
            A column for each parameter (``na.g``), a row for each cell, in the units of the
            neuron; a first column ``cell`` names them.
        n : int, optional
            Default: the cells of the table, each once. Otherwise so many are drawn whose values
            have the distributions (`Empirical`) and correlations of the table.
        seed : int, optional
            For `n`.

        Examples
        --------
        >>> import pyhodgkin as ph
        >>> axon = ph.library.get("squid_axon")
        >>> table = {"na.g": [110.0, 120.0, 130.0], "k.g": [33.0, 37.0, 38.0]}
        >>> ph.Population.from_table(axon, table).cell(2).channel("k").g
        38.0
        >>> len(ph.Population.from_table(axon, table, n=500, seed=1))
        500
        """
        columns, labels = columns_of(table)
        check_names(neuron, columns)
        if n is None:
            count = len(next(iter(columns.values())))
            return cls(neuron, count, columns, seed=0).named(labels)
        spread = {k: x for k, x in columns.items() if len(x) > 1 and np.ptp(x) > 0}
        vary: dict[str, Any] = {k: Empirical(tuple(x)) for k, x in spread.items()}
        same = {name: x[0] for name, x in columns.items() if name not in spread}
        matrix = np.atleast_2d(np.corrcoef(list(spread.values()))) if len(spread) > 1 else None
        return cls(neuron, n, {**vary, **same}, correlations=matrix, seed=seed)

    @classmethod
    def from_fit(
        cls, result: FitResult, *, n: int | None = None, seed: int | None = None
    ) -> Population:
        """The cells of a fit with ``per_cell=…``, or others like them.

        Parameters
        ----------
        result : FitResult
            Of ``fit(…, per_cell=…)``.
        n : int, optional
            Default: the cells that were fitted. Otherwise so many are drawn: each parameter
            log-normal (normal, where it is not positive in all of them) with the mean and
            standard deviation of the fitted cells, and with their correlations.
        seed : int, optional
            For `n`.
        """
        known = result.population
        if known is None:
            raise InputError("result: a fit without per_cell= has no cells; see Population(vary=…)")
        neuron = result.neuron
        names = [neuron.layout.names[i] for i in known.own]
        columns = dict(zip(names, known.values(result.best).T, strict=True))
        if n is None:
            return cls.from_table(neuron, {"cell": list(known.cells), **columns})
        if len(known) < 3:
            raise InputError(f"n: {len(known)} cells were fitted; a spread needs at least 3")
        vary = {name: fitted(x) for name, x in columns.items() if np.ptp(x) > 0}
        same = {name: x[0] for name, x in columns.items() if name not in vary}
        varied = [columns[name] for name in vary]
        matrix = np.atleast_2d(np.corrcoef(varied)) if len(varied) > 1 else None
        return cls(neuron, n, {**vary, **same}, correlations=matrix, seed=seed)

    # -- parameters ----------------------------------------------------------------------

    def __len__(self) -> int:
        return self.n

    @property
    def varied(self) -> tuple[str, ...]:
        """The parameters that are not the same in all cells."""
        return (*self.vary, *self.given)

    def values(self, start: int = 0, stop: int | None = None) -> dict[str, FloatArray]:
        """The parameters that vary, of the cells from `start` to `stop`: (stop - start,) each."""
        stop = self.n if stop is None else stop
        if not 0 <= start <= stop <= self.n:
            raise InputError(f"cells {start} to {stop}: this population has {self.n}")
        return self._values(self.varied, start, stop)

    def _values(self, wanted: Sequence[str], start: int, stop: int) -> dict[str, FloatArray]:
        names, z, out = list(self.vary), {}, {}
        for name in wanted:
            if name in self.given:
                out[name] = self.given[name][start:stop]
                continue
            weights, mixed = self._mixing[names.index(name)], np.zeros(stop - start)
            for j in np.flatnonzero(weights):  # in this order, whatever the number of cells is
                if j not in z:
                    z[j] = standard_normal(self.seed, names[j], start, stop)
                mixed = mixed + weights[j] * z[j]
            out[name] = self.vary[name].of_normal(mixed)
        return out

    def __getitem__(self, name: str) -> FloatArray:
        """A parameter of all cells, (n,), by name."""
        if name in self.vary or name in self.given:
            return self._values([name], 0, self.n)[name]
        entry = self.neuron.layout[name]
        if entry.size != 1:
            raise InputError(f"{name} has shape {entry.shape}; it is the same in all cells")
        return np.full(self.n, self.neuron.theta[entry.start])

    def theta(self, start: int = 0, stop: int | None = None) -> FloatArray:
        """All parameters of the cells from `start` to `stop`, in the order of the layout."""
        stop = self.n if stop is None else stop
        layout = self.neuron.layout
        out = np.repeat(self.neuron.theta[None], stop - start, axis=0)
        for name, array in self.values(start, stop).items():
            out[:, layout[name].start] = array
        if not ((out >= layout.least) & (out < np.inf)).all():
            row, place = np.argwhere(~((out >= layout.least) & (out < np.inf)))[0]
            entry = layout[layout.names[place]]
            raise InputError(
                f"vary: {entry.name} of cell {start + row} is {out[row, place]:g} {entry.unit}, "
                "which it cannot be; give the distribution a lower bound (low = 0)"
            )
        return out

    def cell(self, i: int) -> Neuron:
        """The neuron of cell `i`."""
        i = range(self.n)[i]
        return self.neuron.with_theta(self.theta(i, i + 1)[0])

    def __iter__(self) -> Iterator[Neuron]:
        return (self.cell(i) for i in range(self.n))

    def named(self, names: tuple[str, ...]) -> Population:
        """The same cells, with a name for each, or none."""
        if names and len(names) != self.n:
            raise InputError(f"names: {len(names)} of them for {self.n} cells")
        vary = {**self.vary, **self.given}
        made = Population(self.neuron, self.n, vary, correlations=self.correlations, seed=self.seed)
        object.__setattr__(made, "names", tuple(names))
        return made

    def with_n(self, n: int) -> Population:
        """With another number of cells; the first ones stay the same."""
        if self.given and n != self.n:
            raise InputError("n: the values of the cells are given, so their number is")
        return Population(
            self.neuron, n, dict(self.vary), correlations=self.correlations, seed=self.seed
        )

    # -- use -----------------------------------------------------------------------------

    def simulate(self, protocol: Any, **options: Any) -> PopulationResult:
        """Simulate all cells; see `pyhodgkin.population.run.simulate`."""
        from .run import simulate

        return simulate(self, protocol, **options)

    def to_pandas(self) -> Any:
        """A `pandas.DataFrame` of the parameters that vary, a row for each cell."""
        import pandas

        index = pandas.Index(self.names or range(self.n), name="cell")
        return pandas.DataFrame(self.values(), index=index)

    def to_dict(self) -> dict[str, Any]:
        """What was asked for, as plain numbers and text, without the neuron and given values."""
        return {
            "n": self.n,
            "vary": {name: d.to_dict() for name, d in self.vary.items()},
            "given": list(self.given),
            "correlations": self.correlations.tolist(),
            "seed": self.seed,
        }

    def __repr__(self) -> str:
        varied = list(self.varied)
        listed = " and ".join(varied) if len(varied) < 3 else f"{len(varied)} parameters"
        what = f"{listed} var{'y' if len(varied) > 1 else 'ies'}" if varied else "all alike"
        seed = f", seed {self.seed}" if self.vary else ""
        return f"Population({self.n:,} cells of {self.neuron.name}, {what}{seed})"
