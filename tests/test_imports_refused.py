"""NMODL files that hold no such channel, and extreme ones: refused with the line."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from nmodl_files import BELL, BODY, HEAD, V, read, written

import pyhodgkin as ph


@pytest.fixture
def mod(tmp_path):
    return partial(written, tmp_path)


REFUSED = {
    "calcium": ("slope))", "slope - cai))", "cai"),
    "no value": ("half = -30 (mV)", "half (mV)", r"line 14: .*half, which has no value"),
    "two states": ("n' = (ninf - n)/ntau", "n' = (ninf - n)/ntau*(1 + n)", "not linear in n"),
    "a sum": ("gbar*n^4", "gbar*(n + n^2)", "line 11: .* in a sum"),
    "ohmic": ("*(v - ek)", "*exp(v/30)", r"no conductance times \(v - e\)"),
    "time": ("ntau = 2", "ntau = 2 + t", "depends on the time"),
    "C": ("ntau = 2", "VERBATIM\n ntau = 1;\n ENDVERBATIM\n ntau = 2", "line 17: .*holds C"),
    "kinetic": ("DERIVATIVE states", "KINETIC states", "line 13: .*kinetic scheme"),
    "unit of i": ("ik (mA/cm2)", "ik (nA)", "nA; NEURON takes ik in mA/cm2"),
    "unit of g": ("(S/cm2)", "(pS/um2)", "without the factor"),
    "loop": ("ntau = 2", "ntau = f(u)\n}\nFUNCTION f(x) { f = f(x) ", "within itself"),
    "pole": ("ntau = 2", "ntau = 1/(u + 40) + 2", "divides by"),
    "negative": ("ntau = 2", "ntau = -2", "tau = -"),
    "while": ("ntau = 2", "WHILE (u < 3) { u = u + 1 }\n ntau = 2", "WHILE"),
    "point": ("SUFFIX kx", "POINT_PROCESS kx", "no density mechanism"),
    "pointer": ("RANGE gbar", "RANGE gbar POINTER p", "POINTER"),
    "array": ("ninf ntau", "ninf[2] ntau", "array"),
    "syntax": ("ntau = 2 +", "ntau = 2 + + * (", r"line 17: .*has \"\*\""),
    "start only": ("DERIVATIVE states { rates(v)", "DERIVATIVE states {", "only INITIAL computes"),
    "concentration": ("READ ek WRITE ik", "READ ek WRITE ik, ki", "sets ki"),
    "negative power": ("n^4", "n^(-1)", "to the power"),
    "moved v": ("(u (mV)) {", "(u (mV)) { v = v + 10", "line 15: .*does not set it back"),
    "half moved v": ("ntau = 2", "v = v + 1\n if (v > 0) { v = v - 1 }\n ntau = 2", "set it back"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_such_channel_is_refused_with_its_line(mod, case):
    old, new, message = REFUSED[case]
    text = HEAD + BODY
    assert old in text
    with pytest.raises(ph.errors.InputError, match=message) as caught:
        read(mod, text.replace(old, new, 1))
    assert str(caught.value).startswith("kx.mod")


def test_a_reversal_potential_that_the_cell_has_is_asked_for(mod):
    with pytest.raises(ph.errors.InputError, match=r"line 11: .*takes ek from the cell"):
        ph.read_channel(mod(HEAD + BODY))


@pytest.mark.parametrize(
    "text",
    [
        HEAD + BODY.replace("ntau = 2", "ntau = " + "(" * 3000 + "2" + ")" * 3000),
        HEAD + BODY.replace("ntau = 2", "ntau = 2\n" + "ntau = ntau*ntau + ntau\n" * 60 + "x = 2"),
        HEAD + BODY.replace("ntau = 2", "ntau = 1e400"),
        HEAD + BODY.replace("ntau = 2", "ntau = 2^2^2^2^2^2^2^2"),
        "NEURON {", "}", "", "COMMENT", "VERBATIM", "\x7f", "NEURON { SUFFIX a }",
        HEAD + BODY.replace("ntau = 2", "ntau = f0(u)\n}\n" + "\n".join(
            f"FUNCTION f{i}(x) {{ f{i} = f{i + 1}(x) + f{i + 1}(x + 1) }}" for i in range(16)
        ) + "\nFUNCTION f16(x) { f16 = x } PROCEDURE p() { ntau = 2"),
    ],
)  # fmt: skip
def test_no_input_overflows(mod, text):
    with pytest.raises(ph.errors.InputError):
        read(mod, text)


def test_long_flat_expressions_are_read(mod):
    text = BODY.replace("ntau = 2", "ntau = " + "-" * 5000 + "1" + " + 1 - 1" * 3000 + " + 1")
    np.testing.assert_allclose(read(mod, HEAD + text).gates[0].kinetics.tau(V), BELL, 1e-12)


def test_large_and_binary_files_are_refused(tmp_path):
    (tmp_path / "a.mod").write_bytes(b"\0" * 100)
    with pytest.raises(ph.errors.InputError, match="no text"):
        ph.read_channel(tmp_path / "a.mod")
    (tmp_path / "b.mod").write_bytes(b" " * 2_000_000)
    with pytest.raises(ph.errors.InputError, match="limit"):
        ph.read_channel(tmp_path / "b.mod")
    with pytest.raises(ph.errors.InputError, match="cannot be read"):
        ph.read_channel(tmp_path / "c.mod")
    with pytest.raises(ph.errors.InputError, match=r"\.mod file"):
        ph.read_channel(tmp_path / "c.txt")
