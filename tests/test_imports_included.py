"""Files of NMODL that include others."""

from __future__ import annotations

import pytest
from test_imports_nmodl import BODY, HEAD

import pyhodgkin as ph


def read(folder, text: str):
    (folder / "kx.mod").write_text(text)
    return ph.read_channel(folder / "kx.mod", e=-77.0)


def test_included_files_are_read_in_their_place(tmp_path):
    head, parameters, rest = HEAD, *BODY.partition("}\n")[::2]
    (tmp_path / "more").mkdir()
    (tmp_path / "more/numbers.inc").write_text(': the numbers\nINCLUDE "own.inc"\n')
    (tmp_path / "more/own.inc").write_text(parameters + "}\n")
    text = f'{head}INCLUDE "more/numbers.inc"  : numbers\n: INCLUDE "none.inc"\n{rest}'
    channel, plain = read(tmp_path, text), read(tmp_path, HEAD + BODY)
    assert channel.gates[0].kinetics == plain.gates[0].kinetics and channel.g == plain.g
    (tmp_path / "more/own.inc").write_text("PARAMETER {\n    gbar[2]\n}\n")
    with pytest.raises(ph.errors.InputError, match=r'own.inc, line 2: "gbar\[2\]" declares'):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('INCLUDE "none.inc"', "is not in"),
        ('INCLUDE "../secret.inc"', "outside of the folder"),
        ('INCLUDE "/etc/hostname"', "outside of the folder"),
        ('UNITSON INCLUDE "kx.mod"', "a line of its own"),
        ("INCLUDE none", "quotation marks"),
        ('INCLUDE "kx.mod"', "th file within a file"),
    ],
)
def test_files_that_are_not_included(tmp_path, line, why):
    (tmp_path.parent / "secret.inc").write_text("PARAMETER { q = 1 }")
    with pytest.raises(ph.errors.InputError, match=why):
        read(tmp_path, f"{HEAD}{line}\n{BODY}")


ARRAYS = """DEFINE two 2
ASSIGNED { v (mV) ek (mV) ik (mA/cm2) celsius (degC) inf[two] tau[2] (ms) }
PARAMETER { gbar = 0.01 (S/cm2) }
STATE { n l }
BREAKPOINT { SOLVE states METHOD cnexp
    ik = gbar*n^4*l*(v - ek) }
INITIAL { rates(v) n = inf[0] l = inf[1] }
DERIVATIVE states { rates(v)
    n' = (inf[0] - n)/tau[0]
    l' = (inf[1] - l)/tau[1] }
FUNCTION half(i) { if (i == 0) { half = -30 } else { half = -60 } }
PROCEDURE rates(u (mV)) { LOCAL k[2]
    k[0] = 9
    k[1] = -7
    FROM i = 0 TO 1 {
        inf[i] = 1/(1 + exp(-(u - half(i))/k[i]))
        tau[i] = 2 + 3*i
    }
}
"""


def test_loops_and_arrays_are_unrolled(tmp_path):
    n, inactivation = read(tmp_path, HEAD + ARRAYS).gates
    assert n.kinetics == ph.SteadyStateKinetics(ph.rates.Sigmoid(1.0, -30.0, 9.0), 2.0)
    closing = inactivation.kinetics.x_inf
    assert float(closing(-60.0)) == 0.5 and closing == ph.rates.Sigmoid(1.0, -60.0, -7.0)
    assert float(inactivation.kinetics.tau(0.0)) == 5.0


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("inf[two]", "inf[200]", "no array of 1 to 100"),
        ("FROM i = 0 TO 1", "FROM i = 0 TO 2", r"has inf\[2\], which is not in an array"),
        ("FROM i = 0 TO 1", "FROM i = 0 TO 1e9", "turns; the limit"),
        ("FROM i = 0 TO 1", "FROM i = 0 TO u", "no whole number as the bound"),
        ("tau[i] = 2", "tau = 2", "array tau without an index"),
        ("STATE { n l }", "STATE { n l x[3] }", "an array in STATE"),
    ],
)
def test_loops_and_arrays_that_are_refused(tmp_path, old, new, why):
    with pytest.raises(ph.errors.InputError, match=why):
        read(tmp_path, HEAD + ARRAYS.replace(old, new))
