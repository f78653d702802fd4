"""The size of the next step of each element, from the errors of those before."""

from __future__ import annotations

from typing import Any

from ..base import SolveOptions

SAFETY, SHRINK, GROW = 0.9, 0.2, 5.0
MOST_CHANGE = 100.0  # over which an error is not believed to have been too small


class StepSize:
    """Step sizes h of a batch, controlled by the error of a step or, to predict, of the last two.

    Prediction is K. Gustafsson's, ACM Trans. Math. Softw. 20, 496-517 (1994),
    10.1145/198429.198437.

    Parameters
    ----------
    xp : namespace of array functions
    error_order : int
        Of the method.
    options : SolveOptions
    zero : array (B,)
        Zeros.
    predict : bool
        As for Rosenbrock methods.
    """

    def __init__(
        self, xp: Any, error_order: int, options: SolveOptions, zero: Any, predict: bool
    ) -> None:
        self._xp, self._longest, self._predict = xp, options.dt_max, predict
        self._exponent = -1.0 / (error_order + 1)
        # Of the step before: 1 over its size and what its error made of that; 0 if unknown.
        self._past = zero

    def next(self, h: Any, step: Any, norm: Any, finite: Any, accepted: Any, crossed: Any) -> Any:
        """Sizes (B,) of the next steps.

        Parameters
        ----------
        h, step : array (B,)
            What was wanted, and what was taken, ms.
        norm : array (B,)
            Of the error, 1 at the tolerance.
        finite, accepted, crossed : array of bool (B,)
            Of the step; `crossed` where it was cut short by a breakpoint.
        """
        xp = self._xp
        change = xp.at_least(norm, 1e-10) ** self._exponent
        factor = SAFETY * change
        if self._predict:
            size, past = xp.convert(step, change), self._past
            ahead = factor * (size * past * change)
            factor = xp.where(accepted & (past > 0.0) & (ahead < factor), ahead, factor)
            known = 1.0 / (size * xp.at_most(change, MOST_CHANGE**-self._exponent))
            self._past = xp.where(accepted, xp.where(crossed, 0.0 * known, known), past)
        factor = xp.clip(factor, SHRINK, GROW)
        proposed = step * xp.where(finite, factor, SHRINK * xp.ones_like(h))
        # A step cut short by a breakpoint says little about the next one: never shrink for it.
        h = xp.where(accepted & crossed, xp.maximum(h, proposed), proposed)
        return h if self._longest is None else xp.at_most(h, self._longest)


class Progress:
    """Finds elements whose steps have become so small that they would never arrive.

    The steps after a start from far away grow: over each `EVERY` of them the time doubles, or gets
    on by more than `LEAST` of what is left. Those that stay small are stopped here and not after
    `max_steps`, each of which may take milliseconds.
    """

    EVERY, LEAST = 250, 1e-9

    def __init__(self, t: Any) -> None:
        self._first = self._before = t

    def stalled(self, iteration: int, t: Any, t1: Any) -> Any:
        """Which elements do not get on; None between the looks at them."""
        if iteration % self.EVERY:
            return None
        before, self._before = self._before, t
        gained = t - before
        return (gained < self.LEAST * (t1 - before)) & (gained < before - self._first)
