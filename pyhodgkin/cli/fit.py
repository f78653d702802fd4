"""`pyhodgkin fit`: learn what is unknown in a neuron from recordings."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..storage import folders
from . import cell_size, listing, report, solver, sources
from .output import add_folder, say
from .parser import count, whole, zero_or_more
from .simulate import model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..neuron.neuron import Neuron
    from ..recordings import Recording, RecordingSet
    from ..results.errors import Errors
    from ..results.fit_result import FitResult, Prediction

NAME = "fit"
PROPOSAL = "proposal.json"
HELP = "learn what is unknown in a neuron from recordings"
DESCRIPTION = """\
Put a network in the place of gates, or take the parameters of a neuron as unknown, and train
them on recordings. The folder gets the model document, history, errors and figures. Without
--model one is proposed from the recordings, step by step, as a start."""
EXAMPLES = """\
  pyhodgkin fit cell.csv --clamp current --model squid_axon --gate n --out run
  pyhodgkin fit cell.abf --out run     with a model proposed from the recordings
  pyhodgkin fit step*.abf --model squid_axon --gate n m h --heldout 0.2 --seeds 3 --out run
  pyhodgkin fit cell.npz:voltage=V1_mV,current=I1_nA --test cell.npz:voltage=V2_mV,current=I2_nA \\
      --clamp voltage --dt 0.1 --model herg_beattie --gate a r --form residual \\
      --mask-steps 5 --seeds 5 --out run
  pyhodgkin fit cell.csv --clamp voltage --sweeps 0 2 --test-sweeps 3 --model herg_beattie \\
      --train rates --out run
  pyhodgkin fit steps_voltage.csv:clamp=voltage steps_current.csv:clamp=current \\
      --model squid_axon --gate n --out run     both clamps: v and the current are compared
  pyhodgkin fit "cell.abf[0:8]" --test "cell.abf[8:]" --model squid_axon --gate n --out run
  pyhodgkin fit cell.atf --clamp current --step 100 --start 50 --stop 250 --current-unit pA \\
      --model traub_miles --gate n --out run     with a command that is not in the file
  pyhodgkin fit cell.csv --clamp voltage --model herg_beattie --train conductances rates --out run
  the same command with --resume       go on with a run that was stopped"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recordings", nargs="+", metavar="RECORDING", help="csv, npz, abf or nwb")
    parser.add_argument(
        "--model",
        metavar="MODEL",
        help="name in the library, or a model document [proposed from the recordings]",
    )
    add_folder(parser)
    parser.add_argument("--resume", action="store_true", help="go on with the run in DIR")
    unknown = parser.add_argument_group("what is unknown")
    unknown.add_argument("--gate", nargs="+", default=[], metavar="NAME", help="gates to learn")
    unknown.add_argument(
        "--form",
        default="steady_state",
        help="of the networks: steady_state, rates, residual or free [steady_state]",
    )
    unknown.add_argument(
        "--hidden", nargs="+", type=count, default=[32, 32], metavar="N", help="[32 32]"
    )
    unknown.add_argument("--activation", default="tanh", help="[tanh]")
    unknown.add_argument(
        "--train", nargs="+", metavar="PARAM", help="parameters to train: names, patterns, groups"
    )
    training = parser.add_argument_group("training")
    training.add_argument(
        "--heldout",
        nargs="+",
        metavar="X",
        help="recordings that choose the best parameters: files, or a fraction of RECORDING",
    )
    training.add_argument(
        "--test", nargs="+", default=[], metavar="FILE", help="recordings that are only scored"
    )
    training.add_argument("--loss", help="mse, mae or huber [chosen with the schedule]")
    training.add_argument("--seeds", nargs="+", type=whole, metavar="N", help="so many, or these")
    training.add_argument(
        "--mask-steps", type=zero_or_more, metavar="MS", help="leave out so long after each jump"
    )
    training.add_argument("--thin", type=count, default=1, metavar="N", help=sources.THIN)
    solver.add_arguments(parser)
    cell_size.add_arguments(parser)
    sources.add_arguments(parser, unseen=("heldout", "test"))


def run(options: argparse.Namespace) -> int:
    import pyhodgkin as ph

    from ..fitting.checks import divide
    from ..neuron import document
    from ..recordings import RecordingSet
    from ..recordings.matching import unit_of
    from ..recordings.temperatures import check_unseen

    folders.check(options.out, overwrite=options.overwrite, resume=options.resume)
    train = prepared(sources.read_all(options.recordings, options, "train"), options)
    heldout, test = heldout_of(options), test_of(options)
    used, held = divide(train, heldout)
    unit_of((*train, *test), "RECORDING and --test")

    def tell() -> None:
        """Say once what was read, before the first long computation."""
        while roles:
            listing.tell(*roles.pop(0))

    roles = [(used, "training"), (held, "held out"), (test, "test")]
    if options.model is None:  # the proposal
        tell()
    published, neuron, trainable, used = starting_point(used, options)
    check_networks_trained(neuron, options)
    check_unseen(neuron, train, test)
    with report.following(tell):
        result = ph.fit(
            neuron,
            used,
            trainable=trainable,
            heldout=RecordingSet(held) if held else None,
            loss=options.loss,
            seeds=seeds_of(options.seeds),
            backend=options.backend,
            out=options.out,
            resume=options.resume,
            overwrite=options.overwrite,
            **cell_size.given(options),
            **solver.given(options),
        )
    errors, predictions = score(result, test, options)
    rows = report.error_rows(result, errors)
    report.write_errors(options.out, rows)
    drawn = report.draw(options.out, result, published, predictions)
    names = ["errors.csv", *(path.name for path in drawn)]
    if options.model is None:
        document.save(published, options.out / PROPOSAL)
        names.append(PROPOSAL)
    folders.record(options.out, names=names)
    report.tell(result, rows, options.out)
    if options.model is None:
        say(f"the proposed neuron, as it was before the fit: {options.out / PROPOSAL}")
    return report.exit_code(result)


def starting_point(
    train: Sequence[Recording], options: argparse.Namespace
) -> tuple[Neuron, Neuron, list[str] | None, Sequence[Recording]]:
    """The published neuron, the one to train, what of it, and on what; proposed without a model."""
    if options.model is not None:
        published = model(options.model)
        return published, with_networks(published, options), options.train, train
    if options.gate:
        raise InputError(f"--gate {' '.join(options.gate)}: needs --model, which has the gates")
    import pyhodgkin as ph

    from ..recordings.observables import observables_of, of

    others: list[Recording] = []
    if len(observables_of(train)) > 1:
        say("no --model: proposing one from the recordings of current clamp, to be fitted to all")
        train, others = of(train, "v"), of(train, "current")
    else:
        say("no --model: proposing one from the recordings")
    how = solver.given(options)
    proposal = ph.propose(train, backend=options.backend, say=say, **how)
    few = (*proposal.recordings, *others)
    train = (*train, *others)
    if len(few) < len(train) or any(a is not b for a, b in zip(few, train, strict=True)):
        say(
            f"trained on what was used of the recordings ({len(few)}); afterwards "
            f"pyhodgkin evaluate {options.out} {' '.join(options.recordings)} judges it on all"
        )
    trainable = list(proposal.trainable) if options.train is None else options.train
    return proposal.candidates[0].neuron, proposal.neuron, trainable, few


def with_networks(neuron: Neuron, options: argparse.Namespace) -> Neuron:
    """The neuron with networks for the gates of ``--gate``."""
    from ..neuron.kinetics import NeuralKinetics
    from ..neuron.networks import Network

    for i, name in enumerate(options.gate):
        prior: Any = neuron.gate(name).kinetics if options.form == "residual" else None
        layers = (1, *options.hidden, 1 if options.form == "free" else 2)
        network = Network.create(
            layers, options.activation, seed=i, zero_last=options.form == "residual"
        )
        neuron = neuron.replace_gate(name, NeuralKinetics(options.form, network, prior=prior))
    return neuron


def check_networks_trained(neuron: Neuron, options: argparse.Namespace) -> None:
    """Raise where ``--train`` leaves the network of a gate at its random start."""
    from ..fitting.checks import trainable_of
    from ..fitting.initialize.random_networks import check_none_left_random

    if options.train:
        indices = trainable_of(neuron, options.train)
        check_none_left_random(neuron, indices, options.train, "--train")


def prepared(recordings: RecordingSet, options: argparse.Namespace) -> RecordingSet:
    """Recordings masked and thinned as the options say."""
    from ..recordings import RecordingSet

    if options.mask_steps is not None:
        recordings = recordings.masked_after_steps(options.mask_steps)
    if options.thin != 1:
        for item in recordings:
            if len(item) <= options.thin:
                raise InputError(
                    f"--thin {options.thin}: one of the {len(item)} samples of "
                    f'"{item.name or item.source}" would be left; give less'
                )
        recordings = RecordingSet(item.thinned(options.thin) for item in recordings)
    return recordings


def test_of(options: argparse.Namespace) -> RecordingSet | tuple[()]:
    """The recordings that are only scored: files, and sweeps of RECORDING."""
    if options.test and options.test_sweeps:
        raise InputError("--test and --test-sweeps: give one of them")
    if options.test_sweeps:
        return sources.read_all(options.recordings, options, "test")
    return sources.read_all(options.test, options) if options.test else ()


def heldout_of(options: argparse.Namespace) -> Any:
    """A fraction, or recordings."""
    if options.heldout_sweeps:
        if options.heldout:
            raise InputError("--heldout and --heldout-sweeps: give one of them")
        return prepared(sources.read_all(options.recordings, options, "heldout"), options)
    if not options.heldout:
        return None
    if len(options.heldout) == 1:
        try:
            return float(options.heldout[0])
        except ValueError:
            pass
    return prepared(sources.read_all(options.heldout, options), options)


def seeds_of(seeds: list[int] | None) -> int | list[int] | None:
    """One number is how many, several are the seeds themselves."""
    if seeds is None:
        return None
    if min(seeds) < (1 if len(seeds) == 1 else 0):
        raise InputError(f"--seeds {' '.join(map(str, seeds))}: give a number of starts, or seeds")
    return seeds[0] if len(seeds) == 1 else seeds


def score(
    result: FitResult, test: Any, options: argparse.Namespace
) -> tuple[Errors | None, list[Prediction]]:
    """Errors and predictions of every start on recordings that took no part in training."""
    from ..backends import get
    from ..backends.options import SolveOptions
    from ..evaluation.members import members_of, predictions_of
    from ..results.errors import errors
    from ..results.prediction import Prediction

    if not test:
        return None, []
    solve = SolveOptions(**solver.given(options))
    engine = get(options.backend, solve, [result.neuron])
    predicted = predictions_of(engine, members_of(result, None, "all"), test, solve)
    predictions = [Prediction.of(r, p, heldout=True) for r, p in zip(test, predicted, strict=True)]
    return errors(tuple(test), predicted), predictions
