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
    rows = library.describe()
    show_table([{"name": row["name"], "cell": row["summary"]} for row in rows], whole=("name",))
    show_table(
        [
            {
                "name": row["name"],
                "current": row["unit"],
                "°C": row["temperature"].removesuffix(" °C") or "-",
                "rest (mV)": f"{float(row['v_rest'].removesuffix(' mV')):.4g}",
            }
            for row in rows
        ],
        whole=("name", "current", "rest (mV)"),
    )
    show_table([{"name": row["name"], "DOI": row["doi"]} for row in rows], whole=("name", "DOI"))
    say("°C: that of the rates, where the model states it; pyhodgkin models NAME: the equations")
