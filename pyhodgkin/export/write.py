"""A neuron written as code of another simulator."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path

from ..errors import InputError, unknown
from ..neuron.neuron import Neuron
from ..storage.atomic import atomic_write
from . import brian2, jaxley, julia, neuroml, neuron_cell, nmodl, nmodl_coupled
from .mechanism import program_of
from .programs import CellProgram


def _nmodl(cell: CellProgram) -> dict[str, str]:
    files = {f"{channel.name}.mod": nmodl.mechanism(cell, channel) for channel in cell.channels}
    if cell.pool is not None:
        files[f"{nmodl_coupled.FILE}.mod"] = nmodl_coupled.pool(cell)
    return {**files, "cell.py": neuron_cell.script(cell)}


def _neuroml(cell: CellProgram) -> dict[str, str]:
    return {
        f"{cell.name}.cell.nml": neuroml.document(cell),
        f"LEMS_{cell.name}.xml": neuroml.simulation(cell),
    }


def _brian2(cell: CellProgram) -> dict[str, str]:
    return {f"{cell.name}_brian2.py": brian2.script(cell)}


def _jaxley(cell: CellProgram) -> dict[str, str]:
    return {f"{cell.name}_jaxley.py": jaxley.script(cell)}


def _julia(cell: CellProgram) -> dict[str, str]:
    return {f"{cell.name}.jl": julia.script(cell)}


# By name: the simulator, its files, and names that a gate cannot have there.
TARGETS: Mapping[str, tuple[str, Callable[[CellProgram], dict[str, str]], Collection[str]]] = {
    "nmodl": ("NEURON", _nmodl, nmodl.TAKEN),
    "brian2": ("Brian2", _brian2, brian2.TAKEN),
    "jaxley": ("Jaxley", _jaxley, jaxley.TAKEN),
    "neuroml": ("NeuroML 2", _neuroml, ("v", "t")),
    "julia": ("Julia", _julia, julia.TAKEN),
}


def write(
    neuron: Neuron, to: str, folder: str | os.PathLike[str], *, overwrite: bool = False
) -> list[Path]:
    """See `Neuron.export`.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> folder = getfixture("tmp_path")
    >>> [path.name for path in write(ph.library.get("squid_axon"), "nmodl", folder)]
    ['k.mod', 'na.mod', 'l.mod', 'cell.py']
    """
    if to not in TARGETS:
        raise unknown("simulator (to)", to, TARGETS)
    title, texts, taken = TARGETS[to]
    name = re.sub(r"\W", "_", neuron.name, flags=re.ASCII) or "cell"
    name = f"cell_{name}" if not name[0].isalpha() else name
    files = texts(program_of(replace(neuron, name=name), title, taken))
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"path = {folder} is a file: give a folder, which is made if need be")
    there = [folder / file for file in files if (folder / file).exists()]
    if there and not overwrite:
        raise InputError(f"{there[0]} is there already: give another folder, or overwrite=True")
    for file, text in files.items():
        with atomic_write(folder / file) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return [folder / file for file in files]
