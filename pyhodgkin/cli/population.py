"""`pyhodgkin population`: many cells of one neuron, whose parameters vary, into a Zarr store."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError, unknown
from . import solver
from .output import figures, say, show_table
from .parser import count, number, positive, whole, zero_or_more
from .simulate import model, protocols_of

if TYPE_CHECKING:
    from ..population.result import PopulationResult

NAME = "population"
HELP = "simulate a population of cells whose parameters vary"
DESCRIPTION = """\
Simulate many cells of one neuron, with parameters drawn from distributions or taken from a table,
and write spikes and features into a Zarr store, and figures into a folder beside it. The same
command continues a run that was interrupted."""
EXAMPLES = """\
  pyhodgkin population squid_axon --n 10000 --vary na.g=lognormal:0.2 --step 10 --out run.zarr
  pyhodgkin population squid_axon --n 1000 --vary conductances=uniform:0.2 --step 2 6 10 \\
      --record rate first_spike_latency rheobase --out run.zarr
  pyhodgkin population squid_axon --n 1000 --vary na.g=lognormal:0.2 k.g=lognormal:0.2 \\
      --correlate na.g,k.g=0.6 --step 10 --workers 2 --out run.zarr
  pyhodgkin population squid_axon --cells measured.csv --step 10 --out run.zarr
  pyhodgkin show run.zarr"""

DEFAULT = ("spikes", "rate", "first_spike_latency", "adaptation")
KINDS = ("lognormal", "normal", "uniform")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="name in the library, or a model document")
    cells = parser.add_argument_group("cells")
    cells.add_argument("--n", type=count, metavar="N", help="number of cells")
    cells.add_argument(
        "--vary",
        nargs="+",
        default=[],
        metavar="NAME=KIND:SPREAD",
        help="a parameter, or a group such as conductances; lognormal:CV, normal:CV (both relative "
        "to the mean, which is the model's) or uniform:SPREAD (0.2: from -20 %% to +20 %%); or "
        "NAME=NUMBER for all cells",
    )
    cells.add_argument(
        "--correlate", nargs="+", default=[], metavar="A,B=R", help="correlations of parameters"
    )
    cells.add_argument(
        "--cells", type=Path, metavar="CSV", help="measured values: a column for each parameter"
    )
    cells.add_argument(
        "--seed",
        type=whole,
        default=0,
        metavar="S",
        help="of the cells; the same gives the same [0]",
    )
    what = parser.add_argument_group("stimulus").add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--step", nargs="+", type=number, metavar="AMP", help="steps of current; each for all cells"
    )
    what.add_argument("--protocol", type=Path, metavar="FILE", help="protocols as JSON")
    parser.add_argument("--start", type=zero_or_more, default=10.0, metavar="MS", help="[10]")
    parser.add_argument("--stop", type=number, metavar="MS", help="of a step [t-end]")
    parser.add_argument("--t-end", type=positive, default=100.0, metavar="MS", help="[100]")
    parser.add_argument(
        "--record",
        nargs="+",
        default=list(DEFAULT),
        metavar="NAME",
        help="spikes, variables, features, rheobase [" + " ".join(DEFAULT) + "]",
    )
    parser.add_argument("--dt", type=positive, metavar="MS", help="of recorded variables [0.1]")
    parser.add_argument("--threshold", type=number, default=0.0, metavar="MV", help="of spikes [0]")
    parser.add_argument("--out", type=Path, required=True, metavar="ZARR", help="store to write")
    parser.add_argument("--overwrite", action="store_true", help="replace another run in ZARR")
    parser.add_argument("--chunk-size", type=count, metavar="N", help="cells written at a time")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--workers", type=count, metavar="N", help="processes [threads of this one]")
    where.add_argument("--cluster", metavar="ADDRESS", help="of a Dask scheduler")
    solver.add_arguments(parser)


def run(options: argparse.Namespace) -> None:
    options.clamp = None
    neuron = model(options.model)
    protocols = protocols_of(options, neuron.current_unit or "uA/cm2")
    cells = _cells(neuron, options)
    say(repr(cells))
    result = cells.simulate(
        protocols if len(protocols) > 1 else protocols[0],
        record=options.record,
        saveat=options.dt,
        threshold=options.threshold,
        out=options.out,
        overwrite=options.overwrite,
        chunk_size=options.chunk_size,
        workers=options.workers,
        cluster=options.cluster,
        **{"backend": options.backend, **solver.given(options)},
    )
    tell(result)
    for path in draw(result, figure_folder(options.out)):
        say(f"  {path}")


def _cells(neuron: Any, options: argparse.Namespace) -> Any:
    """The population that the options ask for."""
    from ..population.population import Population

    if options.cells is not None:
        if options.vary or options.correlate:
            raise InputError("--cells: the table holds all that varies; leave --vary out")
        return Population.from_table(neuron, options.cells, n=options.n, seed=options.seed)
    if options.n is None:
        raise InputError("--n is missing: give the number of cells, or --cells with a table")
    vary = dict(_varied(text) for text in options.vary)
    if len(vary) < len(options.vary):
        raise InputError("--vary: a name is given twice")
    correlations = dict(_correlated(text) for text in options.correlate)
    return Population(neuron, options.n, vary, correlations=correlations, seed=options.seed)


def _varied(text: str) -> tuple[str, Any]:
    """From ``na.g=lognormal:0.2`` to the name and its distribution."""
    from ..population.distributions import LogNormal, Normal, Uniform

    name, equals, what = text.partition("=")
    kind, colon, spread = what.partition(":")
    if not equals or not name or not what:
        raise InputError(f'--vary "{text}": write NAME=KIND:SPREAD, such as na.g=lognormal:0.2')
    if not colon:
        return name, _number(what, text)
    kind = kind.strip().lower().replace("-", "").replace("_", "")
    if kind not in KINDS:
        raise unknown("kind of distribution", kind, KINDS)
    size = _number(spread, text)
    if kind == "lognormal":
        return name, LogNormal(cv=size)
    return name, Normal(cv=size) if kind == "normal" else Uniform(spread=size)


def _correlated(text: str) -> tuple[tuple[str, str], float]:
    names, equals, value = text.partition("=")
    first, comma, second = names.partition(",")
    if not (equals and comma and first and second):
        raise InputError(f'--correlate "{text}": write A,B=R, such as na.g,k.g=0.6')
    return (first.strip(), second.strip()), _number(value, text)


def _number(value: str, text: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise InputError(f'"{text}": "{value}" is not a number') from None


def tell(result: PopulationResult) -> None:
    """The table of a run: what varies, and features by protocol."""
    import numpy as np

    say(f"{result.n:,} cells of {result.neuron.name}: {result.message}")
    rows = []
    for name in result.population.varied:
        rows.append(_row(name, result.unit(name), "", result.population[name]))
    amplitudes = result.amplitudes
    for name in result.names:
        if name in result.neuron.states:
            continue
        values = np.atleast_2d(result[name])
        for k, own in enumerate(values):
            step = "" if amplitudes is None or len(values) == 1 else f"{amplitudes[k]:g}"
            rows.append(_row(name, result.unit(name), step, own))
    if rows:
        if all(not row["step"] for row in rows):
            for row in rows:
                del row["step"]
        show_table(rows, whole=("name", "unit"))


def _row(name: str, unit: str, step: str, values: Any) -> dict[str, Any]:
    import numpy as np

    good = values[np.isfinite(values)]
    low, middle, high = np.quantile(good, [0.05, 0.5, 0.95]) if len(good) else (None,) * 3
    return {
        "name": name,
        "unit": "" if unit == "1" else unit,
        "step": step,
        "mean": _short(good.mean() if len(good) else None),
        "sd": _short(good.std() if len(good) else None),
        "5 %": _short(low),
        "median": _short(middle),
        "95 %": _short(high),
        "none": len(values) - len(good),
    }


def _short(value: Any) -> float | None:
    """To two or three digits, so that a row fits a terminal."""
    if value is None:
        return None
    return float(f"{value:.3g}" if abs(value) >= 0.01 else f"{value:.2g}")


def figure_folder(store: Path) -> Path:
    """Where the figures of a store lie: beside it."""
    return store.with_name(f"{store.stem if store.suffix == '.zarr' else store.name}_figures")


def draw(result: PopulationResult, folder: Path) -> list[Path]:
    """All figures that the run has something for."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn: dict[str, Any] = {}
    if result.has_spikes:
        drawn |= {"raster": result.plot_raster, "rate": result.plot_rate}
    features = [name for name in result.names if name not in result.neuron.states]
    if "rate" in features and result.amplitudes is not None:
        drawn["fi_curves"] = result.plot_fi
    if features or result.population.varied:
        drawn["distributions"] = result.plot_distributions
    if features and result.population.varied:
        drawn["scatter"] = result.plot_scatter
    return figures(folder, drawn)


def show(options: argparse.Namespace) -> None:
    """What a store holds, for ``pyhodgkin show``."""
    from ..population.store import load

    result = load(options.folder)
    say(f"{options.folder}: {result!r}")
    tell(result)
    folder = figure_folder(options.folder)
    if options.redraw:
        draw(result, folder)
    for path in sorted(folder.glob("*.png")):
        say(f"  {path}")
