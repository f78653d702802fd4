"""A neuron kept on disk: versioned JSON for what a person reads, safetensors for the weights.

No pickle is ever read. The JSON names the file of the weights and its SHA-256 and is written
last, so that a crash leaves the old document or the new one and never a part of either.
The format is described in docs/document-format.md; the Julia engine reads the same files.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from ..errors import DocumentError, InputError
from ..numerics.arrays import FloatArray
from ..storage.atomic import atomic_write
from .fields import Fields
from .neuron import Neuron
from .serialise import from_dict, to_dict

FORMAT = "pyhodgkin neuron"
VERSION = 1
DEFAULT_NAME = "model.json"
# First bytes of what torch.save and pickle write: a zip archive, or pickle protocol 2 and later.
PICKLES = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
OTHER_ENDINGS = (".safetensors", ".pt", ".pth", ".pkl", ".pickle", ".npz", ".h5", ".jld2")

PathLike = str | os.PathLike[str]


def save(neuron: Neuron, path: PathLike, metadata: dict[str, Any] | None = None) -> Path:
    """Write `neuron` as a document; the one that was there is replaced as a whole.

    Parameters
    ----------
    neuron : Neuron
    path : str or path
        A file that ends in ``.json``, or a folder, which then holds ``model.json``. The weights
        of networks, if any, go to a ``.safetensors`` file beside it.
    metadata : dict, optional
        Anything JSON can hold, such as how the neuron was trained and on which voltages.

    Returns
    -------
    Path
        The JSON file.

    Raises
    ------
    InputError
        If `path` has the ending of another format, or `metadata` has something JSON cannot hold.

    Examples
    --------
    >>> from pyhodgkin.neuron import library
    >>> folder = getfixture("tmp_path")
    >>> save(library.get("squid_axon"), folder).name
    'model.json'
    >>> load(folder) == library.get("squid_axon")
    True
    """
    target = _json_path(Path(path))
    data, arrays = to_dict(neuron)
    document: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "written_by": f"pyhodgkin {__version__}",
        "neuron": data,
        "tensors": None,
        "metadata": metadata or {},
    }
    payload = _pack(arrays) if arrays else b""
    if arrays:
        digest = hashlib.sha256(payload).hexdigest()
        # The name has the content in it: new weights never overwrite those that are in use.
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


def load(path: PathLike) -> Neuron:
    """Read the neuron of a document.

    Parameters
    ----------
    path : str or path
        The ``.json`` file, or the folder with ``model.json`` in it.

    Raises
    ------
    DocumentError
        If it is missing, damaged, of a newer version, or not a document; one line says which.
    """
    target, document = _read(path)
    try:
        arrays = _read_tensors(target, document.optional("tensors"))
        return from_dict(document.take("neuron"), arrays)
    except DocumentError as error:
        raise DocumentError(f"{target}: {error}") from None


def load_metadata(path: PathLike) -> dict[str, Any]:
    """Read what `save` was given as `metadata`, with ``written_by`` added.

    Examples
    --------
    >>> from pyhodgkin.neuron import library
    >>> path = save(library.get("squid_axon"), getfixture("tmp_path"), {"v_seen": [-90, 40]})
    >>> load_metadata(path)["v_seen"]
    [-90, 40]
    """
    target, document = _read(path)
    metadata = document.optional("metadata") or {}
    if not isinstance(metadata, dict):
        raise DocumentError(f'{target}: field "metadata" must be an object')
    return {"written_by": document.optional("written_by"), **metadata}


def _json_path(path: Path) -> Path:
    if path.suffix == ".json":
        return path
    if path.suffix in OTHER_ENDINGS and not path.is_dir():
        raise InputError(f'path = "{path}": a document is a .json file or a folder that holds one')
    return path / DEFAULT_NAME


def _read(path: PathLike) -> tuple[Path, Fields]:
    """The file of a document, and its fields once format and version are known to be ours."""
    target = Path(path)
    if target.is_dir():
        target = target / DEFAULT_NAME
    if not target.is_file():
        raise DocumentError(f"{target}: no document there; give a .json file or its folder")
    try:
        content = target.read_bytes()
    except OSError as error:
        raise DocumentError(f"{target}: cannot be read ({error.strerror})") from None
    try:
        return target, _checked(_from_json(content))
    except DocumentError as error:
        raise DocumentError(f"{target}: {error}") from None


def _from_json(content: bytes) -> Any:
    if content.startswith(PICKLES):
        raise DocumentError(
            "a pickle or torch checkpoint, which can run code when read; "
            "documents are JSON, written by pyhodgkin.document.save"
        )
    try:
        return json.loads(content.decode("utf-8"))
    except (UnicodeDecodeError, RecursionError):
        raise DocumentError("not a document: it is not JSON text") from None
    except json.JSONDecodeError as error:
        raise DocumentError(
            f"not JSON, or cut short: {error.msg} at line {error.lineno}, column {error.colno}"
        ) from None


def _checked(data: Any) -> Fields:
    if isinstance(data, dict) and data.get("format") == "pyhodgkin network":
        raise DocumentError("a network, not a neuron: read it with SpikingNetwork.load")
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise DocumentError(f'not a document: field "format" is not "{FORMAT}"')
    fields = Fields(data, "document")
    version = fields.integer("version")
    if version < 1:
        raise DocumentError(f"version {version} does not exist; versions start at 1")
    if version > VERSION:
        by = data.get("written_by", "a newer pyhodgkin")
        raise DocumentError(
            f"version {version}, written by {by}; pyhodgkin {__version__} reads up to version "
            f"{VERSION}: update pyhodgkin"
        )
    return fields


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


def _pack(arrays: dict[str, FloatArray]) -> bytes:
    from safetensors.numpy import save as pack

    return pack({name: np.ascontiguousarray(array) for name, array in arrays.items()})


def _read_tensors(target: Path, entry: Any) -> dict[str, FloatArray]:
    """The arrays of the file that the document names, its hash checked first."""
    if entry is None:
        return {}
    fields = Fields(entry, "tensors")
    name, digest = fields.text("file"), fields.text("sha256")
    fields.finish()
    if Path(name).name != name:
        raise DocumentError(f'tensors.file = "{name}" must be a file beside the document')
    try:
        payload = target.with_name(name).read_bytes()
    except OSError as error:
        raise DocumentError(f"its weights {name} cannot be read ({error.strerror})") from None
    if hashlib.sha256(payload).hexdigest() != digest:
        raise DocumentError(f"its weights {name} are cut short or were changed: wrong SHA-256")
    return _unpack(payload, name)


def _unpack(payload: bytes, name: str) -> dict[str, FloatArray]:
    from safetensors import SafetensorError
    from safetensors.numpy import load as unpack

    try:
        arrays = unpack(payload)
    except (SafetensorError, KeyError) as error:
        raise DocumentError(f"its weights {name} are not safetensors: {error}") from None
    for key, array in arrays.items():
        if array.dtype != np.float64:
            raise DocumentError(f"its weights {name}: {key} is {array.dtype}, not float64")
    return arrays


def _in_use(tensors: Path) -> bool:
    """Whether another document of the folder, a copy for instance, names these weights."""
    return any(_tensor_file(other) == tensors for other in tensors.parent.glob("*.json"))


def _tensor_file(target: Path) -> Path | None:
    """The weights of the document that is at `target` now, if there is one."""
    try:
        entry = _read(target)[1].optional("tensors")
        name = entry["file"]
    except (DocumentError, TypeError, KeyError):
        return None
    return target.with_name(name) if Path(name).name == name else None
