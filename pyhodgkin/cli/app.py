"""Arguments in, exit code out."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from .. import __version__
from ..errors import PyHodgkinError
from . import demo, doctor, evaluate, fit, models, show, simulate

COMMANDS = (demo, models, simulate, fit, evaluate, show, doctor)

BAD_INPUT, INTERNAL, INTERRUPTED = 2, 1, 130

DESCRIPTION = "Simulate Hodgkin-Huxley neurons, and learn what is unknown in them from recordings."


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, like those of the commands."""

    def error(self, message: str):
        complain(f"{message} (see {self.prog} --help)")
        raise SystemExit(BAD_INPUT)


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    top = Parser(
        prog="pyhodgkin",
        description=DESCRIPTION,
        epilog="Examples of a command: pyhodgkin COMMAND --help",
    )
    top.add_argument("--version", action="version", version=f"pyhodgkin {__version__}")
    top.add_argument(
        "--traceback", action="store_true", help="on an error, show where it came from"
    )
    commands = top.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        sub = commands.add_parser(
            command.NAME,
            help=command.HELP,
            description=command.DESCRIPTION,
            epilog=f"examples:\n{command.EXAMPLES}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_arguments(sub)
        sub.set_defaults(run=command.run)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line `arguments` (default: those of the process); returns the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    show = "--traceback" in given  # anywhere, since one adds it after a command that failed
    try:
        options = parser().parse_args([a for a in given if a != "--traceback"])
        code = options.run(options) or 0
        sys.stdout.flush()
        return code
    except SystemExit as stop:
        return int(stop.code or 0)
    except KeyboardInterrupt:
        complain("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone; without this, Python complains again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if show:
            raise
        expected = isinstance(error, (PyHodgkinError, OSError))
        name = "" if expected else f"{type(error).__name__}, a fault of pyhodgkin's: "
        complain(name + " ".join(str(error).split()) + ("" if expected else " (try --traceback)"))
        return BAD_INPUT if expected else INTERNAL


def complain(message: str) -> None:
    """One line on standard error."""
    print(f"pyhodgkin: error: {message}", file=sys.stderr)
