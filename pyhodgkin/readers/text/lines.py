"""Lines of a text as places in it: a file of millions of rows is no list of millions of strings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

_LF, _CR = 10, 13
_DIGITS = (ord("0"), ord("9"))
_TAIL = re.compile(r"[ ]*[\t;,|]?[ ]*$")


@dataclass
class Line:
    """A line of the file and its number, from 1."""

    number: int
    text: str


class Lines(Sequence[Line]):
    """Some lines of a text, each made when it is asked for.

    Parameters
    ----------
    text : str
        All of it.
    starts, stops : ndarray of int (L,)
        Where in `text` each line begins and ends.
    numbers : ndarray of int (L,)
        Of the lines, from 1.
    """

    def __init__(self, text: str, starts: NDArray, stops: NDArray, numbers: NDArray) -> None:
        self.whole, self._starts, self._stops, self._numbers = text, starts, stops, numbers
        self._is_cut = False

    @classmethod
    def of(cls, text: str) -> Lines:
        """All lines of a text; they end in a line feed, a carriage return, or both."""
        codes = _codes(text)
        small = np.uint32 if len(text) < 2**32 - 1 else np.int64
        ends = np.flatnonzero((codes == _LF) | (codes == _CR))
        if ends.size and _CR in codes[ends]:  # the two together are one end
            second = (codes[ends] == _LF) & (ends > 0) & (codes[ends - 1] == _CR)
            stops = (ends - second)[np.append(~second[1:], True)]
            ends = ends[np.append(~second[1:], True)]
        else:
            stops = ends
        starts = np.concatenate([[0], ends + 1]).astype(small)
        stops = np.append(stops, len(text)).astype(small)
        return cls(text, starts, stops, np.arange(1, len(starts) + 1, dtype=small))

    def __len__(self) -> int:
        return len(self._starts)

    @overload
    def __getitem__(self, i: int) -> Line: ...
    @overload
    def __getitem__(self, i: slice) -> Lines: ...
    def __getitem__(self, i: int | slice) -> Line | Lines:
        if isinstance(i, slice):
            return self.take(i)
        return Line(int(self._numbers[i]), self.whole[self._starts[i] : self._stops[i]])

    def __iter__(self) -> Iterator[Line]:
        for i in range(len(self)):
            yield self[i]

    def take(self, which: slice | NDArray) -> Lines:
        """Some of them: a slice, indices, or a mask."""
        found = Lines(self.whole, self._starts[which], self._stops[which], self._numbers[which])
        found._is_cut = self._is_cut
        return found

    def followed_by(self, others: Iterable[Lines]) -> Lines:
        """These and others of the same text."""
        every = [self, *others]
        if len(every) == 1:
            return self
        found = Lines(
            self.whole,
            np.concatenate([x._starts for x in every]),
            np.concatenate([x._stops for x in every]),
            np.concatenate([x._numbers for x in every]),
        )
        found._is_cut = any(x._is_cut for x in every)
        return found

    def begin_with_a_digit(self) -> NDArray[np.bool_]:
        """(L,) of the lines, without making them."""
        codes = _codes(self.whole)
        first = np.zeros(len(self), dtype=bool)
        filled = self._stops > self._starts
        there = codes[self._starts[filled]]
        first[filled] = (there >= _DIGITS[0]) & (there <= _DIGITS[1])
        return first

    def holding(self, character: str) -> list[int]:
        """Indices of the lines that have a character in them."""
        if character not in self.whole:
            return []
        places = np.flatnonzero(_codes(self.whole) == ord(character))
        at = np.searchsorted(self._starts, places, side="right") - 1
        inside = (at >= 0) & (places < self._stops[at])
        return np.unique(at[inside]).tolist()

    def cut(self, i: int, character: str) -> None:
        """Leave away what follows a character, with the delimiter before it."""
        text = self[i].text
        self._is_cut = True
        self._stops[i] = self._starts[i] + len(_TAIL.sub("", text[: text.index(character)]))

    def joined(self) -> str:
        """Their text, a line feed or what stands in the file between them."""
        if not len(self):
            return ""
        if not self._is_cut and np.all(self._numbers[1:] == self._numbers[:-1] + 1):
            return self.whole[self._starts[0] : self._stops[-1]]
        return "\n".join(line.text for line in self)


def _codes(text: str) -> NDArray:
    """Code points."""
    try:
        return np.frombuffer(text.encode("latin-1"), np.uint8)
    except UnicodeEncodeError:
        return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
