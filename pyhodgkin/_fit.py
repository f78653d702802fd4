"""The verb `fit`: learn what is unknown in a neuron from recordings."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from .backends.base import Backend, Penalty
from .backends.loss import Loss
from .backends.options import names_given, options_of
from .cluster import check_workers, client_of
from .errors import InputError, SolveError
from .fitting import checks
from .fitting.conclude import concluded
from .fitting.initialize.upsample import upsample_with_model
from .fitting.over_recordings import DividedBackend
from .fitting.over_seeds import train_starts
from .fitting.penalties import CurvePenalty
from .fitting.plan import Plan
from .fitting.planned import planned
from .fitting.run.callbacks import Callback, StepInfo
from .fitting.run.checkpoints import Store
from .fitting.run.interrupts import Interrupts
from .fitting.run.trainer import LOGGER, Trainer
from .fitting.run.trainer_state import resume as resume_run
from .fitting.stage import Stage
from .fitting.transforms import Bounds
from .memory import enough_memory
from .neuron import plausible
from .neuron.neuron import Neuron
from .progress import Bar
from .proposal.drift import drift_asked
from .recordings import Recording
from .recordings.drift import Drift
from .results.fit_result import FitResult
from .status import Status
from .storage import called, claims

__all__ = ["CurvePenalty", "FitResult", "Stage", "StepInfo", "fit", "upsample_with_model"]

LESS = "give fewer seeds in one call, shorter recordings (window, thinned), or a Stage with batch="


@called.remembered
def fit(
    neuron: Neuron,
    recordings: Recording | Iterable[Recording],
    *,
    trainable: str | Sequence[str] | None = None,
    heldout: Recording | Iterable[Recording] | float | str | Sequence[str] | None = None,
    schedule: str | Stage | Sequence[Stage] | None = None,
    loss: Loss | str | Mapping[str, Loss | str] | None = None,
    penalty: Penalty | CurvePenalty | Sequence[Penalty | CurvePenalty] = (),
    prior: str = "auto",
    seeds: int | Sequence[int] | None = None,
    per_cell: str | Sequence[str] | None = None,
    bounds: Bounds | None = None,
    noise: float | Sequence[float] | None = None,
    fit_initial: bool | None = None,
    drift: Drift | bool | None = None,
    area: float | None = None,
    capacitance: float | None = None,
    backend: str | Backend = "auto",
    out: str | os.PathLike[str] | None = None,
    resume: bool = False,
    overwrite: bool = False,
    checkpoint_every: float = 10.0,
    progress: bool | None = None,
    callback: Callback | None = None,
    throw: bool = False,
    workers: int | None = None,
    cluster: Any = None,
    **options: Any,
) -> FitResult:
    """Learn the trainable parameters of `neuron` from `recordings`.

    Parameters
    ----------
    neuron : Neuron
        With networks in the place of what is unknown, or with physical parameters to fit.
    recordings : Recording or several
        Of current clamp, whose v is compared, of voltage clamp, whose current is, or of both, in
        any order, with currents in one unit. Of both the loss is the mean of that of v and that of
        the current.
    trainable : str or sequence of str, optional
        Patterns for ``neuron.layout.select``, for instance ``["networks", "k.g"]``. Default
        ``"networks"``, or ``"physical"`` (not the rates of gates) when there are none.
    heldout : recordings, float, or names, optional
        Recordings that are not trained on: other ones, the names of some, or the fraction (the
        last ones) of `recordings`; of either clamp or both, whatever is trained on. They decide
        which parameters are the best, and their error is reported.
    schedule : None, "auto", "windows", Stage or sequence of Stage
        Default: chosen from what was observed and what is trained; ``log`` says what and why.
    loss : Loss or str, or mapping of "v" and "current" to one each, optional
        Default mean square, in units of the standard deviation of what was measured. One for each
        observable where they are to differ, or to have a scale: ``{"v": Loss(scale=5.0)}``.
    penalty : Penalty or CurvePenalty or several
        Added to the loss.
    prior : {"auto", "smooth", "none"}
        Of learned curves where the recordings are silent: smooth, its strength by the evidence
        (see the page on what recordings determine); by default where only currents are compared.
    seeds : int or sequence of int, optional
        So many starts, or these, each with its networks drawn from its seed; they are trained
        side by side, each as if alone. Default: one start, with the networks as given.
    per_cell : str or sequence of str, optional
        Patterns for ``neuron.layout.select``: numbers that are trained too, and are each cell's
        own; everything else is shared. Each recording says of which cell it is
        (``Recording(…, cell="a")``). The mean over the cells of a conductance behind a learned
        gate stays what `neuron` says, since only their product is seen.
    bounds : mapping of str to (float, float), optional
        Parameter name or shell pattern to the range it must stay in, in the unit of `neuron`.
    noise : float or sequence of float, optional
        Standard deviation of the noise of a measured v, mV, of all recordings of v, or of each
        recording in the unit of what was observed. Default: estimated from the differences between
        samples; ``log`` says how much.
    fit_initial : bool, optional
        Fit the initial state of each training recording too. Default: when one of them does not
        start at rest.
    drift : Drift or bool, optional
        Drift of the rest between recordings of v: a constant current in the command of each, by v
        before its stimulus (see `drift_of`); `evaluate` then does the same. Default: found where no
        `schedule` is given, several recordings in pA or nA hold spikes, and their rests differ by
        1 mV or more.
    area, capacitance : float, optional
        Of the cell, µm² or pF; give one. A neuron per area is scaled to recordings in pA or nA,
        exactly, and the other way round; without either (or an ``area`` of the neuron) such a
        mixture is refused. The result is in the unit of the recordings.
    backend : str or Backend
        ``"auto"``, ``"torch"`` or ``"julia"``.
    out : path, optional
        Folder for checkpoints and the result.
    resume : bool
        Go on with the run in `out`, to the result that it would have had unbroken; where there
        is none yet, start it.
    overwrite : bool
        Replace the run in `out` as a whole. Until the new run is complete it is written beside
        it; after Ctrl-C the one that was there is kept under another name, which `log` says.
    checkpoint_every : float
        Seconds.
    progress : bool, optional
        A progress bar with the time left; default on a terminal and in a notebook. Lines of
        ``log`` go to the logger ``pyhodgkin.fit`` as they come.
    callback : callable, optional
        Called with a `StepInfo` after each step, and several times a second during a search
        (then ``step`` is 0); training stops when it returns something true.
    throw : bool
        Raise when every start failed, instead of saying so in ``status``.
    workers : int, optional
        Processes on this machine (a local Dask cluster; needs the extra ``cluster``). Several
        `seeds` are divided over them, each trained by itself; otherwise the recordings are, whose
        sums are taken here. How many there are changes no bit.
    cluster : dask.distributed.Client or str, optional
        A cluster, or the address of its scheduler.
    **options
        How to solve: `SolveOptions`, one by one (``rtol=1e-5``) or as ``options=SolveOptions(…)``.

    Returns
    -------
    FitResult

    Raises
    ------
    InputError, RecordingError, UnknownNameError
        When an argument cannot be used, or `out` holds another run; nothing is written then.
    CheckpointError
        When `resume` finds checkpoints that are damaged or of another run.
    SolveError
        When every start failed and `throw` is true.

    Notes
    -----
    Ctrl-C stops after the step in progress, with the best parameters so far; a second one
    aborts at once. Where recordings state a temperature, `neuron` is taken to it by the q10 of its
    gates, which ``log`` says; a gate that has none and is not learned is refused, and so are
    recordings at different temperatures. Nothing after the starts is random: the same call gives
    the same result.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> cell = ph.library.get("squid_axon")
    >>> clamp = ph.CurrentClamp.step(10.0, start=2.0, stop=20.0, t_end=25.0)
    >>> trace = ph.simulate(cell, clamp, saveat=0.1)
    >>> start = cell.with_parameters(k__g=30.0)
    >>> result = ph.fit(start, ph.Recording.from_solution(trace), trainable="k.g")
    >>> round(result.neuron.channel("k").g, 2)
    36.0
    """
    began = time.monotonic()
    _check(neuron, checkpoint_every, prior)
    check_workers(workers, cluster)
    many = workers is not None or cluster is not None
    checks.starts_over_workers(many and len(checks.seeds_of(seeds)) > 1, resume, callback)
    solved = options_of(options, None, fit)
    taken: list[claims.Claim | None] = []
    recordings, heldout = checks.reread(recordings), checks.reread(heldout)
    drift = drift_asked(drift, recordings, heldout, automatic=schedule is None)
    with enough_memory("this fit", LESS), ExitStack() as alone:
        plan, told = planned(
            neuron, recordings, drift=drift, solved=solved, given=names_given(options),
            trainable=trainable, heldout=heldout, schedule=schedule, loss=loss, penalty=penalty,
            prior=prior, seeds=seeds, per_cell=per_cell, bounds=bounds, noise=noise,
            fit_initial=fit_initial, size=(area, capacitance), backend=backend,
            before_engine=lambda: taken.append(checks.claim_of(out, resume, overwrite)),
        )  # fmt: skip
        for text in told:  # before the first long computation
            LOGGER.info(text)
        claim, over = taken[0], (workers, cluster)
        if claim is not None:
            alone.enter_context(claim.alone())
        if many and len(plan.seeds) > 1:
            return _checked(_over_seeds(plan, told, claim, over, progress, began), throw)
        how = (checkpoint_every, callback, resume)
        return _checked(_here(plan, told, claim, over, how, progress, began), throw)


def _here(
    plan: Plan,
    told: list[str],
    claim: claims.Claim | None,
    over: tuple[int | None, Any],
    how: tuple[float, Callback | None, bool],
    progress: bool | None,
    began: float,
) -> FitResult:
    """Trained in this process; the recordings may be divided over workers."""
    checkpoint_every, callback, resume = how
    store = None if claim is None else Store(claim.path, plan.digests())
    with _divided(plan, *over) as own:
        trainer = Trainer(own, store, checkpoint_every, callback)
        trainer.log += told
        if resume and store is not None:
            resume_run(trainer, store)
        return _trained(own, trainer, claim, progress, began)


def _checked(result: FitResult, throw: bool) -> FitResult:
    if throw and not np.isfinite(result.scores).any() and result.status != Status.INTERRUPTED:
        raise SolveError(result.message)
    return result


def _check(neuron: Any, checkpoint_every: float, prior: str) -> None:
    checks.prior_of(prior)
    if not isinstance(neuron, Neuron):
        raise InputError(f"neuron is a {type(neuron).__name__}; give a Neuron")
    if not checkpoint_every >= 0:
        raise InputError(f"checkpoint_every = {checkpoint_every} s: give zero or more")
    plausible.check(neuron, stacklevel=5)


def _trained(
    plan: Plan, trainer: Trainer, claim: claims.Claim | None, progress: bool | None, began: float
) -> FitResult:
    """Run the stages, and keep the result in the folder that was claimed."""
    with Interrupts() as interrupts:
        with Bar(progress) as bar:
            trainer.run(interrupts, bar)
        if claim is not None and claim.apart:
            trainer.log += [claim.log(trainer.interrupted)]
        result = concluded(plan, trainer, began)
        if claim is not None:
            result.write(claim.path)
            claim.finish(keep=trainer.interrupted)
    return result


@contextmanager
def _divided(plan: Plan, workers: int | None, cluster: Any) -> Iterator[Plan]:
    """The plan, its recordings divided over the workers of a cluster where one is asked for."""
    if workers is None and cluster is None:
        yield plan
        return
    with client_of(workers, cluster) as client:
        yield plan.by(DividedBackend(client, plan.problem.backend))


def _over_seeds(
    plan: Plan,
    told: list[str],
    claim: claims.Claim | None,
    where: tuple[int | None, Any],
    progress: bool | None,
    began: float,
) -> FitResult:
    """The starts divided over the workers of a cluster, and the result kept."""
    with client_of(*where) as client, Bar(progress) as bar:
        found = train_starts(client, plan, bar)
    result = concluded(plan, replace(found, log=(*told, *found.log)), began)
    if claim is not None:
        result.write(claim.path)
        claim.finish(keep=False)
    return result
