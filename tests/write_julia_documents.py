"""Writes the documents that the tests of the Julia package read; run it when the format changes."""

from __future__ import annotations

import sys
from pathlib import Path

from neurons import black_box_neuron, learned_neuron

import pyhodgkin as ph
from pyhodgkin import Network, NeuralKinetics, document

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


def write(folder: Path = FOLDER) -> None:
    """All documents into `folder`."""
    for name, neuron in neurons().items():
        document.save(neuron, folder / f"{name}.json")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
