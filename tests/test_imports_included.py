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
