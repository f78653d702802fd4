"""Messages in the words of the command line: ``--resume``, where Python says ``resume=True``.

Everything that a command prints about what is wrong goes through here: the errors of the verbs,
whose arguments are renamed to the options that were typed, and those of the operating system,
which get a sentence.
"""

from __future__ import annotations

import argparse
import difflib
import errno
import json
import re
from collections.abc import Mapping
from pathlib import Path

# Arguments of the verbs that have an option of another name.
SYNONYMS = {
    "amplitude": "--step",
    "duration": "--t-end",
    "every": "--thin",
    "gates": "--gate",
    "layers": "--hidden",
    "saveat": "--dt",
    "trainable": "--train",
}
# What there is none of by that name, and the option that asked for it.
KINDS = {
    "activation": "--activation",
    "backend": "--backend",
    "clamp": "--clamp",
    "feature of eFEL": "--features",
    "form of NeuralKinetics": "--form",
    "gate": "--gate",
    "kind of distribution": "--vary",
    "kind of loss": "--loss",
    "model": "--model",
    "parameter that varies": "--correlate",
    "solver": "--solver",
    "thing to record": "--record",
}
PARAMETER = "parameter or group"  # of the option of a command that names some
# How a message on a command begins, and the option that it came by.
SUBJECTS = {"the injected current": "--step", "the voltage command": "--clamp"}
# Advice for a Python program, and that for the command line.
ADVICE = {
    "cut it with .window or .windows": "give several, or other ones by --heldout FILE",
    "raise max_steps": "raise --max-steps",
    "loosen rtol and atol": "loosen --rtol and --atol",
    ". With throw=False the rest is returned": "",
    "; give a .json file or its folder": "",
    "; or convert the neuron first, neuron.whole_cell(…)": "",
    "stated, CurrentClamp(…, unit=…)": "stated (--current-unit)",
    'read(…, convert_current="pA")': "FILE:convert_current=pA",
    "; or CurrentClamp(…, unit=…)": "",
}
# Words of plain English: an argument only where a value follows.
_PLAIN = ("time", "current", "voltage", "start", "stop", "clamp", "model", "loss", "step", "form")

_SYSTEM = {
    errno.ENOENT: "there is no such file or folder",
    errno.EACCES: "no permission",
    errno.EPERM: "no permission",
    errno.ENOSPC: "the disk is full: free some space, or give another folder",
    errno.EDQUOT: "your quota of disk space is used up: free some, or give another folder",
    errno.EROFS: "the disk can only be read: give another folder",
    errno.EISDIR: "is a folder, not a file",
    errno.ENOTDIR: "a part of this path is a file, not a folder",
    errno.EEXIST: "is there already",
    errno.ENOTEMPTY: "is a folder that is not empty",
    errno.ENAMETOOLONG: "the name is too long",
    errno.EMFILE: "too many files are open at once",
    errno.EIO: "the disk reports an error",
    errno.EBUSY: "is in use by another program",
}


def options_of(
    parser: argparse.ArgumentParser, given: argparse.Namespace | None = None
) -> dict[str, str]:
    """The option that each argument of a verb is called by, for a command.

    The options of `SUBJECTS` are left out when the command comes from a file.

    Examples
    --------
    >>> parser = argparse.ArgumentParser()
    >>> _ = parser.add_argument("--t-end")
    >>> options_of(parser)["t_end"], options_of(parser)["saveat"]
    ('--t-end', '--dt')
    """
    known = dict(SYNONYMS)
    for action in parser._actions:
        if action.option_strings:
            known[action.dest] = action.option_strings[-1]
    if given is not None and getattr(given, "protocol", None) is not None:
        # What a protocol from a file holds was not typed as an option.
        known = {name: option for name, option in known.items() if option not in SUBJECTS.values()}
    return known


def reworded(message: str, options: Mapping[str, str]) -> str:
    """A message of a verb with the names of options in the place of those of arguments.

    Examples
    --------
    >>> options = {"saveat": "--dt", "resume": "--resume", "out": "--out"}
    >>> reworded("saveat = 0 ms: give a spacing", options)
    '--dt 0 ms: give a spacing'
    >>> reworded("out = run holds another run: give resume=True to go on with it", options)
    '--out run holds another run: give --resume to go on with it'
    """
    for name, option in options.items():
        word = rf"(?<![\w.:\"'-]){re.escape(name)}"
        message = re.sub(rf"{word}=True\b", option, message)
        message = re.sub(rf"{word} ?= ?(?=\S)", f"{option} ", message)
        message = re.sub(rf"{word}(?= \([-\d])|^{re.escape(name)}(?= \")", option, message)
        if name not in _PLAIN:
            start = rf"(^|[;:] ){re.escape(name)}(?=: | is | has | holds )"
            message = re.sub(start, rf"\1{option}", message)
    kind = re.match(r'unknown ([\w ]+?) "', message)
    option = KINDS.get(kind[1]) if kind else None
    if kind and kind[1] == PARAMETER:
        option = "--vary" if "vary" in options else "--train"
    if option in options.values():
        message = f"{option}: {message}"
    for subject, option in SUBJECTS.items():
        if message.startswith(subject) and option in options.values():
            message = f"{option}: {message}"
    for old, new in ADVICE.items():
        message = message.replace(old, new)
    missing = re.fullmatch(r"(.+?)(?: does not exist|: no document there)", message)
    return of_missing(Path(missing[1])) if missing else message


def of_missing(path: Path) -> str:
    """What to say of a file that is not there."""
    return f"{path}: there is no such file or folder; {beside(path)}"


def of_system(error: OSError) -> str:
    """What the operating system refused, in a sentence that names the file.

    Examples
    --------
    >>> of_system(OSError(errno.ENOSPC, "No space left on device", "run/trace.csv"))
    'run/trace.csv: the disk is full: free some space, or give another folder'
    """
    number = error.errno
    text = _SYSTEM.get(number if number is not None else -1, error.strerror or str(error))
    if error.filename is None:
        return f"reading or writing a file: {text}"
    # A run is written beside its folder; the user knows the folder.
    path = Path(re.sub(r"\.partial-[0-9a-f]{8}", "", str(error.filename)))
    return of_missing(path) if number == errno.ENOENT else f"{path}: {text}"


def beside(path: Path) -> str:
    """What to do about a file that is missing: the folder that is, or a name like it.

    Examples
    --------
    >>> folder = getfixture("tmp_path")
    >>> _ = (folder / "cell_1.csv").write_text("")
    >>> beside(folder / "cel_1.csv")
    'did you mean "cell_1.csv"?'
    """
    if not path.parent.is_dir():
        return f"there is no folder {path.parent} either"
    names = [other.name for other in path.parent.iterdir()]
    close = difflib.get_close_matches(path.name, names, n=1, cutoff=0.75)
    return f'did you mean "{close[0]}"?' if close else f"looked in {path.parent.resolve()}"


def of_json(path: object, error: ValueError) -> str:
    """Where a file stops being JSON."""
    if isinstance(error, json.JSONDecodeError):
        if not error.doc.strip():
            return f"{path} is empty"
        return f"{path} is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
    if isinstance(error, UnicodeDecodeError):
        return f"{path} is not text in UTF-8"
    return f"{path} is not JSON that is read: {str(error)[:80]}"
