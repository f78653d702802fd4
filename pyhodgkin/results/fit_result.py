"""What a fit returns, and how it is kept in a folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DocumentError
from ..neuron.neuron import Neuron
from ..numerics.arrays import FloatArray
from ..numerics.cached import cached_property
from ..recordings.drift import Drift
from ..status import Status
from ..storage.atomic import atomic_write
from ..storage.folders import record
from ..storage.json_files import write_json
from ..storage.npz import read_arrays
from .active_bounds import ActiveBound
from .cells import FittedCells
from .ensemble import Ensemble, ensemble_of
from .errors import Errors
from .goodness_of_fit import GoodnessOfFit
from .has_curves import HasCurves
from .history import read_csv, write_csv
from .identifiability import Identifiability
from .interchange import Interchange
from .learned_curves import LearnedCurves
from .prediction import Prediction
from .stored import (
    arrays_of,
    check_neuron,
    fields_of,
    holds,
    read_summary,
    summary_of,
)
from .view import errors_by_role, html_of, line_of, message_of

NEURON, SUMMARY, HISTORY, ARRAYS = "model.json", "summary.json", "history.csv", "fit.npz"


@dataclass(frozen=True, eq=False)
class FitResult(HasCurves, Interchange):
    """The neuron that was learned, and how well.

    Parameters
    ----------
    neuron : Neuron
        With the best parameters of the best start.
    theta : array (K, P)
        The best parameters of every start.
    seeds : tuple of int or None (K,)
        None: the networks as they were given.
    best : int
        Which start is the best: by the held-out loss if there is one, else the training loss.
    scores : array (K,)
        That loss, inf where no step had a finite one.
    status : Status
        Of the best start; INTERRUPTED after Ctrl-C.
    statuses : array of int (K,)
    history : dict of str to array
        ``step``, ``stage`` and ``seconds`` (N,); ``loss``, ``heldout``, ``lr``,
        ``gradient_norm`` and ``rejected`` (N, K), NaN where there was nothing to tell.
    train_error, heldout_error : Errors
        In the unit of what was measured; the second None without held-out recordings.
    voltage_range : (float, float)
        Lowest and highest voltage in the training recordings, mV.
    predictions : tuple of Prediction
        One for each training and held-out recording.
    initial_states : array (K, R, S), optional
        When they were fitted.
    log : tuple of str
        What was chosen, and what happened.
    seconds : float
    identifiability : Identifiability, optional
        Standard errors of the parameters of the best start, and what the recordings do not
        determine, where a few numbers and no networks were trained.
    population : FittedCells, optional
        Of a fit with `per_cell`: the cells and the numbers of each. `theta` and `neuron` are
        then of the mean over the cells.
    active_bounds : tuple of ActiveBound
        Limits that the best start has reached: bounds, ranges of networks, conductances at zero.
    goodness : GoodnessOfFit, optional
        The residual of each recording against its noise; None where no start came to anything.
    start : array (P,), optional
        The parameters before the fit, as they were given.
    curves : LearnedCurves or callable, optional
        Learned curves with bands, or what finds them: see `curve_bands`.

    Examples
    --------
    ``result.neuron`` goes back into `simulate`; ``result.save("run")`` keeps all of it.
    """

    neuron: Neuron
    theta: FloatArray
    seeds: tuple[int | None, ...]
    best: int
    scores: FloatArray
    status: Status
    statuses: NDArray[np.int64]
    history: dict[str, NDArray]
    train_error: Errors
    heldout_error: Errors | None
    voltage_range: tuple[float, float]
    predictions: tuple[Prediction, ...] = ()
    initial_states: FloatArray | None = None
    log: tuple[str, ...] = ()
    seconds: float = 0.0
    settings: dict[str, Any] = field(default_factory=dict)
    identifiability: Identifiability | None = None
    population: FittedCells | None = None
    active_bounds: tuple[ActiveBound, ...] = ()
    goodness: GoodnessOfFit | None = None
    start: FloatArray | None = None
    curves: LearnedCurves | Callable[[], LearnedCurves | None] | None = field(
        default=None, repr=False
    )

    @property
    def neurons(self) -> tuple[Neuron, ...]:
        """One neuron for each start."""
        return tuple(self.neuron.with_theta(theta) for theta in self.theta)

    @cached_property
    def cells(self) -> dict[str, Neuron]:
        """Of a fit with `per_cell`, the neuron of each cell, of the best start."""
        known = self.population
        if known is None:
            return {}
        rows = zip(known.cells, known.theta[self.best], strict=True)
        return {name: self.neuron.with_theta(row) for name, row in rows}

    def ensemble(
        self, within: float | None = None, weights: Sequence[float] | None = None
    ) -> Ensemble:
        """The starts with a finite loss as an ensemble, at most `within` times the best one's."""
        return ensemble_of(self, within, weights)

    @property
    def drift(self) -> Drift | None:
        """What was taken for the drift of the rest between recordings; see `fit`."""
        known = self.settings.get("drift")
        return None if known is None else Drift(*known)

    @property
    def success(self) -> bool:
        """Whether the best start has finite parameters and nothing interrupted the run."""
        return self.status == Status.SUCCESS

    @property
    def message(self) -> str:
        """One line on how it ended."""
        return message_of(self)

    def __repr__(self) -> str:
        return line_of(self)

    _repr_html_ = html_of

    def __str__(self) -> str:
        lines = [f"{self.neuron.name}: {self.message}, {self.seconds:.1f} s", *self.log]
        if self.identifiability is not None:
            lines += ["", self.identifiability.table()]
        if isinstance(self.curves, LearnedCurves) and len(self.curves):
            lines += ["", str(self.curves)]
        if self.population is not None:
            lines += ["", self.population.table(self.neuron.layout, self.best)]
        of = f", best of {len(self.theta)} starts" if len(self.theta) > 1 else ""
        for role, errors in errors_by_role(self):
            lines += ["", f"{role}{of}", str(errors.of(self.best))]
        return "\n".join(lines)

    def report(
        self, path: str | PathLike[str] = "report.html", *, published: Neuron | None = None
    ) -> Path:
        """Write one HTML file with the numbers, the figures and what is needed to repeat the fit.

        It needs no other file: numbers, figures, settings, versions and digests of the data are
        in it. It is written whole or not at all.

        Parameters
        ----------
        path : path
            Ends in ``.html`` or ``.htm``; a file that is there is replaced.
        published : Neuron, optional
            Drawn dashed beside the learned curves; by default where the fit began is, dotted.

        Returns
        -------
        Path

        Raises
        ------
        InputError
            If `path` has another ending or is a folder, or `published` is no neuron or lacks a
            gate that was learned.
        """
        from ..report.write import write

        return write(self, path, published=published)

    # -- in a folder --------------------------------------------------------------------

    def save(self, folder: str | PathLike[str], *, overwrite: bool = False) -> None:
        """Write ``model.json`` (the document), ``history.csv``, ``summary.json``, ``fit.npz``.

        Each file is written whole or not at all; no file holds a pickle.

        Raises
        ------
        InputError
            If `folder` holds another run and `overwrite` is false.
        """
        from ..storage.claims import writing
        from ..storage.folders import look

        if look(folder, "folder").kind and not holds(Path(folder) / SUMMARY, summary_of(self)):
            with writing(folder, "fit", overwrite=overwrite, argument="folder") as place:
                self.write(place)
        else:
            self.write(folder)

    def write(self, folder: str | PathLike[str]) -> None:
        """`save` into the folder of this run, over what it holds of it."""
        from ..neuron import document

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        metadata = {"voltage_range": list(self.voltage_range), "trained": True}
        document.save(self.neuron, folder / NEURON, metadata=metadata)
        write_csv(folder / HISTORY, self.history, self.seeds)
        with atomic_write(folder / ARRAYS) as temporary:
            np.savez_compressed(temporary, **arrays_of(self))  # type: ignore[arg-type]
        write_json(folder / SUMMARY, summary_of(self))
        weights = [path.name for path in folder.glob("model-*.safetensors")]
        record(folder, "fit", [NEURON, HISTORY, ARRAYS, SUMMARY, *weights])

    @classmethod
    def load(cls, folder: str | PathLike[str]) -> FitResult:
        """Read back what `save` wrote.

        Raises
        ------
        DocumentError
            If the folder holds no fit, or a damaged or newer one.
        """
        from ..neuron import document

        folder = Path(folder)
        summary = read_summary(folder / SUMMARY)
        try:
            arrays = read_arrays(folder / ARRAYS)
            history = read_csv(folder / HISTORY, len(summary["seeds"]))
            if len(history["step"]) != summary["steps"]:
                raise ValueError(f"{HISTORY} has {len(history['step'])} steps")
            neuron = document.load(folder / NEURON)
            check_neuron(folder / NEURON, neuron, arrays["theta"][summary["best"]])
            return cls(**fields_of(neuron, summary, arrays, history))
        except DocumentError:
            raise
        except Exception as error:  # a damaged file shows itself in many ways
            text = f"{error or type(error).__name__}"
            raise DocumentError(f"{folder} does not hold a whole fit: {text}") from None
