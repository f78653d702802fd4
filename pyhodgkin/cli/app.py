"""Arguments in, exit code out."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from .. import __version__
from ..backends import announce
from ..errors import PyHodgkinError, RecordingWarning
from ..storage import called
from . import demo, doctor, evaluate, export, fit, models, population, show, simulate, wording
from .parser import Parser

COMMANDS = (demo, models, simulate, population, fit, evaluate, show, export, doctor)

BAD_INPUT, INTERNAL, INTERRUPTED = 2, 1, 130

DESCRIPTION = "Simulate Hodgkin-Huxley neurons, and learn what is unknown in them from recordings."


def parser() -> Parser:
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
    top.add_argument("-v", "--verbose", action="store_true", help="say which engine, and why")
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
        sub.add_argument(
            "-v", "--verbose", action="store_true", default=argparse.SUPPRESS, help="say more"
        )
        sub.set_defaults(run=command.run, parser=sub)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line `arguments` (default: those of the process); returns the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    show = "--traceback" in given  # anywhere, since one adds it after a command that failed
    options: argparse.Namespace | None = None
    try:
        options = parsed([a for a in given if a != "--traceback"])
        announce.always(options.verbose)
        with warned(options), called.commanded(given):
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
        message, code = explained(error, options)
        complain(message)
        return code


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """The options of a command line; an option that its command does not have is told first."""
    top = parser()
    commands: dict[str, Any] = next(
        a.choices for a in top._actions if isinstance(a, argparse._SubParsersAction)
    )
    for place, argument in enumerate(arguments):
        if argument in commands:
            commands[argument].check_names(arguments[place + 1 :])
        if not argument.startswith("-"):
            break
        top.check_names([argument])
    return top.parse_args(arguments)


def explained(error: Exception, options: argparse.Namespace | None) -> tuple[str, int]:
    """One line on an error, in the words of the command line, and the exit code."""
    if isinstance(error, PyHodgkinError):
        text = str(error)
        if options is not None:
            text = wording.reworded(text, wording.options_of(options.parser, options))
        return " ".join(text.split()), BAD_INPUT
    if isinstance(error, OSError):
        return " ".join(wording.of_system(error).split()), BAD_INPUT
    if isinstance(error, MemoryError):
        return (
            "not enough memory: fewer runs, a larger --dt or a shorter --t-end need less",
            BAD_INPUT,
        )
    text = " ".join(str(error).split())
    name = type(error).__name__
    return f"{name}, a fault of pyhodgkin's: {text} (try --traceback)", INTERNAL


@contextmanager
def warned(options: argparse.Namespace) -> Iterator[None]:
    """One line for each warning about the input; those of numpy's are shown with -v."""
    names = wording.options_of(options.parser, options)

    def tell(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        text = wording.reworded(str(message), names)
        text = text if issubclass(category, RecordingWarning) else f"{category.__name__}: {text}"
        print(f"pyhodgkin: warning: {' '.join(text.split())}", file=sys.stderr, flush=True)

    with warnings.catch_warnings():
        if not options.verbose:
            warnings.simplefilter("ignore", RuntimeWarning)
        warnings.showwarning = tell
        yield


def complain(message: str) -> None:
    """One line on standard error."""
    print(f"pyhodgkin: error: {message}", file=sys.stderr)
