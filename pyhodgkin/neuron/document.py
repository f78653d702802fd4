"""A neuron kept on disk: versioned JSON for what a person reads, safetensors for the weights.

No pickle is ever read. The JSON names the file of the weights and its SHA-256 and is written
last, so that a crash leaves the old document or the new one and never a part of either.
The format is described in docs/document-format.md; the Julia engine reads the same files.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from ..errors import DocumentError
from ..numerics.arrays import FloatArray
from . import document_files
from .fields import Fields
from .neuron import Neuron
from .serialise import from_dict, to_dict

FORMAT = "pyhodgkin neuron"
VERSION = 1

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
    data, arrays = to_dict(neuron)
    document: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "written_by": f"pyhodgkin {__version__}",
        "neuron": data,
        "tensors": None,
        "metadata": metadata or {},
    }
    return document_files.write(path, document, arrays)


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
        arrays = _read_weights(target, document.optional("tensors"))
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


def _read(path: PathLike) -> tuple[Path, Fields]:
    """The file of a document, and its fields once format and version are known to be ours."""
    target, data = document_files.read(path)
    try:
        return target, _checked(data)
    except DocumentError as error:
        raise DocumentError(f"{target}: {error}") from None


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


def _read_weights(target: Path, entry: Any) -> dict[str, FloatArray]:
    arrays = document_files.read_arrays(target, entry, "weights")
    for key, array in arrays.items():
        if array.dtype != np.float64:
            raise DocumentError(f"its weights {entry['file']}: {key} is {array.dtype}, not float64")
    return arrays
