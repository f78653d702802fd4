"""Published neurons by name: `names`, `get` and `describe`.

Every model is a function of its own module, whose docstring has its equations, units, source
and resting state; `get` calls it by name and changes single parameters.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ...errors import unknown
from ...units import written
from ..neuron import Neuron
from .cortex import pospischil_fs, pospischil_ib, pospischil_lts, pospischil_rs
from .gastropod import connor_stevens
from .herg import herg_beattie, herg_beattie_markov
from .hippocampus import brette_coba_hh, traub_miles, wang_buzsaki
from .pools import pinsky_rinzel_isopotential, pospischil_lts_calcium
from .squid import hodgkinmodel_jl, squid_axon

MODELS: dict[str, Callable[..., Neuron]] = {
    model.__name__: model
    for model in (
        squid_axon,
        hodgkinmodel_jl,
        wang_buzsaki,
        pospischil_rs,
        pospischil_fs,
        pospischil_ib,
        pospischil_lts,
        traub_miles,
        brette_coba_hh,
        connor_stevens,
        herg_beattie,
        herg_beattie_markov,
        pospischil_lts_calcium,
        pinsky_rinzel_isopotential,
    )
}

# Fields of Neuron that `get` may set; everything else is a parameter of the model.
_FIELDS = ("temperature", "v_rest", "initial", "area")


def names() -> list[str]:
    """Names of the published neurons.

    Examples
    --------
    >>> "squid_axon" in names()
    True
    """
    return list(MODELS)


def get(name: str, **overrides: Any) -> Neuron:
    """The published neuron called `name`, with some of its values changed.

    Parameters
    ----------
    name : str
        One of `names`.
    **overrides
        Arguments of the model itself (``temperature=18.5``), fields of the neuron (``v_rest``,
        mV), or any of its parameters with a double underscore for the dot (``na__g=100.0``,
        ``c_m=0.5``), in its own unit: mS/cm² and µF/cm², µS and nF for `herg_beattie`.

    Raises
    ------
    UnknownNameError
        If there is no such model or parameter; the message has the nearest match.

    Examples
    --------
    >>> get("squid_axon", temperature=18.5, na__g=100.0).channel("na").g
    100.0
    """
    if name not in MODELS:
        raise unknown("model", name, MODELS)
    model = MODELS[name]
    own = {k: x for k, x in overrides.items() if k in inspect.signature(model).parameters}
    neuron = model(**own)
    rest = {k: x for k, x in overrides.items() if k not in own}
    fields = {k: rest.pop(k) for k in _FIELDS if k in rest}
    return replace(neuron, **fields).with_parameters(**rest)


def describe() -> list[dict[str, str]]:
    """One row per published neuron: name, what it is, currents, unit, states, rest, °C and DOI.

    Examples
    --------
    >>> row = describe()[0]
    >>> row["name"], row["states"], row["v_rest"]
    ('squid_axon', 'v n m h', '-65 mV')
    """
    return [_row(name, get(name)) for name in names()]


def _row(name: str, neuron: Neuron) -> dict[str, str]:
    summary = (inspect.getdoc(MODELS[name]) or "").splitlines()[0].rstrip(".")
    return {
        "name": name,
        "summary": summary,
        "currents": " ".join(f"{c.name}:{c.label}" for c in neuron.channels),
        "unit": written(neuron.current_unit),
        "states": " ".join(neuron.states),
        "v_rest": f"{neuron.v_rest:g} mV",
        "temperature": "" if neuron.temperature is None else f"{neuron.temperature:g} °C",
        "doi": neuron.doi,
    }
