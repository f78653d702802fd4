"""Checkpoints: everything a training run knows, in one file that is whole or refused.

A file is one line with the sha256 of the rest, then safetensors: arrays, and JSON in its header.
The last two are kept, so that a damaged file costs little.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import CheckpointError
from ...neuron import document
from ...neuron.neuron import Neuron
from ...storage.atomic import atomic_write
from ...storage.json_files import parsed

_MAGIC = "pyhodgkin checkpoint"
_VERSION = 2
DOCUMENT = "model.json"  # of the best neuron so far; the finished run writes it anew
FOLDER, NAME, BEFORE = "checkpoints", "latest.ckpt", "previous.ckpt"


@dataclass(frozen=True)
class Checkpoint:
    """Arrays by name, and what JSON can hold."""

    arrays: Mapping[str, NDArray]
    meta: Mapping


def write(path: Path, checkpoint: Checkpoint) -> None:
    """Write one file, whole or not at all."""
    from safetensors.numpy import save

    arrays = {name: np.ascontiguousarray(array) for name, array in checkpoint.arrays.items()}
    # safetensors has no scalars of rank 0 in all versions, and numpy makes them 1-d here.
    payload = save(arrays, metadata={"json": json.dumps(checkpoint.meta)})
    digest = hashlib.sha256(payload).hexdigest()
    with atomic_write(path) as temporary:
        temporary.write_bytes(f"{_MAGIC} {_VERSION} {digest}\n".encode() + payload)


def read(path: Path) -> Checkpoint:
    """Read one file.

    Raises
    ------
    CheckpointError
        If it is damaged, cut short, of another version or no checkpoint.
    """
    from safetensors.numpy import load

    try:
        head, _, payload = path.read_bytes().partition(b"\n")
    except OSError as error:
        raise CheckpointError(f"checkpoint {path}: {error.strerror}") from None
    words = head.decode("ascii", "replace").split()
    if len(words) != 4 or " ".join(words[:2]) != _MAGIC:
        raise CheckpointError(f"checkpoint {path}: damaged, or not a checkpoint")
    if words[2] != str(_VERSION):
        raise CheckpointError(
            f"checkpoint {path}: version {words[2]}, this pyhodgkin reads {_VERSION}: use the "
            "pyhodgkin that wrote it, or start the run anew"
        )
    if hashlib.sha256(payload).hexdigest() != words[3]:
        raise CheckpointError(f"checkpoint {path}: damaged or cut short (sha256 does not match)")
    try:
        size = int.from_bytes(payload[:8], "little")
        meta = parsed(parsed(payload[8 : 8 + size])["__metadata__"]["json"])
        arrays = load(payload)
    except Exception as error:  # its hash is right: it was made so
        raise CheckpointError(f"checkpoint {path}: not as a run writes it: {error}") from None
    if not isinstance(meta, dict):
        raise CheckpointError(f"checkpoint {path}: not as a run writes it")
    return Checkpoint(arrays, meta)


class Store:
    """The two checkpoints of the run in a folder.

    Parameters
    ----------
    folder : Path
        Of the run; checkpoints lie in ``checkpoints/`` in it.
    digests : mapping of str to str
        What the run depends on, by name; a checkpoint of another run is refused.
    """

    def __init__(self, folder: Path, digests: Mapping[str, str]) -> None:
        self._latest, self._before = (folder / FOLDER / name for name in (NAME, BEFORE))
        self._digests, self._folder = dict(digests), folder
        self._kept: NDArray | None = None

    def save(self, checkpoint: Checkpoint) -> None:
        """Write a new checkpoint; the one before is kept beside it."""
        meta = {**checkpoint.meta, "digests": self._digests}
        if self._latest.exists():
            os.replace(self._latest, self._before)
        write(self._latest, Checkpoint(checkpoint.arrays, meta))

    def keep(self, neuron: Neuron, theta: NDArray) -> None:
        """Write the best neuron so far, of `theta` (P,), or of the mean of that of cells (C, P)."""
        theta = theta if theta.ndim == 1 else theta.mean(axis=0)
        if self._kept is None or not np.array_equal(self._kept, theta):
            metadata = {"trained": True, "unfinished": True}
            document.save(neuron.with_theta(theta), self._folder / DOCUMENT, metadata=metadata)
            self._kept = np.array(theta)

    def load(self) -> tuple[Checkpoint | None, list[str]]:
        """The newest checkpoint that is whole, or None if there is none; and what was wrong.

        Raises
        ------
        CheckpointError
            If all there are are damaged, or the run was another one.
        """
        found = [path for path in (self._latest, self._before) if path.exists()]
        warnings: list[str] = []
        for path in found:
            try:
                checkpoint = read(path)
            except CheckpointError as error:
                warnings.append(str(error))
                continue
            self._check(path, checkpoint)
            if warnings:
                warnings.append(f"using the one before, {path}")
            return checkpoint, warnings
        if found:
            raise CheckpointError("; ".join(warnings) + "; start again in another folder")
        return None, []

    def _check(self, path: Path, checkpoint: Checkpoint) -> None:
        theirs = checkpoint.meta.get("digests", {})
        names = [n for n in {**self._digests, **theirs} if theirs.get(n) != self._digests.get(n)]
        if names:
            raise CheckpointError(
                f"checkpoint {path} is of another run: different {', '.join(names)}; "
                "call fit as before, or choose another folder"
            )


def exists(folder: Path) -> bool:
    """Whether a run has left checkpoints in `folder`."""
    return any((folder / FOLDER / name).exists() for name in (NAME, BEFORE))


def part(arrays: Mapping[str, NDArray], prefix: str) -> dict[str, NDArray]:
    """What a checkpoint keeps under names that begin so, by the rest of the name."""
    return {name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)}
