"""`pyhodgkin models`: what is in the library."""

from __future__ import annotations

import argparse

from .output import say, show_table

NAME = "models"
HELP = "list the published neurons of the library"
DESCRIPTION = "List the published neurons of the library, or print the equations of some."
EXAMPLES = """\
  pyhodgkin models
  pyhodgkin models squid_axon        the equations, resting state and source of one"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="print the equations of NAME")


def run(options: argparse.Namespace) -> None:
    from .. import library

    if options.names:
        for neuron in [library.get(name) for name in options.names]:
            say(f"{neuron}\n")
        return
    neurons = [(name, library.get(name)) for name in library.names()]
    show_table(
        [
            {
                "name": name,
                "states": " ".join(neuron.states),
                "rest (mV)": f"{neuron.v_rest:.4g}",
                "DOI": neuron.doi,
            }
            for name, neuron in neurons
        ]
    )
