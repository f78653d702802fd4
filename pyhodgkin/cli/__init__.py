"""The `pyhodgkin` command: a thin layer over the package's own functions.

A command writes plain files and prints a short table. What is wrong with its input is one line
on standard error and exit code 2; ``--traceback`` shows where it came from.
"""

from .app import main

__all__ = ["main"]
