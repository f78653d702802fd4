"""What v did between samples that are far apart, with a neuron's help."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from ...backends.base import Backend
from ...backends.options import options_of
from ...errors import InputError
from ...neuron.neuron import Neuron
from ...recordings import Recording
from ...recordings.denoise import refined
from ...results.errors import predict
from .. import checks


def upsample_with_model(
    neuron: Neuron,
    recordings: Recording | Iterable[Recording],
    parts: int = 4,
    *,
    backend: str | Backend = "auto",
    **options: Any,
) -> list[Recording]:
    """Recordings of v with each gap between samples divided, as a neuron says that v went on.

    Between samples 0.2 ms apart a spike moves by 80 mV, and polynomials through them are off by
    up to 5 mV: too much for a stage that learns gates from the ionic current. A neuron that was
    roughly fitted knows better. Only the difference of what was measured and what it does goes on
    by polynomials, and that is small. At the old samples v is what was measured.

    Parameters
    ----------
    neuron : Neuron
        Fitted to these recordings, if only roughly: where it is 10 mV off on the slope of a
        spike this helps, from 20 mV it does not.
    recordings : Recording or several
        Current clamp, v hardly noisy.
    parts : int
        How many samples there are for one; 2 or more.
    backend : str or Backend
    **options
        How to solve: `SolveOptions`.

    Returns
    -------
    list of Recording
        ``parts * (T - 1) + 1`` samples each. One that the neuron cannot be solved for has
        polynomials alone.

    Raises
    ------
    InputError, RecordingError
        When an argument cannot be used.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> from pyhodgkin import upsample_with_model
    >>> cell = ph.library.get("squid_axon")
    >>> step = ph.CurrentClamp.step(15.0, start=2.0, stop=None, t_end=12.0)
    >>> coarse = ph.Recording.from_solution(ph.simulate(cell, step, saveat=0.2))
    >>> true = ph.simulate(cell, step, saveat=0.05)
    >>> (fine,) = upsample_with_model(cell.with_parameters(k__g=35.8), coarse)
    >>> bool(abs(fine.v - true.v).max() < 1.0)
    True
    """
    if not isinstance(neuron, Neuron):
        raise InputError(f"neuron is a {type(neuron).__name__}; give a Neuron")
    items = checks.recordings_of(recordings)
    if items[0].observed != "v":
        raise InputError("recordings are of a current, whose command is known: give v")
    if not isinstance(parts, int) or parts < 2:
        raise InputError(f"parts = {parts!r} samples for one: give a whole number from 2")
    solved = options_of(options, None, upsample_with_model)
    engine = checks.engine_of(backend, solved, neuron)
    fine = [refined(r, parts) for r in items]
    found = predict(engine, neuron, fine, neuron.theta[None], solved)
    return [
        _joined(r, more, v[0], parts) if np.isfinite(v).all() else more
        for r, more, v in zip(items, fine, found, strict=True)
    ]


def _joined(measured: Recording, fine: Recording, v: np.ndarray, parts: int) -> Recording:
    """`v` of a neuron at the times of `fine`, and what it lacks."""
    lacks = refined(replace(measured, v=measured.data - v[::parts]), parts)
    return replace(fine, v=v + lacks.data)
