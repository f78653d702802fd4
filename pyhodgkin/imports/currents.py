"""From the currents of a mechanism to channels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..errors import InputError, unknown
from ..neuron.channels import Channel
from ..neuron.gates import Gate
from ..neuron.kinetics import InstantaneousKinetics
from .algebra import Node, linear, mul, num, put
from .curves import short
from .execution import AT_START, AT_STEP, Execution
from .gating import Law, V, gate_of, law_of, slope_of_update
from .source import Source
from .syntax import Declared, Mechanism

SIEMENS = {"pS/um2": 1e-4, "mS/cm2": 1e-3, "millimho/cm2": 1e-3, "mmho/cm2": 1e-3, "uS/cm2": 1e-6,
           "nS/um2": 1e-1, "S/m2": 1e-4, "nS/cm2": 1e-9, "umho/cm2": 1e-6}  # fmt: skip
MILLIAMPERES = (
    "",
    "mA/cm2",
    "milliamp/cm2",
    "milliamps/cm2",
    "ma/cm2",
    "mA/cm^2",
    "milliampere/cm2",
)


class Given(NamedTuple):
    """What the caller adds: reversal potentials (mV), temperature (degrees Celsius), parameters."""

    e: float | Mapping[str, float] | None = None
    celsius: float | None = None
    parameters: Mapping[str, float] = {}


class Channels:
    """The channels of a mechanism."""

    def __init__(self, source: Source, found: Mechanism, given: Given) -> None:
        self.source, self.found, self.given = source, found, given
        self.run = Execution(source, found)
        self.run.run()
        self.values = self.known()
        self.gates: dict[str, Law] = {}

    def known(self) -> dict[str, float]:
        """Numbers by name: what the file declares with a value, and what is given."""
        found = self.found
        declared = {**found.constants, **found.parameters}
        values = {name: x.value for name, x in declared.items() if x.value is not None}
        for name in ("v", "t", "dt", "celsius"):
            values.pop(name, None)
        for name in self.run.values:
            values.pop(name, None)
        names = {**declared, **found.assigned}
        ions = [name for ion in found.ions for name in ion.reads]
        for name in ions:  # NEURON takes them from the cell, whatever PARAMETER says
            values.pop(name, None)
        for name, value in self.given.parameters.items():
            if name not in names and name not in ions:
                raise unknown(f"parameter of {self.source.name}", name, [*names, *ions])
            if name in self.run.values:
                self.source.refuse(self.run.lines[name], f"computes {name}, which is given as well")
            values[name] = float(value)
        e = self.given.e
        if isinstance(e, Mapping):
            for name, value in e.items():
                key = name if name in names or name in ions else f"e{name}"
                if key not in names and key not in ions:
                    raise unknown(f"reversal potential of {self.source.name}", name, ions)
                values[key] = float(value)
        elif e is not None:
            reversals = [
                n for n in ions if n == "e" + next(i.name for i in found.ions if n in i.reads)
            ]
            open_ones = reversals or [
                n for n, x in names.items()
                if n.startswith("e") and x.value is None and n not in self.run.values
            ]  # fmt: skip
            if len(open_ones) != 1:
                raise InputError(
                    f"{self.source.name}: e = {e} is given, and the reversal potentials that the "
                    f"file leaves open are {', '.join(open_ones) or 'none'}; give e as a mapping, "
                    'for instance e={"ena": 50.0}, or parameters={"name": value}'
                )
            values[open_ones[0]] = float(e)
        return values

    def channels(self) -> Iterator[Channel]:
        """One for each current, or for each term of a sum."""
        self.check_units()
        names = [(x, "") for x in self.found.nonspecific]
        for ion in self.found.ions:
            for written in ion.writes:
                if written != f"i{ion.name}":
                    line = self.run.lines.get(written, self.found.line)
                    self.source.refuse(line, f"sets {written}: concentrations stay what they are")
                names.append((written, ion.name))
        if not names:
            self.source.refuse(self.found.line, "has no current")
        values = self.run.currents()
        several = len(names) > 1
        for name, ion in names:
            if name not in values:
                self.source.refuse(self.found.line, f"has the current {name}, which is never set")
            line = self.run.lines[name]
            label = f"{self.found.suffix}_{ion or name}" if several else self.found.suffix
            try:
                yield from self.one(values[name], label, line)
            except InputError as error:
                if str(error).startswith(self.source.name):
                    raise
                raise self.source.error(line, str(error)) from None

    def check_units(self) -> None:
        declared = {**self.found.parameters, **self.found.assigned}
        written = {x for ion in self.found.ions for x in ion.writes} | set(self.found.nonspecific)
        for name in written & set(declared):
            unit = self.unit(declared[name])
            if unit not in MILLIAMPERES:
                self.source.refuse(
                    declared[name].line, f"has the unit {unit}; NEURON takes {name} in mA/cm2"
                )
        if "v" in declared and self.unit(declared["v"]) not in ("", "mV", "millivolt"):
            self.source.refuse(declared["v"].line, "has v in another unit than mV")

    @staticmethod
    def unit(x: Declared) -> str:
        return x.unit.replace(" ", "")

    # -- one current ------------------------------------------------------------------------------

    def one(self, current: Node, label: str, line: int) -> Iterator[Channel]:
        raw = self.opened(current)
        solved = put(raw, self.values)
        terms = (
            solved.args if solved.op == "add" and linear(self.whole(solved), "v") is None else ()
        )
        if not terms:
            self.check_conductance(raw, line)
            off = solved.value == 0.0
            if off:  # a conductance of 0 in the file: the gates are there all the same
                parts = raw.args if raw.op == "mul" else (raw,)
                left = [x for x in parts if put(x, self.values).value != 0.0]
                solved = put(mul(*left, num(1.0)), self.values)
            channel = self.channel(solved, label, line)
            yield replace(channel, g=0.0) if off else channel
            return
        for i, term in enumerate(terms):
            yield self.channel(term, f"{label}_{i + 1}", line)

    def opened(self, x: Node) -> Node:
        """With named functions that are lines, such as v - ek, written out."""
        lines = {}
        for name, value in self.run.named.items():
            found = linear(put(value, {**self.values, **self.pretended(value)}), "v")
            if found is not None:
                lines[name] = value
        return put(x, lines)

    def pretended(self, x: Node) -> dict[str, float]:
        return {name: 1.0 for name in x.free if name != "v" and name not in self.values}

    def whole(self, x: Node) -> Node:
        return put(put(x, self.run.named), self.values)

    def check_conductance(self, raw: Node, line: int) -> None:
        """A conductance in pS/um2 without the factor of its unit contradicts the file itself."""
        factors = raw.args if raw.op == "mul" else (raw,)
        number = mul(*(x for x in factors if x.value is not None), num(1.0)).value
        for x in factors:
            declared = self.found.parameters.get(str(x.data)) if x.op == "ref" else None
            unit = "" if declared is None else self.unit(declared)
            if unit in SIEMENS and number == 1.0:
                self.source.refuse(
                    line, f"takes {x.data} in {unit} without the factor {SIEMENS[unit]:g} to S/cm2"
                )

    def channel(self, current: Node, label: str, line: int) -> Channel:
        if self.given.celsius is not None:
            current = put(current, {"celsius": self.given.celsius})
        powers, functions, scale, driving = {}, [], 1.0, []
        for factor in current.args if current.op == "mul" else (current,):
            if factor.value is not None:
                scale *= factor.value
                continue
            base, p = (
                (factor.args[0], float(factor.data or 1.0)) if factor.op == "pow" else (factor, 1.0)
            )
            name = str(base.data) if base.op == "ref" else ""
            if name in self.found.states or name in self.run.named:
                if p != int(p) or p < 1:
                    raise InputError(f"has {name.rstrip('#')} to the power {p:g}; give 1, 2, 3, …")
                powers[name] = powers.get(name, 0) + int(p)
                continue
            self.check_free(factor, line)
            (functions if linear(factor, "v") is None else driving).append(factor)
        if len(driving) != 1:
            raise InputError(
                "is no conductance times (v - e)"
                if not driving
                else "has more than one factor that is linear in v"
            )
        zero, slope = linear(driving[0], "v") or (0.0, 1.0)
        g = 1e3 * scale * slope
        if g < 0.0:
            raise InputError(f"has the conductance {g:g} mS/cm2, which is negative")
        gates = [self.gate(name, p, line) for name, p in powers.items()]
        if functions:
            gates.append(self.function(f"{label}_inf", mul(*functions, num(1.0)), 1))
        return Channel(label, g=short(g), e=short(-zero / slope + 0.0), gates=tuple(gates))

    def check_free(self, x: Node, line: int) -> None:
        """Refuse what is neither a number nor a function of the voltage."""
        states = sorted(x.free & set(self.found.states))
        if states:
            raise InputError(f"has {', '.join(states)} in a sum or function, not as a factor")
        for name in sorted(x.free - {"v"}):
            if name in self.run.named:
                raise InputError(f"has {name.rstrip('#')} in a sum or function, not as a factor")
            if name == "celsius":
                raise InputError("depends on the temperature; give it, for instance celsius=37.0")
            raise InputError(self.open_name(name))

    def open_name(self, name: str) -> str:
        """Why a name has no value."""
        plain = name.split("@")[0]
        give = f'give it: parameters={{"{plain}": …}}'
        if name.endswith(AT_START):
            return f"uses {plain}, which only INITIAL computes, from the voltage at that moment"
        if name.endswith(AT_STEP):
            return f"uses {plain}, which changes at every step of the integration"
        if "@" in name:
            return f"uses {plain}, a LOCAL variable without a value"
        for ion in self.found.ions:
            if name == f"e{ion.name}":
                return (
                    f"takes {name} from the cell, not from the file; give the reversal potential, "
                    f"for instance e={'50.0' if ion.name == 'na' else '-77.0'} (mV)"
                )
            if name in ion.reads:
                return f"depends on {name} of the ion {ion.name}, not on the voltage alone; {give}"
        if name in ("t", "dt"):
            return f"depends on {'the time' if name == 't' else 'the step of the integration'}"
        if name in self.found.states:
            return f"depends on the state {name} as well"
        if name in self.found.parameters or name in self.found.constants:
            return f"uses {name}, which has no value in the file; {give}"
        if name in self.found.assigned:
            return f"uses {name}, which the file never sets; {give}"
        return f"uses {name}, which is not declared"

    # -- gates --------------------------------------------------------------------------------

    def gate(self, name: str, p: int, current_line: int) -> Gate:
        if name in self.run.named:
            return self.function(name.rstrip("#"), self.run.named[name], p)
        if name in self.run.slopes:
            slope, line = self.run.slopes[name]
        elif name in self.run.updates:
            slope, line = self.run.updates[name]
        else:
            self.source.refuse(
                self.found.states[name].line, f"declares the state {name}, which has no equation"
            )
        try:
            if name in self.run.updates and name not in self.run.slopes:
                slope = slope_of_update(slope, name)
            slope = put(slope, self.values)
            for other in sorted(slope.free - {"v", "celsius", name}):
                raise InputError(self.open_name(other))
            return gate_of(name, law_of(slope, name), p, self.given.celsius, slope)
        except InputError as error:
            if str(error).startswith(self.source.name):
                raise
            raise self.source.error(line, str(error)) from None

    def function(self, name: str, x: Node, p: int) -> Gate:
        """An instantaneous gate."""
        x = put(x, self.values)
        for other in sorted(x.free - {"v", "celsius"}):
            raise InputError(self.open_name(other))
        gate = gate_of(name, Law({"x_inf": x}), p, self.given.celsius, None)
        assert isinstance(gate.kinetics, InstantaneousKinetics)
        value = gate.kinetics.x_inf(V)
        if float(np.max(value)) > 1.0 + 1e-6:
            at = V[int(np.argmax(value))]
            raise InputError(
                f"has {name} = {np.max(value):g} at v = {at:g} mV as a factor; a gate is between "
                "0 and 1"
            )
        return gate
