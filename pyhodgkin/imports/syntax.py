"""The parts of an NMODL file, as far as they matter to a channel."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class Term(NamedTuple):
    """An expression: a number, a name, a call, or an operation on `parts`.

    `kind` is "number", "name", "call", "[]" (an element of an array), or one of the operators
    (``neg`` and ``!`` have one part).
    """

    kind: str
    value: float | str
    parts: tuple[Term, ...] = ()


class Statement(NamedTuple):
    """`kind`: "assign", "element", "prime", "if", "loop", "call", "local", "solve", "skip" or
    "refused"; "element" is ``name[i] = value``.

    A statement that cannot be read is refused when it is executed: a procedure that nothing calls
    does not matter.
    """

    kind: str
    line: int
    name: str = ""
    term: Term | None = None
    body: tuple[Statement, ...] = ()
    other: tuple[Statement, ...] = ()
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Block:
    """A block of statements with a name, and with arguments where it is a function."""

    kind: str
    name: str
    line: int
    arguments: tuple[str, ...]
    body: tuple[Statement, ...]


class Declared(NamedTuple):
    """A declared name, the line, the number where there is one, and the unit as it is written."""

    line: int
    value: float | None
    unit: str


@dataclass
class Ion:
    name: str
    reads: list[str] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)


@dataclass
class Mechanism:
    """A file of NMODL."""

    suffix: str = ""
    line: int = 1
    ions: list[Ion] = field(default_factory=list)
    nonspecific: list[str] = field(default_factory=list)
    parameters: dict[str, Declared] = field(default_factory=dict)
    constants: dict[str, Declared] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    assigned: dict[str, Declared] = field(default_factory=dict)
    states: dict[str, Declared] = field(default_factory=dict)
    blocks: dict[str, Block] = field(default_factory=dict)
    initial: Block | None = None
    breakpoint: Block | None = None
