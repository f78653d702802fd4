"""Which reader takes a file, by its ending; others can be added with `register`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from importlib import import_module
from pathlib import Path
from typing import Any

from ..errors import InputError, RecordingError, unknown
from ..recordings import Recording, RecordingSet
from ..registry import Registry
from .options import Options

Found = Recording | RecordingSet | Sequence[Recording]


@dataclass(frozen=True)
class Reader:
    """A function for files of one format, with the arguments of `read` that it takes."""

    kind: str
    function: Callable[[Path, Options], RecordingSet]
    takes: frozenset[str]
    instead: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, path: Path, options: Options) -> RecordingSet:
        """The recordings of a file; an argument that is not of its format is refused."""
        options.refuse_others(self.takes, self.instead, self.kind, str(path))
        return self.function(path, options)


def _own(kind: str) -> Callable[[], Reader]:
    """A reader of the package, whose module is imported when it is needed."""

    def load() -> Reader:
        module = import_module(f"{__package__}.{kind}")
        function = getattr(module, f"read_{kind}")
        return Reader(kind, function, frozenset(module.TAKES), module.INSTEAD)

    return load


_READERS: Registry[Callable[[], Reader]] = Registry(
    "ending of a file",
    {
        **dict.fromkeys((".csv", ".tsv", ".txt", ".dat", ".asc", ".atf"), _own("csv")),
        ".npz": _own("npz"),
        ".abf": _own("abf"),
        ".nwb": _own("nwb"),
    },
)


def register(suffix: str, function: Callable[..., Found], *, takes: Iterable[str] = ()) -> None:
    """Let `pyhodgkin.read` read files with the ending `suffix` by `function`.

    Parameters
    ----------
    suffix : str
        With its dot, for instance ``".toy"``; upper and lower case are the same. Not one of the
        formats of the package. One that was registered before is replaced.
    function : callable
        Called with the path (`pathlib.Path`) and, by keyword, those arguments that were given to
        `read`. Gives a `Recording`, a `RecordingSet` or several recordings; raises
        `RecordingError` where the file does not say what it takes.
    takes : sequence of str
        The arguments of `pyhodgkin.read` that it honours; any other that is given is refused.
        Without ``"name"`` among them `read` names the recording itself.

    Raises
    ------
    InputError, UnknownNameError

    Examples
    --------
    >>> import numpy as np, pyhodgkin as ph
    >>> def read_toy(path):
    ...     v = np.loadtxt(path)
    ...     t = 0.1 * np.arange(len(v))
    ...     return ph.Recording(t, ph.CurrentClamp.constant(0.0, t[-1]), v=v)
    >>> register(".toy", read_toy)
    >>> path = getfixture("tmp_path") / "cell.toy"
    >>> np.savetxt(path, np.full(50, -65.0))
    >>> ph.read(path)
    RecordingSet(1):
      Recording(current clamp, v in mV, 50 samples, 0 to 4.9 ms)
    >>> unregister(".toy")
    """
    if not isinstance(suffix, str) or not suffix.startswith(".") or len(suffix) < 2:
        raise InputError(f'suffix = {suffix!r}: give the ending with its dot, as in ".toy"')
    if not callable(function):
        raise InputError(f"function is a {type(function).__name__}; give a function of the path")
    known = [f.name for f in fields(Options)]
    takes = frozenset([takes] if isinstance(takes, str) else takes)
    for name in takes:
        if name not in known:
            raise unknown("argument of read", str(name), known)

    def read(path: Path, options: Options) -> RecordingSet:
        given = options.given()
        name = None if "name" in takes else given.pop("name", None)
        found = _checked(function(path, **given), path)
        return RecordingSet(found[0].renamed(name)) if name and len(found) == 1 else found

    kind = suffix.lower().removeprefix(".")
    reader = Reader(kind, read, takes | {"name"})
    _READERS.register(suffix.lower(), lambda: reader)


def unregister(suffix: str) -> None:
    """Undo `register`."""
    _READERS.remove(suffix.lower())


def suffixes() -> tuple[str, ...]:
    """The endings of the files that can be read.

    Examples
    --------
    >>> suffixes()[:2]
    ('.csv', '.tsv')
    """
    return tuple(_READERS)


def reader_of(path: Path) -> Reader:
    """The reader of a file.

    Raises
    ------
    RecordingError
        If its ending is of no known format.
    """
    suffix = path.suffix.lower()
    if suffix not in _READERS:
        raise RecordingError(
            f'{path}: the ending "{path.suffix}" is of no known format ({", ".join(_READERS)})'
        )
    return _READERS[suffix]()


def _checked(found: Any, path: Path) -> RecordingSet:
    """What a registered function gave, as a `RecordingSet`."""
    many = isinstance(found, Iterable) and not isinstance(found, str)
    items: list[Any] = list(found) if many and not isinstance(found, Recording) else [found]
    if not all(isinstance(item, Recording) for item in items):
        raise RecordingError(
            f"{path}: its reader gave a {type(found).__name__}; a reader gives recordings"
        )
    if not items:
        raise RecordingError(f"{path}: its reader found no recording in it")
    return found if isinstance(found, RecordingSet) else RecordingSet(items)
