"""Several recordings in order, and ways to divide them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import overload

import numpy as np

from ..errors import RecordingError, unknown
from .interchange import Interchange
from .recording import Recording
from .view import html_of_set

_SHOWN = 12  # lines of a repr


@dataclass(frozen=True, eq=False, repr=False)
class RecordingSet(Interchange, Sequence[Recording]):
    """Recordings in order, for instance the sweeps of one file.

    Examples
    --------
    >>> from pyhodgkin.protocols import CurrentClamp
    >>> t = np.arange(0, 100, 0.1)
    >>> sweeps = RecordingSet([
    ...     Recording(t, CurrentClamp.constant(a, 100.0), v=np.zeros(1000), name=f"{a:g}")
    ...     for a in (0.0, 5.0, 10.0)])
    >>> training, unseen = sweeps.split(["0", "10"])
    >>> unseen.names
    ('5',)
    >>> len(sweeps.windows(50.0))
    6
    """

    recordings: tuple[Recording, ...]

    def __init__(self, recordings: Recording | Iterable[Recording]) -> None:
        items = (recordings,) if isinstance(recordings, Recording) else tuple(recordings)
        if not items:
            raise RecordingError("a RecordingSet needs at least one recording")
        for item in items:
            if not isinstance(item, Recording):
                raise RecordingError(f"a RecordingSet holds recordings, not {type(item).__name__}")
        object.__setattr__(self, "recordings", items)

    def __len__(self) -> int:
        return len(self.recordings)

    def __iter__(self) -> Iterator[Recording]:
        return iter(self.recordings)

    @overload
    def __getitem__(self, i: int | str) -> Recording: ...
    @overload
    def __getitem__(self, i: slice) -> RecordingSet: ...
    def __getitem__(self, i):
        """A recording by its position or name, or a set of several by a slice."""
        if isinstance(i, str):
            if i not in self.names:
                raise unknown("recording", i, self.names)
            return self.recordings[self.names.index(i)]
        return RecordingSet(self.recordings[i]) if isinstance(i, slice) else self.recordings[i]

    def __add__(self, other: Iterable[Recording]) -> RecordingSet:
        return RecordingSet((*self.recordings, *other))

    def __repr__(self) -> str:
        lines = [f"  {recording!r}" for recording in self]
        if len(lines) > _SHOWN:
            lines[_SHOWN - 1 :] = [f"  and {len(lines) - _SHOWN + 1} more"]
        return "\n".join([f"RecordingSet({len(self)}):", *lines])

    _repr_html_ = html_of_set

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the recordings, in order."""
        return tuple(r.name for r in self.recordings)

    def split(
        self, part: float | Iterable[str], seed: int | None = None
    ) -> tuple[RecordingSet, RecordingSet]:
        """Two sets: the part asked for, and the rest.

        Parameters
        ----------
        part : float or names
            A fraction between 0 and 1 of the recordings (rounded, at least one on each side),
            or the names of those in the first set.
        seed : int, optional
            Draw the fraction at random from this seed; without it the first ones are taken.
        """
        if isinstance(part, (int, float)):
            chosen = self._fraction(float(part), seed)
        else:
            wanted = [part] if isinstance(part, str) else list(part)
            for name in wanted:
                if name not in self.names:
                    raise unknown("recording", name, self.names)
            chosen = {i for i, name in enumerate(self.names) if name in wanted}
        if len(chosen) in (0, len(self)):
            raise RecordingError(f"split({part!r}) leaves one side of {len(self)} recordings empty")
        first = [r for i, r in enumerate(self) if i in chosen]
        return RecordingSet(first), RecordingSet(r for i, r in enumerate(self) if i not in chosen)

    def _fraction(self, part: float, seed: int | None) -> set[int]:
        if not 0 < part < 1:
            raise RecordingError(f"the fraction of a split lies between 0 and 1, got {part:g}")
        if len(self) < 2:
            raise RecordingError("one recording cannot be split: cut it with .window or .windows")
        count = min(max(round(part * len(self)), 1), len(self) - 1)
        order = np.arange(len(self))
        if seed is not None:
            order = np.random.default_rng(seed).permutation(len(self))
        return set(order[:count].tolist())

    def windows(self, length: float) -> RecordingSet:
        """All recordings cut into consecutive windows of `length` ms."""
        return RecordingSet(w for r in self for w in r.windows(length))

    def masked_after_steps(self, ms: float, min_jump: float | None = None) -> RecordingSet:
        """See `Recording.masked_after_steps`."""
        return RecordingSet(r.masked_after_steps(ms, min_jump) for r in self)

    def with_junction_potential(self, potential: float) -> RecordingSet:
        """See `Recording.with_junction_potential`."""
        return RecordingSet(r.with_junction_potential(potential) for r in self)

    def to_csv(self, path: str | PathLike[str]) -> None:
        """Write all recordings to one csv file, with a column that numbers the sweeps."""
        from .write import write_csv

        write_csv(self, path)
