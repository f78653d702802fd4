"""A parser of NMODL by recursive descent: first the declarations."""

from __future__ import annotations

from .arrays import element_names
from .source import Source
from .statements import StatementParser
from .syntax import Block, Declared, Ion, Mechanism
from .tokens import Token, tokens_of

_REFUSED = {
    "KINETIC": "is a kinetic scheme; channels that are products of gates are read",
    "LINEAR": "is a system of equations; channels that are products of gates are read",
    "NONLINEAR": "is a system of equations; channels that are products of gates are read",
    "DISCRETE": "is a discrete update; give equations of the form x' = (inf - x)/tau",
    "NET_RECEIVE": "receives events; density mechanisms are read",
    "FUNCTION_TABLE": "is a table that is filled in at run time, so that the file does not say it",
    "INCLUDE": "is not followed by the name of a file in quotation marks",
    "CONSTRUCTOR": "runs code of its own",
    "DESTRUCTOR": "runs code of its own",
    "BEFORE": "runs code at events",
    "AFTER": "runs code at events",
    "PROTECT": "is not read",
    "MUTEXLOCK": "is not read",
}

_WORDS = ("SUFFIX", "USEION", "NONSPECIFIC_CURRENT", "RANGE", "GLOBAL", "THREADSAFE", "POINTER",
          "POINT_PROCESS", "ARTIFICIAL_CELL", "ELECTRODE_CURRENT", "BBCOREPOINTER")  # fmt: skip


def parse(source: Source) -> Mechanism:
    """The mechanism in a file.

    Examples
    --------
    >>> found = parse(Source("l.mod", "NEURON { SUFFIX l NONSPECIFIC_CURRENT i }"))
    >>> found.suffix, found.nonspecific
    ('l', ['i'])
    """
    return _Parser(source, tokens_of(source)).mechanism()


class _Parser(StatementParser):
    def mechanism(self) -> Mechanism:
        while self.now.kind != "end":
            self.top()
        return self.found

    def top(self) -> None:
        token = self.take()
        word = token.text
        if token.kind == "verbatim":
            self.source.refuse(token.line, "holds C, which is not read")
        if word in _REFUSED:
            self.source.refuse(token.line, _REFUSED[word])
        if word == "NEURON":
            self.within(self.neuron)
        elif word == "UNITS":
            self.within(self.unit)
        elif word in ("PARAMETER", "CONSTANT", "ASSIGNED", "STATE"):
            self.declarations(word)
        elif word in ("INITIAL", "BREAKPOINT"):
            setattr(self.found, word.lower(), Block(word, word, token.line, (), self.block()))
        elif word in ("DERIVATIVE", "PROCEDURE", "FUNCTION"):
            self.named_block(word)
        elif word == "INDEPENDENT":
            self.braces()
        elif word == "LOCAL":
            for name in self.local_names():
                self.found.assigned.setdefault(name, Declared(token.line, None, ""))
        elif word == "DEFINE":
            name = self.name()
            self.found.constants[name] = Declared(token.line, self.number(), "")
        else:
            self.source.refuse(token.line, f"begins with {word}, which is no block of NMODL")

    def within(self, one) -> None:
        self.expect("{")
        while not self.at("}"):
            one()
        self.take()

    def neuron(self) -> None:
        token, found = self.take(), self.found
        word = token.text
        if word == "SUFFIX":
            found.suffix, found.line = self.name(), token.line
        elif word in ("POINT_PROCESS", "ARTIFICIAL_CELL"):
            self.source.refuse(token.line, "is no density mechanism; give one with a SUFFIX")
        elif word in ("POINTER", "BBCOREPOINTER", "EXTERNAL", "ELECTRODE_CURRENT", "LONGITUDINAL"):
            self.source.refuse(token.line, f"has {word}: it depends on more than the voltage")
        elif word == "NONSPECIFIC_CURRENT":
            found.nonspecific += self.names()
        elif word in ("RANGE", "GLOBAL"):
            self.names()
        elif word == "USEION":
            ion = Ion(self.name())
            found.ions.append(ion)
            while self.now.text in ("READ", "WRITE", "VALENCE", "REPRESENTS"):
                kind = self.take().text
                if kind == "VALENCE":
                    self.signed()
                elif kind == "REPRESENTS":
                    self.take()
                else:
                    (ion.reads if kind == "READ" else ion.writes).extend(self.names())
        elif word == "THREADSAFE":
            while self.now.kind == "name" and self.now.text not in _WORDS:
                self.take()
                if self.at(","):
                    self.take()
        elif word == ",":
            pass
        else:
            self.source.refuse(token.line, f"has {word}, which is not read in NEURON {{ }}")

    def unit(self) -> None:
        """``(mV) = (millivolt)``, or a constant: ``F = (faraday) (coulomb)``."""
        if self.at("("):
            alias = self.parenthesis()
            self.expect("=")
            self.found.units[alias.replace(" ", "")] = self.parenthesis()
            return
        token = self.take()
        if token.kind != "name":
            self.source.refuse(token.line, "is no unit")
        self.expect("=")
        if self.now.kind == "number" or self.at("-"):
            value = self.signed()
            self.found.constants[token.text] = Declared(token.line, value, self.unit_there())
            return
        what = self.parenthesis()
        unit = self.unit_there()
        value = _constant(what, unit)
        self.found.constants[token.text] = Declared(token.line, value, unit)

    def declarations(self, word: str) -> None:
        into = {
            "PARAMETER": self.found.parameters,
            "CONSTANT": self.found.constants,
            "ASSIGNED": self.found.assigned,
            "STATE": self.found.states,
        }[word]
        self.expect("{")
        while not self.at("}"):
            token = self.take()
            if token.text == ",":
                continue
            if token.kind != "name":
                self.source.refuse(token.line, f"declares {token.text!r}, which is no name")
            if self.at("["):
                self.array(token, word, into)
                continue
            value = None
            if self.at("="):
                self.take()
                value = self.signed()
            unit = self.unit_there()
            if word == "STATE" and self.now.text == "FROM":
                for _ in ("FROM", "TO"):
                    self.take()
                    self.signed()
                unit = unit or self.unit_there()
            if self.at("<"):
                self.limits()
            if token.text in into:
                self.source.refuse(token.line, f"declares {token.text} once more")
            into[token.text] = Declared(token.line, value, unit)
        self.take()

    def array(self, token: Token, word: str, into: dict[str, Declared]) -> None:
        """``name[n]``: each element is a variable of its own, ``name[0]`` to ``name[n - 1]``."""
        names = element_names(token.text, self.size(token.line))
        if word != "ASSIGNED":
            self.source.refuse(token.line, f"declares an array in {word}; give each its own name")
        unit = self.unit_there()
        into.update((name, Declared(token.line, None, unit)) for name in names)

    def limits(self) -> None:
        while not self.at(">"):
            if self.now.kind == "end" or self.at("}"):
                self.source.refuse(self.now.line, "does not close its limits < >")
            self.take()
        self.take()

    def named_block(self, word: str) -> None:
        line, name, arguments = self.now.line, self.name(), []
        if word != "DERIVATIVE" and self.at("("):
            self.take()
            while not self.at(")"):
                if self.at(","):
                    self.take()
                    continue
                arguments.append(self.name())
                self.unit_there()
            self.take()
            self.unit_there()
        if name in self.found.blocks:
            self.source.refuse(line, f"defines {name} once more")
        self.found.blocks[name] = Block(word, name, line, tuple(arguments), self.block())

    def braces(self) -> None:
        self.expect("{")
        depth = 1
        while depth:
            token = self.take()
            if token.kind == "end":
                self.source.refuse(token.line, "does not close its braces")
            depth += {"{": 1, "}": -1}.get(token.text, 0)


def _constant(what: str, unit: str) -> float | None:
    """A constant of nature in a unit; None where its value is not known here."""
    what, unit = what.replace(" ", ""), unit.replace(" ", "")
    faraday, gas = 96485.33212331001, 8.31446261815324
    return {
        ("faraday", "coulomb"): faraday,
        ("faraday", "coulombs"): faraday,
        ("faraday", "coulomb/mole"): faraday,
        ("faraday", "kilocoulombs"): faraday * 1e-3,
        ("faraday", "kilocoulomb"): faraday * 1e-3,
        ("faraday", "10000coulomb"): faraday * 1e-4,
        ("k-mole", "joule/degC"): gas,
        ("k-mole", "joule/kelvin"): gas,
        ("mole-k", "joule/degC"): gas,
        ("molek", "joule/degC"): gas,
        ("k-mole", "mV-coulomb/degC"): gas * 1e3,
        ("molek", "mV-coulomb/degC"): gas * 1e3,
        ("pi", "1"): 3.141592653589793,
        ("pi", ""): 3.141592653589793,
    }.get((what, unit))
