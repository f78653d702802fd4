"""The verb `curve_bands`: what recordings tell of learned curves, by voltage."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ._identifiability import ACCURATE, given_noise
from .backends.base import Backend
from .backends.options import options_of
from .errors import InputError
from .fitting import checks
from .fitting.conclude import voltage_range
from .fitting.learned_curves import CurveSource, learned_names
from .fitting.prepared_recordings import PreparedRecordings
from .neuron.neuron import Neuron
from .recordings import Recording
from .recordings.denoise import levels
from .recordings.matching import neuron_of
from .recordings.temperatures import at_recordings
from .results.fit_result import FitResult
from .results.learned_curves import LearnedCurves


def curve_bands(
    fitted: Neuron | FitResult,
    recordings: Recording | Iterable[Recording],
    *,
    trainable: str | Sequence[str] = "networks",
    noise: float | Sequence[float] | None = None,
    area: float | None = None,
    capacitance: float | None = None,
    backend: str | Backend = "auto",
    **options: Any,
) -> LearnedCurves:
    """Credible bands of the curves of networks, and where `recordings` determine them.

    Parameters
    ----------
    fitted : Neuron or FitResult
        With networks of the voltage: gates, or currents without gates.
    recordings : Recording or several
        Those that it was trained on.
    trainable : str or sequence of str
        Patterns for ``neuron.layout.select``: what was trained. Numbers among them take part in
        the uncertainty, as ``["networks", "k.g"]``.
    noise : float or sequence of float, optional
        Standard deviation of white noise, as in `identifiability`. Default: of the residuals. A
        residual that is larger than the noise stated counts.
    area, capacitance : float, optional
        As in `fit`.
    backend : str or Backend
    **options
        How to solve, as in `identifiability`.

    Returns
    -------
    LearnedCurves
        ``["n.tau"].band(0.9)``, ``.support``; ``print`` it for the ranges.

    Raises
    ------
    InputError, RecordingError, UnknownNameError
        When there is no network of the voltage, or a recording cannot be predicted.

    Notes
    -----
    The Laplace approximation: Fisher's information along functions of the voltage, and a prior of
    Gaussian processes whose strength has the largest evidence. Samples whose residuals go together
    count as fewer.

    Examples
    --------
    >>> import numpy as np
    >>> import pyhodgkin as ph
    >>> cell = ph.library.get("squid_axon")
    >>> net = ph.distill(ph.Network.create((1, 16, 2)), cell.gate("n"), v=(-100.0, 60.0))
    >>> hybrid = cell.replace_gate("n", net.kinetics)
    >>> steps = [ph.VoltageClamp.step(v, 1.0, 15.0, 20.0) for v in (-60.0, -20.0, 20.0)]
    >>> traces = ph.simulate(hybrid, steps, saveat=0.1, backend="torch")
    >>> noisy = [ph.Recording.from_solution(s, noise=5.0, seed=i) for i, s in enumerate(traces)]
    >>> found = ph.curve_bands(hybrid, noisy, backend="torch")
    >>> found["n.tau"].determined[found["n.tau"].v == 20.0]
    array([ True])
    """
    neuron = fitted.neuron if isinstance(fitted, FitResult) else fitted
    if not isinstance(neuron, Neuron):
        raise InputError(f"fitted is a {type(neuron).__name__}; give a Neuron or a FitResult")
    solved = options_of(options, ACCURATE, curve_bands)
    items = checks.recordings_of(recordings)
    neuron, _ = at_recordings(neuron_of(neuron, items, area, capacitance), items)
    indices = checks.trainable_of(neuron, trainable)
    if not learned_names(neuron, indices):
        raise InputError(
            f"curve_bands: trainable = {trainable!r} holds no network of the voltage alone in "
            f'neuron "{neuron.name}"'
        )
    sizes = given_noise(noise, items)
    known = levels(items, None if sizes is None else list(sizes))
    shown = PreparedRecordings(items, known, neuron.v_rest).measured
    engine = checks.engine_of(backend, solved, neuron)
    stated = [None] * len(items) if sizes is None else list(sizes)
    voltages = voltage_range(items)
    found = CurveSource(engine, neuron, shown, indices, stated, solved, voltages)()
    if found is None:
        raise InputError(
            "curve_bands: a recording cannot be predicted with these parameters (the solve fails); "
            "fit the neuron first, or leave the recording out"
        )
    return found
