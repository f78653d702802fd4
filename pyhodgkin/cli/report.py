"""What the folder of a fit holds beside the result itself: tables and figures."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import SolveError
from ..status import Status
from ..storage import folders
from .output import figures, say, show_table, write_rows

if TYPE_CHECKING:
    from ..neuron.neuron import Neuron
    from ..results.errors import Errors
    from ..results.fit_result import FitResult, Prediction

NUMBERS = ("mae", "rmse", "mae_all", "rmse_all")
PAGE = "report.html"
UNEXPLAINED = 3  # exit code of a fit that finished and does not explain its recordings


def error_rows(result: FitResult, test: Errors | None = None) -> list[dict[str, Any]]:
    """A row for each start and recording: mean absolute and root mean square error."""
    from ..results.view import errors_by_role

    rows = []
    for role, errors in [*errors_by_role(result), *([] if test is None else [("test", test)])]:
        for k, seed in enumerate(result.seeds):
            head = {"seed": "" if seed is None else seed, "best": int(k == result.best)}
            for row in errors.rows(k):
                numbers = {n: row[n] for n in NUMBERS}
                own = {"role": role, "recording": row["name"], "unit": row["unit"]}
                rows.append({**head, **own, **numbers})
    return rows


def show_errors(rows: Sequence[dict[str, Any]]) -> None:
    """A table with one line for each start, and one for each recording of the best start."""
    roles = list(dict.fromkeys(row["role"] for row in rows))
    seeds = list(dict.fromkeys(row["seed"] for row in rows))
    if len(seeds) > 1:
        table = []
        for seed in seeds:
            own = [row for row in rows if row["seed"] == seed]
            means: dict[str, float] = {}
            for role in roles:
                groups = _by_unit([r for r in own if r["role"] == role])
                for unit, same in groups.items():
                    name = f"{role} MAE" + (f" ({unit})" if len(groups) > 1 else "")
                    means[name] = float(np.mean([r["mae_all"] for r in same]))
            table.append({"seed": seed, "best": "*" if own[0]["best"] else "", **means})
        show_table(table, title="every start, mean over the recordings")
    best = [row for row in rows if row["best"]]
    best += [mean for role in roles for mean in _mean([r for r in best if r["role"] == role])]
    show_table(
        [
            {
                "recording": row["recording"],
                "role": row["role"],
                "MAE": row["mae_all"],
                "RMSE": row["rmse_all"],
                "MAE, masked": row["mae"],
                "unit": row["unit"],
            }
            for row in best
        ],
        title="best start" if len(seeds) > 1 else "",
    )


def _mean(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The mean over the recordings of one role and unit, where there are several."""
    out = []
    for same in _by_unit(rows).values():
        if len(same) > 1:
            means = {name: float(np.mean([row[name] for row in same])) for name in NUMBERS}
            out.append({**same[0], "recording": f"mean of {len(same)}", **means})
    return out


def _by_unit(rows: Sequence[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The rows of each unit."""
    return {
        unit: [row for row in rows if row["unit"] == unit]
        for unit in dict.fromkeys(row["unit"] for row in rows)
    }


def write_errors(folder: Path, rows: Sequence[dict[str, Any]]) -> None:
    """``errors.csv``."""
    write_rows(folder / "errors.csv", rows)


def draw(
    folder: Path,
    result: FitResult,
    published: Neuron | None,
    test: Sequence[Prediction] = (),
    start: Neuron | None = None,
) -> list[Path]:
    """Kinetics, loss history, and what was measured over what was predicted."""
    from ..report.figures import of_history, of_kinetics, of_traces

    drawn = of_history(result) | of_kinetics(result, published, start) | of_traces(result, test)
    return figures(folder, drawn)


def write_page(
    folder: Path,
    path: str,
    result: FitResult,
    published: Neuron | None,
    rows: Sequence[dict[str, Any]],
) -> None:
    """The report at `path`, or in the folder of the fit, whose own file it is then."""
    from ..report.write import write

    test = [row for row in rows if row["role"] == "test" and row["best"]]
    place = write(result, path or folder / PAGE, published=published, test=test)
    if place.resolve().parent == folder.resolve():
        folders.record(folder, names=[place.name])
    say(f"  {place}")


class _FromTheFirst(logging.StreamHandler):
    """A handler that calls a function before its first record."""

    def __init__(self, begin: Callable[[], None]) -> None:
        super().__init__(sys.stderr)
        self._begin: Callable[[], None] | None = begin

    def emit(self, record: logging.LogRecord) -> None:
        if self._begin is not None:
            begin, self._begin = self._begin, None
            begin()
        super().emit(record)


@contextmanager
def following(begin: Callable[[], None]) -> Iterator[None]:
    """What a fit logs, on standard error as it comes: the report has it again at the end.

    `begin` is called before the first line, when everything given has been found to be usable.
    """
    logger, handler = logging.getLogger("pyhodgkin.fit"), _FromTheFirst(begin)
    handler.setFormatter(logging.Formatter("pyhodgkin: %(message)s"))
    level, logger.propagate = logger.level, False
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = True


def tell(result: FitResult, rows: Sequence[dict[str, Any]], folder: Path | None) -> None:
    """The short report on the screen."""
    say(f"{result.neuron.name}: {result.message}, {result.seconds:.1f} s")
    for line in result.log:
        say(f"  {line}")
    show_errors(rows)
    if folder is not None:
        say(f"written to {folder}")


def exit_code(result: FitResult) -> int:
    """0, 3 when the fit does not explain its recordings, 130 after Ctrl-C.

    An error when no start came to anything.

    Raises
    ------
    SolveError
    """
    if result.status == Status.INTERRUPTED:
        return 130
    if not np.isfinite(result.scores).any():
        raise SolveError(result.message)
    if result.goodness is not None and not result.goodness.explains:
        return UNEXPLAINED
    return 0
