"""What juliapkg keeps: a Julia and a project; and letting it install what is missing."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from ...errors import BackendUnavailableError
from .environment import option
from .requirements import PACKAGE, requirements


def is_resolved(meta: str) -> bool:
    """Whether juliapkg, which keeps a note in the file `meta`, would start without installing."""
    import juliapkg

    with contextlib.suppress(Exception), one_copy():
        return os.path.isfile(meta) and juliapkg.resolve(dry_run=True)
    return False


def install() -> None:
    """Let juliapkg resolve the project: it downloads what is missing, and tells standard error.

    Raises
    ------
    BackendUnavailableError
        When it cannot.
    """
    bounds = option("CHECK_BOUNDS")  # as juliacall hands it over, so that nothing compiles twice
    try:
        import juliapkg

        with contextlib.redirect_stdout(sys.stderr), one_copy():
            juliapkg.resolve(julia_args=None if bounds is None else [f"--check-bounds={bounds}"])
    except Exception as error:
        text = " ".join(str(error).split())[:300]
        raise BackendUnavailableError(
            f'backend = "julia": juliapkg could not install Julia or its packages ({text}); '
            'without a network name an existing Julia (docs/julia.md), or use backend="torch"'
        ) from None


@contextlib.contextmanager
def one_copy() -> Iterator[None]:
    """While juliapkg looks for juliapkg.json files: of those that bring our package, only ours.

    It looks in the folders of `sys.path`, the current one among them, and in the folders there.
    A clone of pyhodgkin in one of them would stand against the installed one, and nothing could
    be resolved. Such a folder is replaced by those in it that bring something else.
    """
    before = sys.path
    sys.path = [path for folder in before for path in _without_clones(folder)]
    try:
        yield
    finally:
        sys.path = before


def _without_clones(folder: str) -> list[str]:
    files = _files(Path(folder or os.getcwd()))
    if not any(map(_is_clone, files)):
        return [folder]
    # A file is found from its folder and from the one above.
    places = [p for f in files if not _is_clone(f) for p in (f.parent, f.parent.parent)]
    return [str(place) for place in places if not any(map(_is_clone, _files(place)))]


def _files(folder: Path) -> list[Path]:
    return [*folder.glob("juliapkg.json"), *folder.glob("*/juliapkg.json")]


def _is_clone(file: Path) -> bool:
    try:
        names = json.loads(file.read_text("utf-8")).get("packages", {})
    except (OSError, ValueError):
        return False
    return PACKAGE in names and not os.path.samefile(file, requirements().file)
