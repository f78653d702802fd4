"""Tokens of NMODL from left to right: names, numbers, units and arrays."""

from __future__ import annotations

from .arrays import MOST_ELEMENTS, element_names
from .source import Source
from .syntax import Mechanism
from .tokens import Token


class TokenReader:
    """Reads tokens from left to right."""

    def __init__(self, source: Source, tokens: list[Token]) -> None:
        self.source, self.tokens, self.place, self.depth = source, tokens, 0, 0
        self.found = Mechanism()

    @property
    def now(self) -> Token:
        return self.tokens[self.place]

    def at(self, text: str) -> bool:
        return self.now.text == text

    def take(self) -> Token:
        token = self.tokens[self.place]
        if token.kind != "end":
            self.place += 1
        return token

    def expect(self, text: str) -> Token:
        token = self.take()
        if token.text != text:
            self.unexpected(token, f'"{text}"')
        return token

    def unexpected(self, token: Token, wanted: str):
        found = f'"{token.text}"' if token.kind != "end" else "the end of the file"
        self.source.refuse(token.line, f"has {found} where {wanted} is expected")

    def name(self) -> str:
        token = self.take()
        if token.kind != "name":
            self.unexpected(token, "a name")
        return token.text

    def names(self) -> list[str]:
        """Names between commas."""
        found = [self.name()]
        while self.at(","):
            self.take()
            found.append(self.name())
        return found

    def local_names(self) -> list[str]:
        """Names between commas, of an array those of its elements."""
        found: list[str] = []
        while not found or self.at(","):
            if found:
                self.take()
            token = self.now
            name = self.name()
            found += element_names(name, self.size(token.line)) if self.at("[") else [name]
        return found

    def size(self, line: int) -> int:
        """``[n]``, a number or a name that DEFINE gives a number."""
        self.expect("[")
        token = self.take()
        known = self.found.constants.get(token.text)
        text = token.text if known is None or known.value is None else f"{known.value:g}"
        if not text.isdecimal() or not 0 < int(text) <= MOST_ELEMENTS:
            self.source.refuse(line, f"declares no array of 1 to {MOST_ELEMENTS} numbers")
        self.expect("]")
        return int(text)

    def number(self) -> float:
        token = self.take()
        if token.kind != "number":
            self.unexpected(token, "a number")
        return float(token.text)

    def signed(self) -> float:
        sign = 1.0
        while self.now.text in ("-", "+"):
            sign *= -1.0 if self.take().text == "-" else 1.0
        return sign * self.number()

    def parenthesis(self) -> str:
        """What stands between brackets: a unit."""
        start = self.expect("(")
        while not self.at(")"):
            if self.now.kind == "end" or self.now.text in ("{", "}", "("):
                self.source.refuse(start.line, "does not close its unit")
            self.take()
        return " ".join(self.source.text[start.end : self.take().start].split())

    def unit_there(self) -> str:
        return self.parenthesis() if self.at("(") else ""
