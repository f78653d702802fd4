"""Writes the documents that the tests of the Julia package read; run it when the format changes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from coupled_cells import every_part
from neurons import black_box_neuron, learned_neuron

import pyhodgkin as ph
from pyhodgkin import Network, NeuralKinetics, document
from pyhodgkin.neuron.program_numpy import NumpyFunctions
from pyhodgkin.neuron.program_values import ProgramValues

FOLDER = Path(__file__).resolve().parent.parent / "julia" / "test" / "documents"


def neurons() -> dict[str, ph.Neuron]:
    """One neuron for every kind of part, by the name of its document."""
    squid = ph.library.get("squid_axon")
    stellate = ph.library.get("connor_stevens")
    composed = stellate.gate("a").kinetics

    def n_gate(form: str, layers: tuple[int, ...], activation: str, **values) -> ph.Neuron:
        return squid.replace_gate(
            "n", NeuralKinetics(form, Network.create(layers, activation, seed=2), **values)
        )

    return {
        "squid_axon": squid,
        "connor_stevens": stellate,
        "learned": learned_neuron(),
        "black_box": black_box_neuron(),
        "free_of_voltage": n_gate("free", (1, 5, 1), "softplus"),
        "free": n_gate("free", (2, 5, 1), "silu"),
        "unbounded_tau": n_gate("steady_state", (1, 5, 6, 2), "softplus", tau_max=None),
        "one_gate": n_gate("steady_state", (1, 16, 16, 2), "tanh"),
        "residual": stellate.replace_gate(
            "a",
            NeuralKinetics("residual", Network.create((1, 4, 2), "silu", seed=2), prior=composed),
        ),
    }


def program() -> dict:
    """The tables of a neuron that is a program, its parameters, and its slopes at one state."""
    cell = every_part()
    tables, y = cell.tables, cell.initial_state(-47.0)
    y[0] = -41.0
    slopes = ProgramValues(tables).slopes(NumpyFunctions(tables, cell.theta), list(y), 3.0)
    arrays = {name: array.tolist() for name, array in tables.arrays().items()}
    arrays["initial"] = [None if np.isnan(x) else x for x in tables.initial.tolist()]
    numbers = {"name": tables.name, "states": list(tables.states), "v_rest": tables.v_rest}
    numbers |= {"c_m": tables.c_m, "size": tables.size, "box_stimulus": 0.0}
    at = {"y": y.tolist(), "u": 3.0, "slopes": [float(x) for x in slopes]}
    start = cell.initial_state(-47.0).tolist()
    return {"tables": numbers | arrays, "theta": cell.theta.tolist(), "start": start, **at}


def write(folder: Path = FOLDER) -> None:
    """All documents into `folder`, and the tables of a program beside it."""
    (folder.parent / "programs").mkdir(exist_ok=True)
    (folder.parent / "programs" / "every_part.json").write_text(json.dumps(program()) + "\n")
    for name, neuron in neurons().items():
        document.save(neuron, folder / f"{name}.json")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
