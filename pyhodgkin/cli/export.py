"""`pyhodgkin export`: a neuron as code of another simulator."""

from __future__ import annotations

import argparse
from pathlib import Path

from .output import say
from .simulate import model

NAME = "export"
HELP = "write a neuron for NEURON, Brian2, Jaxley, NeuroML 2 or Julia"
DESCRIPTION = """\
Write a neuron, learned or of the library, as code of another simulator: mechanisms (NMODL) with a
Python file that builds the cell, a Brian2 script, Jaxley channels, NeuroML 2 with a LEMS
simulation, or plain Julia."""
EXAMPLES = """\
  pyhodgkin export run --to nmodl --out neuron
  pyhodgkin export squid_axon --to brian2 --out brian2
  pyhodgkin export learned.json --to neuroml --out neuroml"""
SIMULATORS = ("nmodl", "brian2", "jaxley", "neuroml", "julia")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model", metavar="MODEL", help="folder of a fit, a document, or a name of the library"
    )
    parser.add_argument("--to", required=True, choices=SIMULATORS, help="which simulator")
    parser.add_argument(
        "--out", required=True, type=Path, metavar="DIR", help="folder of the files"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace files that are there")


def run(options: argparse.Namespace) -> None:
    neuron = model(options.model)
    for path in neuron.export(options.to, options.out, overwrite=options.overwrite):
        say(f"wrote {path}")
