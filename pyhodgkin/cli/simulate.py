"""`pyhodgkin simulate`: a neuron under steps, or under a protocol from a file."""

from __future__ import annotations

import argparse
import difflib
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError, PlausibilityWarning
from ..storage import claims, folders
from ..storage.json_files import parsed, write_json
from . import cell_size, solver, wording
from .output import add_folder, figures, say, write_rows
from .parser import number, positive, zero_or_more
from .summary import show_summary, summary

if TYPE_CHECKING:
    from ..neuron.neuron import Neuron
    from ..protocols import Protocol
    from ..solution.solution import Solution

NAME = "simulate"
HELP = "simulate a neuron under steps of current or voltage, or a protocol from a file"
DESCRIPTION = """\
Simulate a neuron of the library, or one from a document, and write its traces (CSV), figures
(PNG), the protocols (JSON) and the model document into a folder."""
EXAMPLES = """\
  pyhodgkin simulate squid_axon --step 7 --out run
  pyhodgkin simulate wang_buzsaki --step 0.5 1 2 --start 20 --stop 180 --t-end 200 --out run
  pyhodgkin simulate squid_axon --clamp -60 -20 20 --holding -80 --t-end 40 --out run
  pyhodgkin simulate run/model.json --protocol run/protocols.json --out again"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="name in the library, or a model document")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--step",
        nargs="+",
        type=number,
        metavar="AMP",
        help="steps of current; one run each",
    )
    what.add_argument(
        "--clamp",
        nargs="+",
        type=number,
        metavar="MV",
        help="voltage steps to MV, mV; one run each",
    )
    what.add_argument("--protocol", type=Path, metavar="FILE", help="protocols as JSON")
    parser.add_argument(
        "--current-unit",
        metavar="U",
        help="of --step and of the neuron's currents: uA/cm2, nA or pA [that of MODEL]",
    )
    parser.add_argument(
        "--start", type=zero_or_more, default=10.0, metavar="MS", help="of a step [10]"
    )
    parser.add_argument("--stop", type=number, metavar="MS", help="of a step [t-end]")
    parser.add_argument("--holding", type=number, default=-80.0, metavar="MV", help="[-80]")
    parser.add_argument("--t-end", type=positive, default=100.0, metavar="MS", help="[100]")
    parser.add_argument(
        "--dt", type=positive, default=0.05, metavar="MS", help="of the samples [0.05]"
    )
    solver.add_arguments(parser)
    cell_size.add_arguments(parser)
    add_folder(parser)


def run(options: argparse.Namespace) -> None:
    import pyhodgkin as ph

    folders.check(options.out, overwrite=options.overwrite)
    what = cell_size.simulated(model(options.model), options)
    protocols = protocols_of(options, what.unit)
    solution = ph.simulate(
        what.neuron,
        protocols,
        **what.size,
        saveat=options.dt,
        backend=options.backend,
        **solver.given(options),
    )
    with claims.writing(options.out, "simulation", overwrite=options.overwrite) as folder:
        write(folder, protocols, solution)
    title = f"{solution.neuron.name}, {solution.t[-1]:g} ms"
    show_summary(summary(solution, protocols), title=title)
    say(f"written to {options.out}")


def model(name: str) -> Neuron:
    """A neuron of the library by name, or from a document by path.

    Raises
    ------
    InputError
        If `name` is neither.
    """
    from .. import document, library
    from ..readers import suffixes

    path = Path(name)
    if name in library.names():
        return library.get(name)
    if path.is_file() and path.suffix.lower() in suffixes():
        raise InputError(
            f"{name} is a recording, not a model: give a name in the library, a document (.json), "
            "or the folder of a fit"
        )
    if path.exists() or path.suffix == ".json" or len(path.parts) > 1:
        return document.load(name)
    close = difflib.get_close_matches(name, [p.name for p in Path().glob("*.json")], n=1)
    if close:
        raise InputError(
            f'"{name}" is neither a model of the library nor a file; did you mean "{close[0]}"?'
        )
    return library.get(name)


def protocols_of(options: argparse.Namespace, unit: str) -> list[Protocol]:
    """The protocols that the options ask for; steps of current are in `unit`."""
    from ..protocols import CurrentClamp, Step, VoltageClamp

    if options.protocol:
        return read_protocols(options.protocol)
    check_times(options)
    span = {"start": options.start, "stop": options.stop, "t_end": options.t_end}
    if options.step:
        waveforms = [Step(options.start, options.stop, amplitude) for amplitude in options.step]
        return [CurrentClamp(w, options.t_end, unit) for w in waveforms]
    if any(options.clamp) and all(abs(level) < 1.0 for level in options.clamp):
        text = f"--clamp {' '.join(f'{x:g}' for x in options.clamp)} mV: are the numbers in V?"
        warnings.warn(text, PlausibilityWarning, stacklevel=2)
    return list(VoltageClamp.family(options.clamp, holding=options.holding, **span))


def check_times(options: argparse.Namespace) -> None:
    """Whether a step begins and ends within the run, in this order.

    Raises
    ------
    InputError
    """
    start, stop, end = options.start, options.stop, options.t_end
    if start >= end:
        raise InputError(f"--start {start:g} ms: the step begins after the end, --t-end {end:g} ms")
    if stop is not None and stop > end:
        raise InputError(f"--stop {stop:g} ms: the step ends after the end, --t-end {end:g} ms")
    if stop is not None and stop <= start:
        raise InputError(
            f"--stop {stop:g} ms: the step ends before it begins, --start {start:g} ms"
        )


def read_protocols(path: Path) -> list[Protocol]:
    """Protocols from JSON: one as `Protocol.to_dict` gives it, or a list of such."""
    from ..protocols import Protocol

    try:
        data = parsed(path.read_bytes())
    except ValueError as error:
        raise InputError(f"--protocol: {wording.of_json(path, error)}") from None
    listed = data if isinstance(data, list) else [data]
    if not listed:
        raise InputError(f"--protocol: {path} holds an empty list; give at least one protocol")
    for item in listed:
        if not isinstance(item, dict) or "kind" not in item:
            raise InputError(
                f'--protocol: {path} holds no protocol: its "kind", current or voltage, is missing'
            )
    try:
        return [Protocol.from_dict(item) for item in listed]
    except InputError as error:
        raise InputError(f"--protocol: {path}: {error}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        what = f"field {error} is missing" if isinstance(error, KeyError) else str(error)
        raise InputError(f"--protocol: {path} holds no protocol: {what}") from None


def write(out: Path, protocols: list[Protocol], solution: Solution) -> None:
    """All files of a simulation; several elements are numbered from 1."""
    from .. import document, plot

    document.save(solution.neuron, out / "model.json")
    write_json(out / "protocols.json", [p.to_dict() for p in protocols], indent=2)
    figures(out, {"trace": lambda: plot.trace(solution)})
    for i, cell in enumerate(solution):
        number = "" if len(solution) == 1 else f"_{i + 1}"
        cell.to_csv(out / f"trace{number}.csv")
        drawn = {}
        if len(cell.currents):
            drawn[f"currents{number}"] = lambda c=cell: plot.currents(c)
        if len(cell.gates):
            drawn[f"gates{number}"] = lambda c=cell: plot.gates(c)
            drawn[f"open_probabilities{number}"] = lambda c=cell: plot.open_probabilities(c)
        figures(out, drawn)
    rows = summary(solution, protocols)
    write_rows(out / "summary.csv", rows)
