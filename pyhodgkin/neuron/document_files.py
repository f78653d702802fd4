"""The files of a document: JSON, and safetensors for its arrays, whatever the document is of.

The JSON names the file of the arrays and its SHA-256 and is written last, so that a crash leaves
the old document or the new one and never a part of either. No pickle is ever read.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DocumentError, InputError
from ..storage.atomic import atomic_write
from ..storage.json_files import parsed
from .fields import Fields

DEFAULT_NAME = "model.json"
# First bytes of what torch.save and pickle write: a zip archive, or pickle protocol 2 and later.
PICKLES = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
OTHER_ENDINGS = (".safetensors", ".pt", ".pth", ".pkl", ".pickle", ".npz", ".h5", ".jld2")

PathLike = str | os.PathLike[str]
Arrays = Mapping[str, NDArray]


def write(path: PathLike, document: dict[str, Any], arrays: Arrays) -> Path:
    """Write a document; its field ``tensors`` says where the arrays are. The path of the JSON.

    Raises
    ------
    InputError
        If `path` has the ending of another format, or the document something JSON cannot hold.
    """
    target = _json_path(Path(path))
    document, payload = {**document, "tensors": None}, b""
    if arrays:
        payload = _pack(arrays)
        digest = hashlib.sha256(payload).hexdigest()
        # The name has the content in it: new arrays never overwrite those that are in use.
        name = f"{target.stem}-{digest[:12]}.safetensors"
        document["tensors"] = {"file": name, "sha256": digest}
    text = _to_json(document)
    before = _tensor_file(target)
    if arrays:
        with atomic_write(target.with_name(document["tensors"]["file"])) as temporary:
            temporary.write_bytes(payload)
    with atomic_write(target) as temporary:
        temporary.write_text(text, encoding="utf-8")
    if before is not None and before.name not in text and not _in_use(before):
        before.unlink(missing_ok=True)
    return target


def read(path: PathLike) -> tuple[Path, Any]:
    """The JSON file of a document, and what is in it.

    Raises
    ------
    DocumentError
        If it is missing or no JSON.
    """
    target = Path(path)
    if target.is_dir():
        target = target / DEFAULT_NAME
    if not target.is_file():
        raise DocumentError(f"{target}: no document there; give a .json file or its folder")
    try:
        return target, _from_json(target.read_bytes())
    except OSError as error:
        raise DocumentError(f"{target}: cannot be read ({error.strerror})") from None
    except DocumentError as error:
        raise DocumentError(f"{target}: {error}") from None


def read_arrays(target: Path, entry: Any, what: str) -> dict[str, NDArray]:
    """The arrays of the file that the document names, its hash checked first.

    Parameters
    ----------
    target : Path
        The JSON file.
    entry
        Its field ``tensors``.
    what : str
        What the arrays are, for messages.
    """
    if entry is None:
        return {}
    fields = Fields(entry, "tensors")
    name, digest = fields.text("file"), fields.text("sha256")
    fields.finish()
    if not _plain_name(name):
        raise DocumentError(f'tensors.file = "{name[:60]}" must be a file beside the document')
    try:
        payload = _beside(target, name).read_bytes()
    except OSError as error:
        raise DocumentError(f"its {what} {name} cannot be read ({error.strerror})") from None
    if hashlib.sha256(payload).hexdigest() != digest:
        raise DocumentError(f"its {what} {name} are cut short or were changed: wrong SHA-256")
    from safetensors.numpy import load as unpack

    try:
        return unpack(payload)
    except Exception as error:  # types of numbers that numpy has not, among others
        raise DocumentError(f"its {what} {name} are not safetensors: {error}") from None


def _plain_name(name: str) -> bool:
    """Whether it names a file of the same folder, and nothing else."""
    return Path(name).name == name and name not in ("", ".", "..") and "\0" not in name


def _beside(target: Path, name: str) -> Path:
    """The file of that name, which may be a link only where the document is one beside it."""
    found = target.with_name(name)
    real = found.resolve()
    if real.parent not in (target.parent.resolve(), target.resolve().parent):
        raise DocumentError(f'tensors.file = "{name}" is a link to another folder ({real.parent})')
    if found.exists() and not found.is_file():
        raise DocumentError(f'tensors.file = "{name}" is no file')
    return found


def _json_path(path: Path) -> Path:
    if path.suffix == ".json":
        return path
    if path.suffix in OTHER_ENDINGS and not path.is_dir():
        raise InputError(f'path = "{path}": a document is a .json file or a folder that holds one')
    return path / DEFAULT_NAME


def _from_json(content: bytes) -> Any:
    if content.startswith(PICKLES):
        raise DocumentError(
            "a pickle or torch checkpoint, which can run code when read; "
            "documents are JSON, written by pyhodgkin.document.save"
        )
    try:
        return parsed(content)
    except UnicodeDecodeError:
        raise DocumentError("not a document: it is not JSON text") from None
    except json.JSONDecodeError as error:
        raise DocumentError(
            f"not JSON, or cut short: {error.msg} at line {error.lineno}, column {error.colno}"
        ) from None
    except ValueError as error:  # nested too deeply, or a number of thousands of digits
        raise DocumentError(f"not JSON that can be read: {str(error)[:80]}") from None


def _to_json(document: dict[str, Any]) -> str:
    try:
        text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False, default=_plain)
    except (TypeError, ValueError) as error:
        raise InputError(f"metadata: {error}") from None
    return text + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def _pack(arrays: Arrays) -> bytes:
    from safetensors.numpy import save as pack

    return pack({name: np.ascontiguousarray(array) for name, array in arrays.items()})


def _in_use(tensors: Path) -> bool:
    """Whether another document of the folder, a copy for instance, names these arrays."""
    return any(_tensor_file(other) == tensors for other in tensors.parent.glob("*.json"))


def _tensor_file(target: Path) -> Path | None:
    """The arrays of the document that is at `target` now, if there is one."""
    try:
        name = read(target)[1]["tensors"]["file"]
        return target.with_name(name) if _plain_name(name) else None
    except (DocumentError, TypeError, KeyError):
        return None
