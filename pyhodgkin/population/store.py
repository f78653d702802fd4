"""A Zarr store of a run: written chunk by chunk, continued after a kill, read again.

A chunk of cells is a file of its own in every array, and last of all the array ``complete`` says
that it is whole. So a chunk that was being written when the process was killed is written again,
and nothing of it counts before.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import __version__
from ..errors import BackendUnavailableError, InputError
from ..numerics.arrays import FloatArray
from ..storage.atomic import naming
from ..storage.exchange import exchange
from ..storage.json_files import parsed
from ..storage.locks import Lock
from .block import Chunk
from .plan import Plan, same
from .spike_rows import COLUMNS, padded
from .stored import FORMAT, check_layout, layout_of, part_of, plan_of

KEY = "pyhodgkin"


class Store:
    """Results of a run in a Zarr group; the chunks may come in any order."""

    def __init__(self, plan: Plan, path: Path, group: Any) -> None:
        self.plan, self.path, self._group = plan, path, group
        self._lock: Lock | None = None
        check_layout(plan, group, path)
        self._done = set(np.flatnonzero(part_of(group, "complete", slice(None), path)).tolist())
        self.replaces: list[Path] = []

    def done(self, chunk: int) -> bool:
        """Whether a chunk is complete."""
        return chunk in self._done

    @property
    def complete(self) -> bool:
        """Whether all chunks are."""
        return len(self._done) == self.plan.n_chunks

    def write(self, chunk: int, found: Chunk) -> None:
        """Write a chunk; it counts when all of it is there."""
        own = slice(found.start, found.stop)
        try:
            for name, values in found.arrays.items():
                if name == "rheobase":
                    self._group[name][own] = values[0]
                else:
                    self._group[name][:, own] = values
            if self.plan.spikes:
                self._write_spikes(own, found)
            self._group["complete"][chunk] = 1
        except (OSError, KeyError) as error:
            if isinstance(error, OSError):
                number, text = error.errno, error.strerror or error
            else:  # the folder was moved, or its disk is not there
                number, text = errno.ENOENT, f"its array {error} is not there any more"
            kept = f"{len(self._done)} of {self.plan.n_chunks} chunks are kept in {self.path}"
            text = f"{text}: {kept}; the same call goes on from there"
            raise OSError(number, text, str(self.path)) from error
        self._done.add(chunk)

    def _write_spikes(self, own: slice, found: Chunk) -> None:
        counts = found.counts
        self._group["n_spikes"][:, own] = counts
        most = max(int(counts.max(initial=0)), 1)
        array = self._group["spike_time"]
        columns = -(-most // COLUMNS) * COLUMNS
        if columns > array.shape[2]:
            array.resize((*array.shape[:2], columns))
        array[:, own] = padded(found.times, counts, array.shape[2])

    def close(self) -> None:
        """Release the store; with all chunks there, what it replaces is removed."""
        if self.complete:
            for old in self.replaces:
                shutil.rmtree(old, ignore_errors=True)
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def array(self, name: str, start: int, stop: int) -> NDArray:
        """See `Source`."""
        self._check(start, stop)
        if name == "rheobase":
            return part_of(self._group, name, slice(start, stop), self.path)[None]
        return part_of(self._group, name, (slice(None), slice(start, stop)), self.path)

    def counts(self) -> NDArray[np.int32]:
        """See `Source`."""
        self._check(0, self.plan.n)
        return part_of(self._group, "n_spikes", slice(None), self.path)

    def spikes(self, k: int, start: int, stop: int) -> tuple[FloatArray, NDArray]:
        """See `Source`."""
        self._check(start, stop)
        counts = part_of(self._group, "n_spikes", (k, slice(start, stop)), self.path)
        most = int(counts.max(initial=0))
        own = (k, slice(start, stop), slice(0, most))
        rows = part_of(self._group, "spike_time", own, self.path)
        if most > rows.shape[1] or int(counts.min(initial=0)) < 0:
            raise InputError(f"{self.path}: its spike times are damaged")
        return rows[np.arange(most) < counts[:, None]], counts

    def _check(self, start: int, stop: int) -> None:
        """Raise unless the cells asked for are there."""
        size = self.plan.chunk_size
        missing = [c for c in range(start // size, -(-stop // size)) if c not in self._done]
        if missing:
            raise InputError(
                f"{self.path}: the run has not ended: {self.plan.n_chunks - len(self._done)} of "
                f"{self.plan.n_chunks} chunks are missing; the call that began it goes on with it"
            )


def open_store(plan: Plan, out: Any, overwrite: bool) -> Store:
    """A store to write a run to: new, or the one that holds a part of it.

    Raises
    ------
    InputError
        If there is something else, or another process writes to it.
    """
    path = Path(out)
    _zarr()
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = Lock(path)  # before anything is looked at: another process may write or replace it
    try:
        store = _opened(plan, path, overwrite)
    except BaseException:
        lock.release()
        raise
    store._lock = lock
    return store


def _opened(plan: Plan, path: Path, overwrite: bool) -> Store:
    found = _described(path)
    if found is None and path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise InputError(f"out = {path}: there is something else; give a new folder")
    if found is not None:
        if not plan.chunk:  # that of the store will do
            plan = replace(plan, chunk=int(found["chunk_size"]))
        differences = _differences(found, plan)
        if not differences:
            store = Store(plan, path, _group(path, "r+"))
            if overwrite:  # by a run that was interrupted
                store.replaces = sorted(path.parent.glob(f"{path.name}.replaced-*"))
            return store
        if not overwrite:
            raise InputError(
                f"out = {path} holds another run: {', '.join(differences)} differ"
                f"{'s' if len(differences) == 1 else ''}; give another folder, or overwrite=True"
            )
    return _created(plan, path, replaces=found is not None)


def load(path: str | os.PathLike[str]) -> Any:
    """The results in a store; see `PopulationResult.load`."""
    from .result import PopulationResult

    folder = Path(path)
    _zarr()
    found = _described(folder)
    if found is None:
        what = "there is no such folder" if not folder.exists() else "it is no run of a population"
        raise InputError(f"{folder}: {what}")
    group = _group(folder, "r")
    plan = plan_of(found, group, folder)
    return PopulationResult(plan, Store(plan, folder, group))


def _created(plan: Plan, path: Path, replaces: bool) -> Store:
    """A new store, whole before it takes its name; an old one is set aside."""
    zarr = _zarr()
    head = {"format": FORMAT, "version": __version__, **plan.described}
    temporary = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    old = path.with_name(f"{path.name}.replaced-{secrets.token_hex(4)}") if replaces else None
    try:
        with naming(path, temporary):
            group = zarr.create_group(store=str(temporary), zarr_format=3)
            for name, array in layout_of(plan).items():
                values = array.pop("values", None)
                attributes = array.pop("attributes")
                made = group.create_array(name=name, **array)
                made.attrs.update(attributes)
                if values is not None:
                    made[:] = values
            group.attrs.update({KEY: json.dumps(head), "title": repr(plan.population)})
            _put(temporary, path, old)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    store = Store(plan, path, _group(path, "r+"))
    store.replaces = [] if old is None else [old]
    return store


def _put(temporary: Path, path: Path, old: Path | None) -> None:
    """A new store takes its name; the one that has it goes to `old`, and is never without a name.

    So a kill between two steps leaves the old store where it was, or in `old`.
    """
    if old is None:
        if path.is_dir():
            path.rmdir()
        os.rename(temporary, path)
        return
    os.rename(temporary, old)
    if exchange(old, path):
        return
    os.rename(old, temporary)  # the system cannot do it in one step
    os.rename(path, old)
    try:
        os.rename(temporary, path)
    except BaseException:
        os.rename(old, path)
        raise


def _described(path: Path) -> dict[str, Any] | None:
    """The description in a store; None where there is none."""
    if not (path / "zarr.json").is_file():
        return None
    try:
        head = parsed((path / "zarr.json").read_bytes())
        found = parsed(head["attributes"][KEY])
        form = found["format"]
    except (ValueError, KeyError, TypeError):
        return None
    if form != FORMAT:
        raise InputError(
            f'{path} is of format "{form}", and this version of pyhodgkin ({__version__}) knows '
            f'"{FORMAT}": read it with the version that wrote it ({found.get("version")})'
        )
    return found


def _differences(found: dict[str, Any], plan: Plan) -> list[str]:
    """What differs between the run in a store and another."""
    mine = json.loads(json.dumps({"format": FORMAT, "version": __version__, **plan.described}))
    return same(found, mine)


def _group(path: Path, mode: str) -> Any:
    try:
        return _zarr().open_group(store=str(path), mode=mode, zarr_format=3)
    except BackendUnavailableError:
        raise
    except Exception as error:  # a damaged file shows itself in many ways
        raise InputError(f"{path} is damaged: {error or type(error).__name__}") from None


def _zarr() -> Any:
    try:
        import zarr  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise BackendUnavailableError(
            "a store needs Zarr, which is not installed: pip install pyhodgkin[population]"
        ) from error
    if int(zarr.__version__.split(".")[0]) < 3:
        raise BackendUnavailableError(
            f"a store needs Zarr 3, and {zarr.__version__} is installed: pip install 'zarr>=3'"
        )
    return zarr
