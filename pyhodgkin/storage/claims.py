"""A run that takes its folder when it is complete: written beside it, then put in its place."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .exchange import exchange
from .folders import RECORD, check, record
from .locks import locked


class Claim:
    """A folder that a run is going to write to, see `writing`.

    Parameters
    ----------
    out : path
    kind : str
        Kind of the run.
    overwrite, resume : bool
        See `check`.
    direct : bool
        Write into a new folder directly, where a long run leaves what it has so far.
    argument : str
        What the caller calls `out`.
    """

    def __init__(
        self,
        out: str | os.PathLike[str],
        kind: str,
        *,
        overwrite: bool = False,
        resume: bool | None = None,
        direct: bool = False,
        argument: str = "out",
    ) -> None:
        content = check(out, overwrite=overwrite, resume=resume, argument=argument)
        self.kind, self.out = kind, Path(out)
        self._asked = {"overwrite": overwrite, "resume": resume, "argument": argument}
        self._target = self.out.resolve()
        self._replaces = bool(content.kind) and overwrite
        self._made: list[Path] = []
        self.replaced = _beside(self._target, "replaced")
        if direct and not self._replaces:
            self.path = self._target
        elif self._target.is_dir() and not self._replaces:  # kept: it may be a mount or a link
            self.path = self._target / f".partial-{secrets.token_hex(4)}"
        else:
            self.path = _beside(self._target, "partial")

    @property
    def apart(self) -> bool:
        """Whether the run is written beside its folder until it is complete."""
        return self.path != self._target

    @contextmanager
    def alone(self) -> Iterator[None]:
        """For a block, no other process that asks for it may write to the folder.

        Raises
        ------
        InputError
            If another does, or has written to it since it was checked.
        """
        self._target.parent.mkdir(parents=True, exist_ok=True)
        with locked(self._target, str(self._asked["argument"])):
            check(self.out, **self._asked)  # type: ignore[arg-type]
            yield

    def log(self, keep: bool) -> str:
        """What becomes of the run that was there, for the log of the new one."""
        kept = f"is kept in {self.replaced}" if keep else "was replaced"
        return f"the run that was in {self.out} {kept}"

    def begin(self) -> Path:
        """Make the folder to write to."""
        missing = [p for p in (self.path, *self.path.parents) if not p.exists()]
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self.out)) from None
        self._made = missing
        return self.path

    def discard(self) -> None:
        """Remove what was begun, and the folders made for it."""
        if self.apart:
            shutil.rmtree(self.path, ignore_errors=True)
        for folder in self._made:
            try:
                folder.rmdir()
            except OSError:  # not empty, or gone already
                continue

    def finish(self, keep: bool = False) -> None:
        """Put the run in its place; with `keep`, the one that was there goes to `replaced`."""
        if not self.apart:
            record(self.path, self.kind)
            return
        record(self.path, self.kind, [path.name for path in self.path.iterdir()])
        if self.path.parent == self._target:
            _move_up(self.path)
            return
        if not self._replaces:
            if self._target.is_dir():
                self._target.rmdir()
            os.rename(self.path, self._target)
            return
        check(self._target, overwrite=True)  # nothing foreign may have come meanwhile
        if exchange(self.path, self._target):  # at no moment is the folder missing
            try:
                os.rename(self.path, self.replaced)
            except BaseException:
                exchange(self.path, self._target)
                raise
        else:
            os.rename(self._target, self.replaced)
            try:
                os.rename(self.path, self._target)
            except BaseException:
                os.rename(self.replaced, self._target)
                raise
        if not keep:
            shutil.rmtree(self.replaced, ignore_errors=True)


@contextmanager
def writing(
    out: str | os.PathLike[str], kind: str, *, overwrite: bool = False, argument: str = "out"
) -> Iterator[Path]:
    """A folder to write a run into, which becomes `out` when the block ends without an error.

    Parameters
    ----------
    out : path
        New or empty, or with a run in it that is replaced.
    kind : str
        ``"simulation"``, ``"fit"``, ``"evaluation"`` or ``"demo"``.
    overwrite : bool
        Replace the run that is there; until the new one is complete, the old one stays.
    argument : str
        What the caller calls `out`.

    Raises
    ------
    InputError
        See `check`.

    Examples
    --------
    >>> out = getfixture("tmp_path") / "run"
    >>> with writing(out, "simulation") as folder:
    ...     _ = (folder / "protocols.json").write_text("[]")
    >>> from pyhodgkin.storage.folders import look
    >>> sorted(path.name for path in out.iterdir())
    ['protocols.json', 'run.json']
    >>> look(out).kind
    'simulation'
    """
    claim = Claim(out, kind, overwrite=overwrite, argument=argument)
    try:
        yield claim.begin()
        claim.finish()
    except BaseException:
        claim.discard()
        raise


def _beside(target: Path, what: str) -> Path:
    return target.with_name(f"{target.name}.{what}-{secrets.token_hex(4)}")


def _move_up(folder: Path) -> None:
    """All files of `folder` into the one above it, the record last."""
    for path in sorted(folder.iterdir(), key=lambda p: p.name == RECORD):
        os.rename(path, folder.parent / path.name)
    folder.rmdir()
