"""A parser of NMODL by recursive descent: statements and expressions."""

from __future__ import annotations

from .reader import TokenReader
from .syntax import Statement, Term

MOST_DEPTH, MOST_CONDITIONS = 40, 20
_COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
_REFUSED = {
    "WHILE", "while", "FOR", "for", "WATCH", "LAG", "PUTQ", "GETQ", "CONSERVE",
    "COMPARTMENT", "LONGITUDINAL_DIFFUSION", "PROTECT",
    "MUTEXLOCK", "MUTEXUNLOCK", "RESET", "SENS", "MATCH", "~",
    "EQUATION", "FORALL", "NET_RECEIVE",
}  # fmt: skip


class StatementParser(TokenReader):
    """Reads statements and expressions."""

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
            return Statement("local", line, names=tuple(self.local_names()))
        if word in ("IF", "if"):
            return self.condition()
        if word == "FROM":
            return self.loop()
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
            at = self.index()
            if not self.at("="):
                return self.skipped()
            self.take()
            return Statement("element", line, name, Term("=", "", (at, self.expression())))
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

    def loop(self) -> Statement:
        """``FROM i = a TO b { … }``."""
        line = self.take().line
        name = self.name()
        self.expect("=")
        first = self.expression()
        self.expect("TO")
        last = self.expression()
        if self.at("BY"):
            return self.skipped()
        self.deeper(line)
        body = self.block()
        self.depth -= 1
        return Statement("loop", line, name, Term("TO", "", (first, last)), body)

    def index(self) -> Term:
        self.expect("[")
        found = self.expression()
        self.expect("]")
        return found

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
                return Term("[]", token.text, (self.index(),))
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
