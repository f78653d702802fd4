"""The loop: stages one after the other, K starts together, nothing lost on the way."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...numerics.arrays import FloatArray
from ...optimize import Setting, create
from ...progress import Bar
from ...results.history import History
from ...status import Status
from ..modes.multiple_shooting import ShootingNodes
from ..objective import Evaluation
from ..stage import Stage
from .callbacks import Callback, StepInfo, Watcher
from .checkpoints import Store
from .early_stopping import EarlyStopping, interval
from .interrupts import Interrupts, StopNow
from .stage_summary import at_limit, described
from .trainer_state import checkpoint_of
from .undo import kept_or_undone

if TYPE_CHECKING:
    from ..plan import Plan

LOGGER = logging.getLogger("pyhodgkin.fit")
APART = 1.5  # times the lowest training loss: that of parameters chosen by held-out recordings
# Nodes, what they were trained to (K, N, S), and where (K,) that is of use.
Trained = tuple[ShootingNodes, FloatArray, NDArray[np.bool_]]


class Trainer:
    """A run of training and its whole state.

    Parameters
    ----------
    plan : Plan
        The problem, the stages, and where the starts begin.
    store : Store, optional
        Where checkpoints go, every `checkpoint_every` seconds and at the end of a stage.
    checkpoint_every : float
        Seconds.
    callback : callable, optional
        Called with a `StepInfo` after each step; stops the run by returning something true.
    """

    def __init__(
        self,
        plan: Plan,
        store: Store | None = None,
        checkpoint_every: float = 10.0,
        callback: Callback | None = None,
    ) -> None:
        self._plan, self._problem, self.schedule = plan, plan.problem, plan.stages
        self._store, self._every, self._watcher = store, checkpoint_every, Watcher(callback)
        self.theta, self.y0 = np.array(plan.theta), None if plan.y0 is None else np.array(plan.y0)
        k = len(self.theta)
        self.stage = self.step = self.total = 0
        self.score = np.full(k, np.inf)
        self.status = np.full(k, int(Status.SUCCESS))
        self.interrupted = self.stopped = False
        self._interrupts = Interrupts()
        self.history, self.elapsed, self.resumed = History(k), 0.0, 0.0
        self.log: list[str] = []
        self.limit = ""  # of the last stage that ended
        self._began = self._saved = time.monotonic()
        self.enter()

    # -- one stage ----------------------------------------------------------------------

    def enter(self, before: Trained | None = None) -> None:
        """Everything that belongs to one stage, at its beginning; `before` are its last nodes."""
        stage, k = self.schedule[self.stage], len(self.theta)
        self._unknowns = self._plan.unknowns(stage, self.theta, self.y0)
        nodes = self._unknowns.states
        if isinstance(nodes, ShootingNodes) and before is not None:
            nodes.take_over(*before)
        self._objective = self._plan.objective(stage, self._unknowns)
        phi = self._unknowns.start()
        decay = self._plan.decay(stage, phi.shape[-1])
        found = self._objective
        by = found.curvature, found.several, found.blocks, found.values
        setting = Setting(phi, stage.lr, decay, stage.memory, *by)
        self.optimizer = create(stage.optimizer, setting)
        self.step, self.searching = 0, stage.multistart > 0
        self.stopping = EarlyStopping(phi, stage)
        self.refused, self.reason = np.zeros(k, np.int64), np.zeros(k, np.int64)

    def _advance(self) -> None:
        """One evaluation for every active start, and what follows from it."""
        before = self.optimizer.state()
        stage = self.schedule[self.stage]
        try:
            with self._interrupts.abortable():
                search = self._plan.searched if self.searching else None
                found = None if search is None else search(stage, self.theta, self._poll)
            if found is not None:
                self._search(*found)
                before = self.optimizer.state()
            with self._interrupts.abortable():
                ahead = self.optimizer.ask()
                active = ~self.optimizer.done
                if not active.any():  # no step is left to take
                    return
                evaluation = self._objective(ahead, active, self.step)
        except BaseException:
            # An exception above leaves the state of the step before.
            self.optimizer.restore(before)
            raise
        rate = stage.rate(self.step)
        self.optimizer.tell(evaluation.value, evaluation.gradient, rate)
        rejected = self.optimizer.rejected & active
        self.refused += rejected
        self.reason = np.where(rejected, evaluation.status, self.reason)
        heldout = self._judge(active)
        self._record(evaluation, active, rejected, heldout)
        self.step, self.total = self.step + 1, self.total + 1

    def _search(self, theta: FloatArray, note: str) -> None:
        """Networks of gates set to what a search has found, and the stage begun from there."""
        self.theta = theta
        self.enter()
        self.searching = False
        self.note(note)

    def note(self, *lines: str) -> None:
        """Add lines to the log, and tell them at once."""
        self.log += lines
        for line in lines:
            LOGGER.info(line)

    def _judge(self, active: NDArray[np.bool_]) -> FloatArray:
        """Keep the best parameters, stop early; the held-out loss (K,), NaN if not due."""
        stage, optimizer = self.schedule[self.stage], self.optimizer
        heldout = np.full(len(active), np.nan)
        value, rows = optimizer.value, active & np.isfinite(optimizer.value)
        if self._evaluates_apart:
            last = (self.step + 1 == stage.steps) | optimizer.done
            rows = rows & ((self.step % interval(stage) == 0) | last)
            value = self._objective.judge(optimizer.point, rows, self._by_heldout)
            heldout = value if self._by_heldout else heldout
        trained = optimizer.value if self._by_heldout and stage.batch is None else None
        stopped = self.stopping.update(optimizer.point, value, rows, active, trained)
        optimizer.stop(stopped)
        return heldout

    @property
    def _by_heldout(self) -> bool:
        """Whether the held-out loss chooses the best parameters of this stage."""
        return self._plan.by_heldout(self.schedule[self.stage])

    @property
    def _evaluates_apart(self) -> bool:
        """Whether the best are chosen by another loss than that of a step."""
        return self._by_heldout or self.schedule[self.stage].batch is not None

    @property
    def best(self) -> FloatArray:
        """The best loss (K,) of this stage so far."""
        return self.stopping.best

    def _record(
        self,
        evaluation: Evaluation,
        active: NDArray[np.bool_],
        rejected: NDArray[np.bool_],
        heldout: FloatArray,
    ) -> None:
        good = active & ~rejected
        norm = np.linalg.norm(evaluation.gradient, axis=-1)
        self.history.add(
            step=self.total,
            stage=self.stage,
            loss=np.where(good, evaluation.value, np.nan),
            heldout=heldout,
            lr=np.where(active, self.optimizer.rate, np.nan),
            gradient_norm=np.where(good, norm, np.nan),
            rejected=rejected,
            seconds=self._clock(),
        )

    def _leave(self) -> None:
        """The best of this stage becomes the start of the next."""
        stage = self.schedule[self.stage]
        found, phi = np.isfinite(self.best), self.stopping.best_phi
        limited = self.step >= stage.steps and not self.optimizer.done.all()
        self.limit = at_limit(self.history.of_stage(self.stage, "loss")) if limited else ""
        before = self.theta
        self._take_best()
        self.status = np.where(found, int(Status.SUCCESS), self.reason)
        self._describe(stage, phi, before)
        self.stage += 1
        if self.stage < len(self.schedule):
            nodes, states = self._unknowns.states, self._unknowns.unpack(phi)[1]
            shot = isinstance(nodes, ShootingNodes) and states is not None
            self.enter((nodes, states, found) if shot else None)  # type: ignore[arg-type]

    def _describe(self, stage: Stage, phi: FloatArray, before: FloatArray) -> None:
        """Lines of the log on a stage that has ended, at its best `phi` (K, p), or is undone."""
        what = "held-out loss" if self._by_heldout else "loss"
        remark = self._objective.remark(phi, np.isfinite(self.best))
        known = self.best, what, remark, self.refused, self.reason
        self.theta, notes = kept_or_undone(self._problem, stage, before, self.theta)
        self.note(described(stage.label, self.step, *known, self.limit), *notes)

    def _take_best(self) -> None:
        found, y0 = np.isfinite(self.best), self._unknowns.initial(self.stopping.best_phi)
        self.theta, self.score = self._best_so_far()
        if y0 is not None and self.y0 is not None:
            self.y0 = np.where(found[:, None, None], y0, self.y0)

    def _best_so_far(self) -> tuple[FloatArray, FloatArray]:
        """theta (K, P) or (K, C, P) and its loss (K,), of this stage where it has one yet."""
        found, theta = np.isfinite(self.best), self._unknowns.unpack(self.stopping.best_phi)[0]
        rows = found.reshape(-1, *(1 for _ in theta.shape[1:]))
        score = np.where(found, self.best, np.inf) if found.any() else self.score
        return np.where(rows, theta, self.theta), score

    # -- the whole run ------------------------------------------------------------------

    def run(self, interrupts: Interrupts, bar: Bar) -> None:
        """Go on from where it is to the end, or to the first Ctrl-C."""
        self._interrupts = interrupts
        while self.stage < len(self.schedule) and not (self.interrupted or self.stopped):
            stage = self.schedule[self.stage]
            if self.step >= stage.steps or self.optimizer.done.all():
                self._leave()
                self._save()
                continue
            try:
                self._advance()
            except StopNow:
                pass  # what was before the step is kept
            except KeyboardInterrupt:
                # The second Ctrl-C, which aborts at once, has been asked for before.
                if interrupts.requested:
                    raise
                self.interrupted = True
            self.interrupted |= interrupts.requested
            self._tell(stage, bar)
            if not self.interrupted and time.monotonic() - self._saved >= self._every:
                self._save()
        if self.interrupted or self.stopped:
            self._save()
            if self.stopped:
                self._judge_last()
            self._take_best()

    def _judge_last(self) -> None:
        """Compare the latest parameters too, after a run that was stopped between evaluations."""
        if self.stage < len(self.schedule) and self.step and self._evaluates_apart:
            optimizer = self.optimizer
            rows = ~optimizer.done & np.isfinite(optimizer.value)
            value = self._objective.judge(optimizer.point, rows, self._by_heldout)
            self.stopping.keep(optimizer.point, value, rows)

    def best_in_training(self, k: int) -> tuple[FloatArray, FloatArray | None] | None:
        """theta and y0 of start `k` where its training loss was lowest in the last stage.

        None where that was hardly lower than where the held-out loss was.
        """
        stopping = self.stopping
        if not stopping.train_kept[k] > APART * stopping.train_best[k]:
            return None
        theta = self._unknowns.unpack(stopping.train_phi)[0][k : k + 1]
        y0 = self._unknowns.initial(stopping.train_phi)
        return theta, None if y0 is None else y0[k : k + 1]

    def _tell(self, stage: Stage, bar: Bar) -> None:
        best = float(np.min(self.best))
        bar.update(f"{self.stage + 1}. {stage.label}", self.step, stage.steps, f"loss {best:.4g}")
        if self.step:
            loss = self.history.last("loss")
            info = StepInfo(self.stage, stage.label, self.step, loss, self.best.copy())
            self.stopped = self._watcher.told(info)

    def _poll(self) -> None:
        """Ask during a search, which has no steps, whether to stop."""
        self.stopped = self._watcher.searching(self.stage, len(self.theta))
        if self.stopped:
            raise StopNow

    def _clock(self) -> float:
        return self.resumed + time.monotonic() - self._began

    # -- checkpoints --------------------------------------------------------------------

    def _save(self) -> None:
        self.elapsed = self._clock()
        if self._store is not None:
            self._store.save(checkpoint_of(self))
            theta, score = self._best_so_far()
            if np.isfinite(score).any():
                self._store.keep(self._plan.problem.neuron, theta[np.argmin(score)])
        self._saved = time.monotonic()
