"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary file beside `path`, which takes its place when the block ends without an error.

    The folder is made where it is missing. A reader sees the old file or the new one, never a
    part; the new one is on the disk before it takes the name.

    Raises
    ------
    OSError
        If the system refuses to write, as for a full disk; it names `path`.

    Examples
    --------
    >>> folder = getfixture("tmp_path")
    >>> with atomic_write(folder / "result.csv") as temporary:
    ...     _ = temporary.write_text("t,v\\n")
    >>> [path.name for path in folder.iterdir()]
    ['result.csv']
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # The ending stays, since some writers go by it.
    temporary = path.with_name(f".{path.stem}-{secrets.token_hex(4)}{path.suffix}")
    try:
        with naming(path, temporary):
            yield temporary
            with open(temporary, "rb+") as file:
                os.fsync(file.fileno())
            os.replace(temporary, path)
    finally:
        with suppress(OSError):  # where it cannot be removed, it is worth nothing
            temporary.unlink(missing_ok=True)


@contextmanager
def naming(path: Path, temporary: Path) -> Iterator[None]:
    """For a block, errors of the system name `path`, where they name nothing or what is temporary.

    The system does not say which file it could not write, and `temporary`, a file or folder, is
    gone when the message is read.

    Examples
    --------
    >>> with naming(Path("run/fit.npz"), Path("run/.fit-0123abcd.npz")):
    ...     raise OSError(28, "No space left on device")
    Traceback (most recent call last):
    OSError: [Errno 28] No space left on device: 'run/fit.npz'
    """
    try:
        yield
    except OSError as error:
        if error.errno is None:  # not of the system
            raise
        if error.filename is not None:
            file = Path(os.fsdecode(error.filename))
            if file != temporary and temporary not in file.parents:
                raise
        raise OSError(error.errno, error.strerror, str(path)) from None
