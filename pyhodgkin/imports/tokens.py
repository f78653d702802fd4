"""NMODL as tokens."""

from __future__ import annotations

import re
from typing import NamedTuple

from .source import Source

_TOKEN = re.compile(
    r"""(?P<space>[ \t\f\v\n]+)
    |(?P<comment>[:?][^\n]*|\bCOMMENT\b[\s\S]*?\bENDCOMMENT\b|\bTITLE\b[^\n]*)
    |(?P<verbatim>\bVERBATIM\b[\s\S]*?\bENDVERBATIM\b)
    |(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<name>[A-Za-z_]\w*)
    |(?P<text>"[^"\n]*")
    |(?P<op><->|<=|>=|==|!=|&&|\|\||.)""",
    re.VERBOSE,
)
_SWITCHES = ("UNITSON", "UNITSOFF")


class Token(NamedTuple):
    """`kind` is "name", "number", "op", "text", "verbatim" or "end"."""

    kind: str
    text: str
    line: int
    start: int
    end: int


def spans_of(source: Source) -> list[tuple[str, str, int]]:
    """Kind, text and line of each token, of comments too, where nothing is refused."""
    found, line = [], 1
    for match in _TOKEN.finditer(source.text):
        if match.lastgroup != "space":
            found.append((str(match.lastgroup), match.group(), line))
        line += match.group().count("\n")
    return found


def tokens_of(source: Source) -> list[Token]:
    """The tokens of a file without its comments.

    Examples
    --------
    >>> [x.text for x in tokens_of(Source("a.mod", "m' = 2*m : slow"))]
    ['m', "'", '=', '2', '*', 'm', '']
    """
    found, line = [], 1
    for match in _TOKEN.finditer(source.text):
        kind, text = str(match.lastgroup), match.group()
        if text in ("COMMENT", "VERBATIM"):
            source.refuse(line, f"is not closed by END{text}")
        if kind not in ("space", "comment") and text not in _SWITCHES:
            found.append(Token(kind, text, line, *match.span()))
        line += text.count("\n")
    return [*found, Token("end", "", line, len(source.text), len(source.text))]
