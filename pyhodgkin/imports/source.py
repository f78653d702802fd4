"""The text that is being read, and errors that name the file, the line and the statement."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from ..errors import InputError
from ..numerics.cached import cached_property

MOST_BYTES = 1_000_000


@dataclass(frozen=True)
class Source:
    """The name of a file, and its text.

    Where other files are included, `origin` has the file and the line of each line.

    Examples
    --------
    >>> Source("k.mod", "NEURON {").refuse(1, "is not closed")
    Traceback (most recent call last):
    ...
    pyhodgkin.errors.InputError: k.mod, line 1: "NEURON {" is not closed
    """

    name: str
    text: str
    origin: tuple[tuple[str, int], ...] = ()

    def origin_of_lines(self) -> list[tuple[str, int]]:
        """The file and the line of each line."""
        return list(self.origin) or [(self.name, i + 1) for i in range(len(self.lines))]

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    def is_named(self, message: str) -> bool:
        """Whether an error begins with the file, or one that it includes, and the line."""
        names = {self.name, *(name for name, _ in self.origin)}
        return any(message.startswith(f"{name}, line ") for name in names)

    def error(self, line: int, why: str) -> InputError:
        """The error about a line of the file."""
        text = self.lines[line - 1].strip() if 0 < line <= len(self.lines) else ""
        text = text[:117] + "…" if len(text) > 118 else text
        name = self.name
        if 0 < line <= len(self.origin):
            name, line = self.origin[line - 1]
        return InputError(f'{name}, line {line}: "{text}" {why}')

    def refuse(self, line: int, why: str) -> NoReturn:
        raise self.error(line, why)


def source_of(path: Path) -> Source:
    """The text of a file; refused where it is too large or binary."""
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise InputError(f"{path} has {size} bytes; the limit of a channel is {MOST_BYTES}")
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from None
    if len(data) > MOST_BYTES or b"\0" in data:
        raise InputError(f"{path} is no text file")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")  # only comments have letters beyond ASCII
    return Source(path.name, text.replace("\r\n", "\n").replace("\r", "\n"))
