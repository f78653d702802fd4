"""A neuron and its protocols as JSON text, weights included."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import InputError
from ..neuron.neuron import Neuron
from ..neuron.serialise import from_dict, to_dict
from ..storage.json_files import parsed


def to_plain(neuron: Neuron) -> dict[str, Any]:
    """The document of a neuron with its weights as lists; floats come back bit by bit."""
    document, tensors = to_dict(neuron)
    weights = {name: [list(x.shape), x.ravel().tolist()] for name, x in tensors.items()}
    return {"neuron": document, "tensors": weights}


def from_plain(data: Any) -> Neuron:
    """The inverse of `to_plain`.

    Examples
    --------
    >>> import json
    >>> from pyhodgkin.neuron import library
    >>> cell = library.get("wang_buzsaki")
    >>> from_plain(json.loads(json.dumps(to_plain(cell)))) == cell
    True
    """
    tensors = {
        name: np.array(values, dtype=np.float64).reshape(shape)
        for name, (shape, values) in data["tensors"].items()
    }
    return from_dict(data["neuron"], tensors)


def head_of(attrs: Any, wanted: str, where: str) -> dict[str, Any]:
    """The JSON in the attribute ``pyhodgkin``, which must be of the format `wanted`."""
    try:
        head = parsed(attrs["pyhodgkin"])
        if head["format"] != wanted:
            raise ValueError(f'it is of format "{head["format"]}"')
        return dict(head)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f'{where}: the attribute "pyhodgkin" is missing or damaged ({error}); it is written '
            "by to_xarray, and must be kept"
        ) from None
