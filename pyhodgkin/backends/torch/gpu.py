"""Batches solved by the kernels of `backends.gpu`: tensors in, tensors out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...neuron.tables import Tables
from ..options import SolveOptions
from ..tableau import ExplicitTableau, RosenbrockTableau
from .gpu_batch import Batch, Rising, Solved, Steps, rows

Tableau = ExplicitTableau | RosenbrockTableau
BLOCK = 32  # threads that wait for each other: one warp
# Elements of one launch, and bytes that it may write.
CHUNK, ROOM = 1 << 20, 2 << 30
# Steps of an element that the tape, or the list of rising steps, has room for at first.
STEPS = 256
_ROOM: dict[tuple, int] = {}  # what was needed for a neuron, a method and options


def chunks(launch: Launch, count: int) -> Iterator[tuple[int, int]]:
    """Ranges of elements, so many that a launch does not write more than `ROOM` bytes."""
    times, states = launch.batch.saveat.shape[1], len(launch.tables.states)
    each = 16 * times * states
    each += STEPS * 8 * ((4 + states) * launch.keep + launch.columns * launch.watch)
    size = max(1024, min(CHUNK, ROOM // max(each, 1)))
    for first in range(0, count, size):
        yield first, min(first + size, count)


class Launch:
    """A kernel with all that its launches have in common.

    Parameters
    ----------
    keep : bool
        Whether the accepted steps are written down.
    watch : bool
        Whether those are in which v rises; with `crossing` only through 0 mV.
    """

    def __init__(
        self,
        tables: Tables,
        tableau: Tableau,
        batch: Batch,
        options: SolveOptions,
        *,
        keep: bool = False,
        watch: bool = False,
        crossing: bool = False,
    ) -> None:
        from ..gpu.loops import table
        from ..gpu.methods import powers
        from ..gpu.modules import kernel
        from ..gpu.rows import WIDTH
        from ..gpu.variant import Variant

        segments = batch.segments
        moving = bool((segments.slope != 0).any()) or segments.n_sines > 0
        self.device = batch.theta.device
        ptx = self.device.type == "cuda" and torch.version.hip is None
        width = WIDTH if len(batch.theta) > 1 else 1
        self.method, self.settings = tableau, options
        self.variant = Variant(
            batch.clamped, moving, segments.n_sines > 0, options.dtype, width, ptx
        )
        self.solve: Any = kernel(tables, tableau, self.variant).solve
        self.batch, self.tables = batch, tables
        self.keep, self.watch, self.crossing = keep, watch, crossing
        self.columns = 3 + powers(tableau)
        self.dtype = getattr(torch, options.dtype)
        self.rows = rows(tables, batch.theta).to(self.dtype)
        lines = [segments.start, segments.offset, segments.slope]
        names = ("amplitude", "omega", "chirp", "phase")
        self.tableau = self._numbers(table(tableau))
        self.lines = self._numbers(np.stack(lines, axis=-1))
        self.sines = self._numbers(np.stack([getattr(segments, n) for n in names], axis=-1))
        longest = np.inf if options.dt_max is None else options.dt_max
        tolerances = (options.rtol, options.atol, options.atol * options.v_scale)
        exponent = -1.0 / (tableau.error_order + 1)
        self.options = self._numbers(np.array([*tolerances, longest, exponent, options.max_steps]))

    def _numbers(self, array: np.ndarray) -> Tensor:
        return torch.as_tensor(array, dtype=torch.float64, device=self.device).contiguous()

    def __call__(self, first: int, last: int, room: int = STEPS) -> Solved:
        """Solve the elements `first` to `last`; more room is taken where it was too little."""
        key = (self.tables.name, self.method.order, self.settings, self.watch)
        room = max(room, _ROOM.get(key, 0))
        while True:
            found = self._once(first, last, room)
            counts = [x.count.max() for x in (found.steps, found.rising) if x is not None]
            needed = int(torch.stack(counts).max()) if counts else 0
            if needed <= room:
                return found
            room = needed
            if len(_ROOM) > 64:
                _ROOM.clear()
            _ROOM[key] = needed + needed // 8

    def _once(self, first: int, last: int, room: int) -> Solved:
        import triton  # pyright: ignore[reportMissingImports]
        import triton.language as tl  # pyright: ignore[reportMissingImports]

        b, own = self.batch, slice(first, last)
        count, states = last - first, len(self.tables.states)
        times = b.saveat if len(b.saveat) == 1 else b.saveat[own]
        start = b.y_start if len(b.y_start) < 2 else b.y_start[own]
        n_times = times.shape[1]
        sizes = [count, room, self.lines.shape[1], b.segments.n_sines, n_times]
        sizes += [int(len(start) > 1), n_times * int(len(times) > 1)]
        samples = self._empty((n_times, states, count), self.dtype).fill_(torch.nan)
        results = self._empty((3, count), torch.int32)
        kept, seen = room * self.keep, room * self.watch
        tape = Steps(
            self._empty((kept, 3, count), torch.float64),
            self._empty((kept, states, count), self.dtype),
            self._empty((kept, count), torch.int32),
            results[1],
        )
        rising = Rising(
            self._empty((seen, self.columns, count), torch.float64),
            self._empty((count if seen else 1,), torch.int32),
        )
        block = self._block(count)
        arguments = [
            torch.tensor(sizes, dtype=torch.int64, device=self.device),
            self.options,
            self.rows,
            *(x[own].contiguous() for x in (b.set_of, b.protocol_of)),
            self.lines,
            self.sines,
            b.v_start[own].contiguous(),
            start.contiguous(),
            times.contiguous(),
            b.stops[own].contiguous(),
            samples,
            results,
            self.tableau,
            tape.numbers,
            tape.states,
            tape.pieces,
            rising.numbers,
            rising.count,
        ]
        with _on(self.device):
            self.solve[(triton.cdiv(count, block),)](
                *arguments,
                F=tl.float64 if self.dtype == torch.float64 else tl.float32,
                BLOCK=block,
                PTX=self.variant.ptx,
                GIVEN=len(start) > 0,
                KEEP=self.keep,
                WATCH=self.watch,
                CROSSING=self.crossing,
                num_warps=1,
            )
        return Solved(samples, results, tape if self.keep else None, rising if self.watch else None)

    def back(self, steps: Steps, cotangent: Tensor) -> tuple[Tensor, Tensor]:
        """The gradient for a cotangent (T, S, B) of the samples of all elements.

        Returns that of the rows of each element (B, R), and of the start (S, B).
        """
        import triton  # pyright: ignore[reportMissingImports]
        import triton.language as tl  # pyright: ignore[reportMissingImports]

        from ..gpu.modules import adjoint_kernel
        from ..gpu.rows import WIDTH, Rows

        b, count, states = self.batch, len(self.batch), len(self.tables.states)
        assert isinstance(self.method, ExplicitTableau)
        module: Any = adjoint_kernel(self.tables, self.method, self.variant)
        n_rows, times = Rows.of(self.tables).count, b.saveat
        sizes = [count, 0, self.lines.shape[1], b.segments.n_sines, times.shape[1], 0]
        sizes += [times.shape[1] * int(len(times) > 1)]
        shape = (triton.cdiv(count, WIDTH), n_rows, WIDTH)
        gradients = torch.zeros(shape, dtype=self.dtype, device=self.device)
        start = self._empty((states, count), self.dtype)
        block = self._block(count)
        with _on(self.device):
            module.adjoint[(triton.cdiv(count, block),)](
                torch.tensor(sizes, dtype=torch.int64, device=self.device),
                self.rows,
                b.set_of,
                b.protocol_of,
                self.lines,
                self.sines,
                times.contiguous(),
                self.tableau,
                steps.numbers,
                steps.states,
                steps.pieces,
                steps.count,
                cotangent.to(self.dtype).contiguous(),
                gradients,
                start,
                F=tl.float64 if self.dtype == torch.float64 else tl.float32,
                BLOCK=block,
                PTX=self.variant.ptx,
                num_warps=1,
            )
        return gradients.transpose(1, 2).reshape(-1, n_rows)[:count], start

    def _block(self, count: int) -> int:
        """Elements of a program: one warp, or all there are for the interpreter."""
        import triton  # pyright: ignore[reportMissingImports]

        return BLOCK if self.device.type != "cpu" else triton.next_power_of_2(min(count, 64))

    def _empty(self, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        return torch.empty(shape, dtype=dtype, device=self.device)


class _on:
    """Launches go to the device of the tensors, not to the current one."""

    def __init__(self, device: torch.device) -> None:
        self.guard = torch.cuda.device(device) if device.type == "cuda" else None

    def __enter__(self) -> None:
        if self.guard is not None:
            self.guard.__enter__()

    def __exit__(self, *exc: object) -> None:
        if self.guard is not None:
            self.guard.__exit__(*exc)
