"""The folder of a run: it belongs to one run, and is written whole or not at all.

A run leaves ``run.json`` in its folder: what kind of run it was, and which files are its own. A
folder that holds another run, or files of other origin, is refused. With ``overwrite=True`` the
new run is written beside the old one, and takes its place when it is complete.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from .json_files import parsed, write_json

RECORD = "run.json"
_FORMAT, _VERSION = "pyhodgkin run", 1

# Names that a run gives its files; runs of versions without run.json are known by them.
_OWN = re.compile(
    r"run\.json|model\.json|model-[0-9a-f]{12}\.safetensors|protocols\.json|checkpoints"
    r"|summary\.(csv|json)|history\.csv|errors\.csv|fit\.npz|evaluation\.(csv|json|png)"
    r"|trace(_\d+)?\.(csv|png)|(currents|gates|open_probabilities)(_\d+)?\.png"
    r"|(loss|kinetics|ensemble|ensemble_predictions|spikes)\.png"
    r"|fit_(training|heldout|test)(_\d+)?\.png"
)
# Left by file managers and editors, or by a run of ours that was killed, and worth nothing.
_IGNORED = re.compile(
    r"\.DS_Store|Thumbs\.db|desktop\.ini|\.ipynb_checkpoints|\.[\w-]+-[0-9a-f]{8}(\.\w+)?"
)
ARTICLES = {"simulation": "a simulation", "fit": "a fit", "evaluation": "an evaluation"}
ARTICLES["demo"] = "a demo"


@dataclass(frozen=True)
class Content:
    """What a folder holds.

    Parameters
    ----------
    kind : str
        ``"simulation"``, ``"fit"``, ``"evaluation"``, ``"demo"``, or nothing.
    own, foreign : tuple of str
        Names of the files of a run, and of all others.
    """

    kind: str
    own: tuple[str, ...]
    foreign: tuple[str, ...]

    @property
    def empty(self) -> bool:
        """Whether a run can be written there without a question."""
        return not self.own and not self.foreign

    @property
    def text(self) -> str:
        """What it holds, in words."""
        if not self.kind:
            return f"files that are not of a run ({_listed(self.foreign or self.own)})"
        return f"{ARTICLES[self.kind]} ({_listed(self.own)})"


def look(folder: str | os.PathLike[str], argument: str = "out") -> Content:
    """What is in `folder`; a folder that does not exist is empty.

    Examples
    --------
    >>> folder = getfixture("tmp_path")
    >>> look(folder).empty
    True
    >>> _ = (folder / "protocols.json").write_text("[]")
    >>> look(folder).kind
    'simulation'
    """
    folder = Path(folder)
    if not folder.exists():
        return Content("", (), ())
    if not folder.is_dir():
        raise InputError(f"{argument} = {folder} is a file, not a folder: give another name")
    names = sorted(p.name for p in folder.iterdir() if not _IGNORED.fullmatch(p.name))
    kind, listed = _recorded(folder / RECORD)
    own = tuple(n for n in names if (n in listed if kind else _OWN.fullmatch(n)))
    foreign = tuple(name for name in names if name not in own)
    return Content(kind or _guessed(own), own, foreign)


def record(folder: str | os.PathLike[str], kind: str = "", names: Iterable[str] = ()) -> None:
    """Write or renew ``run.json``: the kind of run, and which files belong to it.

    Parameters
    ----------
    folder : path
    kind : str, optional
        By default what the folder was before.
    names : iterable of str
        Files to add to those that run.json lists. A file that is not listed belongs to someone
        else, and is never deleted.
    """
    folder = Path(folder)
    before, listed = _recorded(folder / RECORD)
    if not before:
        listed = {p.name for p in folder.iterdir() if _OWN.fullmatch(p.name)}
    files = sorted({RECORD, "checkpoints", *listed, *names})
    data = {"format": _FORMAT, "version": _VERSION, "kind": kind or before or look(folder).kind}
    write_json(folder / RECORD, {**data, "files": files})


def check(
    folder: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    resume: bool | None = None,
    argument: str = "out",
) -> Content:
    """What is in `folder`, to which a run is to be written; nothing is made or changed.

    Parameters
    ----------
    folder : path
    overwrite : bool
        A run that is there may be replaced as a whole.
    resume : bool, optional
        Whether to go on with the fit that is there; None for a run that cannot be gone on with.
    argument : str
        What the caller calls `folder`.

    Raises
    ------
    InputError
        If it holds another run and neither `overwrite` nor `resume` is true, or files that are
        not of a run, or cannot be written to.
    """
    folder = Path(folder)
    if overwrite and resume:
        raise InputError("resume=True and overwrite=True: go on with the run, or replace it")
    content = look(folder, argument)
    _check_writable(folder, argument)
    where = f"{argument} = {folder}"
    if not content.kind and content.own + content.foreign:
        raise InputError(f"{where} holds {content.text}: move them, or give a new folder")
    if not content.kind:
        return content
    if resume and content.kind not in ("fit", "demo"):
        raise InputError(f"{where} holds {content.text}, and no fit to resume")
    if content.foreign and overwrite:
        raise InputError(
            f"{where} holds {ARTICLES[content.kind]}, and beside it files that are not of a run "
            f"({_listed(content.foreign)}): move them, or give another folder"
        )
    if not overwrite and not resume:
        fixes = ["overwrite=True to replace it whole", "or another folder"]
        if resume is not None and content.kind == "fit":
            fixes.insert(0, "resume=True to go on with it")
        fix = ", ".join(fixes)
        raise InputError(f"{where} holds another run: give {fix}; it is {content.text}")
    if overwrite and _inside(Path.cwd().resolve(), folder.resolve()):
        raise InputError(f"{where} is the folder you are in, which cannot be replaced: leave it")
    return content


def numbered(folder: str | os.PathLike[str]) -> Path:
    """`folder`, or where that holds a run, the first of ``folder-2``, ``folder-3``, … that is free.

    Examples
    --------
    >>> numbered(getfixture("tmp_path") / "demo").name
    'demo'
    """
    folder = Path(folder)
    candidate, number = folder, 2
    while look(candidate).kind:
        candidate, number = folder.with_name(f"{folder.name}-{number}"), number + 1
    return candidate


def replaced(folder: str | os.PathLike[str]) -> list[Path]:
    """Runs that were to be replaced when the process was killed, and lie beside `folder`."""
    folder = Path(folder)
    return sorted(folder.parent.glob(f"{folder.name}.replaced-*"))


def _recorded(path: Path) -> tuple[str, frozenset[str]]:
    """Kind and files by run.json; nothing where it is missing, damaged or someone else's."""
    try:
        data = parsed(path.read_bytes())
    except (OSError, ValueError):
        return "", frozenset()
    if not isinstance(data, dict) or data.get("format") != _FORMAT:
        return "", frozenset()
    kind, files = data.get("kind"), data.get("files")
    names = files if isinstance(files, list) else []
    return kind if kind in ARTICLES else "", frozenset(n for n in names if isinstance(n, str))


def _guessed(names: Iterable[str]) -> str:
    """The kind of run that files of these names are left by."""
    known = set(names)
    if known & {"summary.json", "fit.npz", "checkpoints", "history.csv"}:
        return "demo" if "spikes.png" in known else "fit"
    if known & {"protocols.json", "summary.csv"}:
        return "simulation"
    return "evaluation" if "evaluation.json" in known else ""


def _check_writable(folder: Path, argument: str) -> None:
    """Whether `folder` can be made or written to."""
    above = folder
    while not above.exists() and above != above.parent:
        above = above.parent
    if not above.is_dir():
        raise InputError(f"{argument} = {folder}: {above} is a file, not a folder")
    if not os.access(above, os.W_OK | os.X_OK):
        raise InputError(f"{argument} = {folder}: no permission to write in {above}")


def _inside(folder: Path, other: Path) -> bool:
    return folder == other or other in folder.parents


def _listed(names: Iterable[str], most: int = 4) -> str:
    shown = [name for name in names if name != RECORD]
    shown = shown or list(names)
    return ", ".join(shown[:most]) + (f" and {len(shown) - most} more" if len(shown) > most else "")
