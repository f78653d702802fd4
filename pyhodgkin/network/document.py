"""A network kept on disk: versioned JSON for what a person reads, safetensors for the arrays.

As a document of a neuron (`pyhodgkin.neuron.document`): no pickle, written whole or not at all, the
file of the arrays named with its SHA-256. Random connections are kept as their probability.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from .. import __version__
from ..errors import DocumentError
from ..neuron import document_files
from ..neuron.fields import Fields
from .network import SpikingNetwork
from .read import from_document as from_document
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
    data, arrays = to_document(network)
    document: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "written_by": f"pyhodgkin {__version__}",
        "network": data,
        "tensors": None,
        "metadata": metadata or {},
    }
    return document_files.write(path, document, arrays)


def load(path: str | os.PathLike[str]) -> SpikingNetwork:
    """Read a network that `save` wrote.

    Raises
    ------
    DocumentError
        If it is missing, damaged, of a newer version, or not a network; one line says which.
    """
    target, data = document_files.read(path)
    try:
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise DocumentError(f'not a network: field "format" is not "{FORMAT}"')
        fields = Fields(data, "document")
        version = fields.integer("version")
        if not 1 <= version <= VERSION:
            raise DocumentError(f"version {version}; pyhodgkin {__version__} reads {VERSION}")
        arrays = document_files.read_arrays(target, fields.optional("tensors"), "arrays")
        return from_document(fields.take("network"), arrays)
    except DocumentError as error:
        raise DocumentError(f"{target}: {error}") from None
