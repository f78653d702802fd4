"""L-BFGS for K starts that advance together, each with a memory and a line search of its own."""

from __future__ import annotations

from collections.abc import Generator, Mapping

import numpy as np
from numpy.typing import NDArray

from ..numerics.arrays import FloatArray
from .adamw import State
from .line_search import Answer, wolfe

FLAT = 1e-9  # relative decrease that is none
PATIENCE = 5  # iterations in a row without one: converged
GRADIENT = 1e-10


class LBFGS:
    """Limited-memory BFGS with a strong Wolfe line search (Nocedal & Wright 2006, chapter 7).

    Each evaluation serves all starts at once, though one may be in the middle of a line search
    while another begins an iteration. A failed solve counts as a step that was too long.

    Parameters
    ----------
    phi : array (K, p)
    memory : int
        Pairs of steps and gradient changes that are kept.
    first : float
        Length of the very first step, in units of phi.
    """

    def __init__(self, phi: FloatArray, memory: int = 50, first: float = 0.1) -> None:
        self._paths = [_Path(np.array(x, dtype=np.float64), memory, first) for x in phi]
        self._after()
        self.rejected = np.zeros(len(self._paths), bool)

    def _after(self) -> None:
        paths = self._paths
        self.point = np.stack([path.x for path in paths])
        self.value = np.array([path.f for path in paths])
        self.rate = np.array([path.step for path in paths])
        self.done = np.array([path.done for path in paths])
        self.failed = np.array([path.done and not np.isfinite(path.f) for path in paths])

    def ask(self) -> FloatArray:
        return np.stack([path.wanted for path in self._paths])

    def tell(self, value: FloatArray, gradient: FloatArray, rate: float) -> None:
        self.rejected = np.zeros(len(self._paths), bool)
        for k, path in enumerate(self._paths):
            if not path.done:
                good = bool(np.isfinite(value[k]) and np.all(np.isfinite(gradient[k])))
                self.rejected[k] = not good
                path.tell(float(value[k]) if good else np.inf, np.array(gradient[k]))
        self._after()

    def stop(self, rows: NDArray[np.bool_]) -> None:
        for k in np.flatnonzero(rows):
            self._paths[k].done = True
        self._after()

    def state(self) -> State:
        states = [path.state() for path in self._paths]
        return {name: np.stack([s[name] for s in states]) for name in states[0]}

    def restore(self, state: Mapping[str, NDArray]) -> None:
        for k, path in enumerate(self._paths):
            path.restore({name: array[k] for name, array in state.items()})
        self._after()


class _Path:
    """One start. Its search is a generator, saved as the state at the last iteration and the
    answers given since: sending them again leads to exactly the same place."""

    def __init__(self, x: FloatArray, memory: int, first: float) -> None:
        self.memory, self.first = memory, first
        self.x, self.f, self.g = x, np.inf, np.zeros_like(x)
        self.steps: list[FloatArray] = []
        self.changes: list[FloatArray] = []
        self.step, self.flat, self.done = 0.0, 0, False
        self.answers: list[Answer] = []
        self._start()

    def _start(self) -> None:
        self._search = self._run()
        self.wanted = next(self._search, self.x)

    def tell(self, f: float, g: FloatArray) -> None:
        self.answers.append((f, g))
        try:
            self.wanted = self._search.send((f, g))
        except StopIteration:
            self.done, self.wanted = True, self.x

    def _run(self) -> Generator[FloatArray, Answer, None]:
        if not np.isfinite(self.f):
            f, g = yield self.x
            if not np.isfinite(f):
                return
            self.f, self.g = f, g
        while np.max(np.abs(self.g)) > GRADIENT and self.flat < PATIENCE:
            self.answers.clear()
            d = self._direction()
            t = 1.0 if self.steps else self.first / max(self.first, float(np.linalg.norm(d)))
            found = yield from wolfe(self.x, self.f, self.g, d, t)
            if found is not None:
                self._advance(found.t, found.x, found.f, found.g)
            elif self.steps:
                # The model of the curvature is of no use here; forget it and try once more.
                self.steps, self.changes = [], []
            else:
                return

    def _advance(self, t: float, x: FloatArray, f: float, g: FloatArray) -> None:
        s, y = x - self.x, g - self.g
        if s @ y > 1e-16 * (y @ y):
            self.steps = [*self.steps, s][-self.memory :]
            self.changes = [*self.changes, y][-self.memory :]
        self.flat = self.flat + 1 if self.f - f <= FLAT * abs(f) else 0
        self.x, self.f, self.g, self.step = x, f, g, t

    def _direction(self) -> FloatArray:
        """-H g by the two-loop recursion."""
        q, kept = -self.g, []
        for s, y in zip(reversed(self.steps), reversed(self.changes), strict=True):
            a = (s @ q) / (s @ y)
            q = q - a * y
            kept.append(a)
        if self.steps:
            s, y = self.steps[-1], self.changes[-1]
            q = q * ((s @ y) / (y @ y))
        for s, y, a in zip(self.steps, self.changes, reversed(kept), strict=True):
            q = q + (a - (y @ q) / (s @ y)) * s
        return q if q @ self.g < 0 else -self.g

    def state(self) -> State:
        p, room = len(self.x), 64
        blank = {name: np.zeros((self.memory, p)) for name in ("steps", "changes")}
        for name, array in blank.items():
            for i, vector in enumerate(getattr(self, name)):
                array[i] = vector
        f, g = np.zeros(room), np.zeros((room, p))
        for i, (value, gradient) in enumerate(self.answers):
            f[i], g[i] = value, gradient
        counts = [len(self.steps), len(self.answers), self.flat, self.done]
        numbers = np.array([self.f, self.step])
        return {
            **blank, "x": self.x, "g": self.g, "numbers": numbers, "counts": np.array(counts),
            "answers_f": f, "answers_g": g,
        }  # fmt: skip

    def restore(self, state: Mapping[str, NDArray]) -> None:
        n, m, self.flat, done = (int(c) for c in state["counts"])
        self.x, self.g = np.array(state["x"]), np.array(state["g"])
        self.f, self.step = (float(a) for a in state["numbers"])
        self.steps = [np.array(s) for s in state["steps"][:n]]
        self.changes = [np.array(y) for y in state["changes"][:n]]
        self.answers, self.done = [], bool(done)
        self._start()
        answers = zip(state["answers_f"][:m], state["answers_g"][:m], strict=True)
        for f, g in [] if done else list(answers):
            self.tell(float(f), np.array(g))
