"""A parser of NMODL by recursive descent: statements and expressions."""

from __future__ import annotations

from .source import Source
from .syntax import Statement, Term
from .tokens import Token

MOST_DEPTH, MOST_CONDITIONS = 40, 20
_COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
_REFUSED = {
    "WHILE", "while", "FROM", "FOR", "for", "WATCH", "LAG", "PUTQ", "GETQ", "CONSERVE",
    "COMPARTMENT", "LONGITUDINAL_DIFFUSION", "PROTECT",
    "MUTEXLOCK", "MUTEXUNLOCK", "RESET", "SENS", "MATCH", "~",
    "EQUATION", "FORALL", "NET_RECEIVE",
}  # fmt: skip


class StatementParser:
    """Reads tokens from left to right."""

    def __init__(self, source: Source, tokens: list[Token]) -> None:
        self.source, self.tokens, self.place, self.depth = source, tokens, 0, 0

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

    # -- statements ---------------------------------------------------------------------------

    def block(self) -> tuple[Statement, ...]:
        self.expect("{")
        found = []
        while not self.at("}"):
            if self.now.kind == "end":
                self.source.refuse(self.now.line, "ends before the block is closed")
            found.append(self.statement())
        self.take()
        return tuple(found)

    def statement(self) -> Statement:
        token = self.now
        word, line = token.text, token.line
        if token.kind == "verbatim":
            self.take()
            plain = "".join(word.split()) == "VERBATIMreturn0;ENDVERBATIM"
            return Statement("skip" if plain else "refused", line, "holds C, which is not read")
        if word in _REFUSED:
            return self.skipped()
        if word == "LOCAL":
            self.take()
            names = self.names()
            if self.at("["):
                return self.skipped()
            return Statement("local", line, names=tuple(names))
        if word in ("IF", "if"):
            return self.condition()
        if word == "SOLVE":
            return self.solve()
        if word == "TABLE":
            return self.table()
        if token.kind != "name":
            self.unexpected(token, "a statement")
        return self.plain()

    def skipped(self) -> Statement:
        """A statement that is refused if it is executed: what follows it is passed over."""
        line, depth = self.now.line, 0
        first = self.take().text
        while self.now.kind != "end" and not (depth == 0 and self.now.text == "}"):
            depth += {"{": 1, "}": -1}.get(self.now.text, 0)
            self.take()
        return Statement("refused", line, f"has {first}, which is not read")

    def plain(self) -> Statement:
        line, name = self.now.line, self.name()
        if self.at("'"):
            self.take()
            if not self.at("="):
                return self.skipped()
            self.take()
            return Statement("prime", line, name, self.expression())
        if self.at("="):
            self.take()
            return Statement("assign", line, name, self.expression())
        if self.at("("):
            return Statement("call", line, name, Term("call", name, self.arguments()))
        if self.at("["):
            return self.skipped()
        self.unexpected(self.now, '"=" or "("')
        raise AssertionError

    def condition(self) -> Statement:
        line = self.take().line
        self.deeper(line)
        self.expect("(")
        term = self.expression()
        self.expect(")")
        body, other = self.block(), ()
        if self.now.text in ("ELSE", "else"):
            self.take()
            other = (self.condition(),) if self.now.text in ("IF", "if") else self.block()
        self.depth -= 1
        return Statement("if", line, "", term, body, other)

    def solve(self) -> Statement:
        line = self.take().line
        name, method = self.name(), ""
        if self.now.text in ("METHOD", "STEADYSTATE", "USING"):
            self.take()
            method = self.name()
        if self.now.text == "IFERROR":
            self.take()
            self.block()
        return Statement("solve", line, name, names=(method,))

    def table(self) -> Statement:
        line = self.take().line
        if self.now.kind == "name" and self.now.text not in ("DEPEND", "FROM"):
            self.names()
        if self.at("DEPEND"):
            self.take()
            self.names()
        for word in ("FROM", "TO"):
            self.expect(word)
            self.expression()
        self.expect("WITH")
        self.take()
        return Statement("skip", line)

    # -- expressions --------------------------------------------------------------------------

    def deeper(self, line: int) -> None:
        self.depth += 1
        if self.depth > MOST_DEPTH:
            self.source.refuse(line, f"is nested more than {MOST_DEPTH} times")

    def expression(self) -> Term:
        self.deeper(self.now.line)
        found = self.joined(("||",), lambda: self.joined(("&&",), self.comparison))
        self.depth -= 1
        return found

    def comparison(self) -> Term:
        return self.joined(_COMPARISONS, self.sum)

    def sum(self) -> Term:
        return self.joined(("+", "-"), lambda: self.joined(("*", "/"), self.signed_term))

    def joined(self, operators: tuple[str, ...], one) -> Term:
        found, count = one(), 0
        while self.now.text in operators:
            count += 1
            if count > MOST_CONDITIONS and operators[0] not in ("+", "*"):
                self.source.refuse(self.now.line, f"joins more than {MOST_CONDITIONS} conditions")
            operator = self.take().text
            found = Term(operator, "", (found, one()))
        return found

    def signed_term(self) -> Term:
        signs = []
        while self.now.text in ("-", "+", "!"):
            signs.append(self.take().text)
        found = self.power()
        if "!" in signs:
            if len(signs) > 1:
                self.source.refuse(self.now.line, "has more than one sign before a condition")
            return Term("!", "", (found,))
        return Term("neg", "", (found,)) if signs.count("-") % 2 else found

    def power(self) -> Term:
        base = self.atom()
        if self.at("^"):
            line = self.take().line
            self.deeper(line)
            base = Term("^", "", (base, self.signed_term()))
            self.depth -= 1
        return base

    def atom(self) -> Term:
        token = self.take()
        if token.kind == "number":
            self.unit_there()
            return Term("number", float(token.text))
        if token.text == "(":
            found = self.expression()
            self.expect(")")
            return found
        if token.kind == "name":
            if self.at("("):
                return Term("call", token.text, self.arguments())
            if self.at("["):
                self.source.refuse(token.line, f"has the array {token.text}, which is not read")
            return Term("name", token.text)
        self.unexpected(token, "a number, a name or a bracket")
        raise AssertionError

    def arguments(self) -> tuple[Term, ...]:
        self.expect("(")
        found = []
        while not self.at(")"):
            if found:
                self.expect(",")
            token = self.now
            found.append(Term("text", token.text) if token.kind == "text" else self.expression())
            if token.kind == "text":
                self.take()
        self.take()
        return tuple(found)
