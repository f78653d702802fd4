"""A network kept on disk: versioned JSON for what a person reads, safetensors for the arrays.

As a document of a neuron (`pyhodgkin.neuron.document`): no pickle, written whole or not at all, the
file of the arrays named with its SHA-256. Random connections are kept as their probability.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from ..errors import DocumentError
from ..neuron import document as neuron_document
from ..neuron.fields import Fields
from ..storage.atomic import atomic_write
from .network import SpikingNetwork
from .read import from_document as from_document
from .written import Arrays
from .written import to_document as to_document

FORMAT, VERSION = "pyhodgkin network", 1


def save(
    network: SpikingNetwork, path: str | os.PathLike[str], metadata: dict | None = None
) -> Path:
    """Write a network as a document; the one that was there is replaced as a whole.

    Parameters
    ----------
    network : SpikingNetwork
    path : str or path
        A file that ends in ``.json``, or a folder, which then holds ``model.json``.
    metadata : dict, optional
        Anything JSON can hold.

    Returns
    -------
    Path
        The JSON file.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> pair = ph.SpikingNetwork({"a": (ph.library.get("squid_axon"), 2)})
    >>> load(save(pair, getfixture("tmp_path"))).groups["a"].n
    2
    """
    target = neuron_document._json_path(Path(path))
    data, arrays = to_document(network)
    before = _array_file(target)
    document: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "written_by": f"pyhodgkin {__version__}",
        "network": data,
        "tensors": None,
        "metadata": metadata or {},
    }
    if arrays:
        from safetensors.numpy import save as pack

        payload = pack({name: np.ascontiguousarray(x) for name, x in arrays.items()})
        digest = hashlib.sha256(payload).hexdigest()
        name = f"{target.stem}-{digest[:12]}.safetensors"
        document["tensors"] = {"file": name, "sha256": digest}
        text = neuron_document._to_json(document)
        with atomic_write(target.with_name(name)) as temporary:
            temporary.write_bytes(payload)
    else:
        text = neuron_document._to_json(document)
    with atomic_write(target) as temporary:
        temporary.write_text(text, encoding="utf-8")
    if before is not None and not any(
        before.name in other.read_text("utf-8", "replace") for other in target.parent.glob("*.json")
    ):
        before.unlink(missing_ok=True)
    return target


def _array_file(target: Path) -> Path | None:
    """The arrays of the document that is at `target` now, if there is one."""
    try:
        name = json.loads(target.read_bytes())["tensors"]["file"]
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return target.with_name(name) if Path(name).name == name else None


def load(path: str | os.PathLike[str]) -> SpikingNetwork:
    """Read a network that `save` wrote.

    Raises
    ------
    DocumentError
        If it is missing, damaged, of a newer version, or not a network; one line says which.
    """
    target = Path(path)
    target = target / neuron_document.DEFAULT_NAME if target.is_dir() else target
    if not target.is_file():
        raise DocumentError(f"{target}: no document there; give a .json file or its folder")
    try:
        data = neuron_document._from_json(target.read_bytes())
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise DocumentError(f'not a network: field "format" is not "{FORMAT}"')
        fields = Fields(data, "document")
        version = fields.integer("version")
        if not 1 <= version <= VERSION:
            raise DocumentError(f"version {version}; pyhodgkin {__version__} reads {VERSION}")
        arrays = _read_arrays(target, fields.optional("tensors"))
        return from_document(fields.take("network"), arrays)
    except DocumentError as error:
        raise DocumentError(f"{target}: {error}") from None
    except OSError as error:
        raise DocumentError(f"{target}: cannot be read ({error.strerror})") from None


def _read_arrays(target: Path, entry: Any) -> Arrays:
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
        raise DocumentError(f"its arrays {name} cannot be read ({error.strerror})") from None
    if hashlib.sha256(payload).hexdigest() != digest:
        raise DocumentError(f"its arrays {name} are cut short or were changed: wrong SHA-256")
    from safetensors.numpy import load as unpack

    return unpack(payload)
