"""The verb `evaluate`: how well a neuron predicts recordings, seen and unseen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from numpy.typing import ArrayLike

from . import backends
from .backends.base import Backend
from .backends.options import options_of
from .errors import RecordingError, unknown
from .evaluation import features as efeatures
from .evaluation.evaluation import Evaluation
from .evaluation.members import Member, members_of, place_among, predictions_of
from .evaluation.scores import (
    HELDOUT,
    RECORDINGS,
    TRAINING,
    Rules,
    Score,
    relative_l2,
    spike_numbers,
)
from .fitting import checks
from .neuron.neuron import Neuron
from .numerics.arrays import FloatArray
from .recordings import Recording
from .results.errors import errors
from .results.fit_result import FitResult, Prediction

__all__ = ["Evaluation", "evaluate"]

Fitted = Neuron | FitResult
_STARTS = ("best", "all")


def evaluate(
    fitted: Fitted | Sequence[Fitted],
    recordings: Recording | Iterable[Recording],
    *,
    heldout: Recording | Iterable[Recording] | float | str | Sequence[str] | None = (),
    theta: ArrayLike | None = None,
    starts: str = "best",
    gamma_window: float = 2.0,
    threshold: float = 0.0,
    dead_time: float = 1.0,
    around_spikes: tuple[float, float] = (2.0, 5.0),
    features: str | Sequence[str] = (),
    area: float | None = None,
    capacitance: float | None = None,
    backend: str | Backend = "auto",
    **options: Any,
) -> Evaluation:
    """Judge a neuron, or an ensemble, by what it says of recordings.

    Each recording is predicted from its protocol alone, beginning at the steady state at its
    first voltage; where a fit found the initial states of its training recordings, at those.

    Parameters
    ----------
    fitted : Neuron, FitResult, or a sequence of them
        Several are an ensemble, whose members are judged one by one.
    recordings : Recording or several
        Those trained on; current clamp and voltage clamp may be mixed. May be empty when
        `heldout` is not. Of a `Neuron`, which may never have been trained, any: their role is
        "recordings"; of a `FitResult`, or `theta` with `heldout`, it is "training".
    heldout : recordings, float, or names, optional
        Those never seen, as in `fit`: other recordings, or the fraction or names of some of
        `recordings`.
    theta : array (P,) or (K, P), optional
        Parameters in the place of those of a single neuron; K of them are an ensemble.
    starts : {"best", "all"}
        Of a FitResult with several starts: the best one, or all as an ensemble.
    gamma_window : float
        Spikes at most so far apart coincide, ms.
    threshold : float
        A spike is where v rises through it, mV.
    dead_time : float
        No second spike counts so soon after a spike, ms: noise crosses a threshold repeatedly.
    around_spikes : (float, float)
        So long before and after each spike of either trace, ms, no sample counts for the
        sub-threshold error; nor does one above the threshold.
    features : str or sequence of str
        Features of eFEL to compare, by name; ``"default"`` is a handful. Needs the extra
        ``features``. The stimulus lasts from the first to the last break of the protocol. The
        mask does not apply to them.
    area, capacitance : float, optional
        Of the cell, µm² or pF; give one. A neuron per area is scaled to recordings in pA or nA,
        exactly, and the other way round; without either (or an ``area`` of the neuron) such a
        mixture is refused.
    backend : str or Backend
        ``"auto"``, ``"torch"`` or ``"julia"``.
    **options
        How to solve: `SolveOptions`, one by one (``rtol=1e-5``) or as ``options=SolveOptions(…)``.

    Returns
    -------
    Evaluation
        Errors in the unit of what was observed, spikes, and the coincidence factor Γ; ``print``
        it for a table, ``.plot()`` it for a figure.

    Raises
    ------
    InputError, RecordingError, UnknownNameError
        When an argument cannot be used, or a held-out recording was trained on.
    BackendUnavailableError
        If features are asked for and eFEL is not installed.

    References
    ----------
    Γ: doi:10.1162/neco.1997.9.5.1015, doi:10.1016/j.jneumeth.2007.11.006.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> cell = ph.library.get("squid_axon")
    >>> clamps = [ph.CurrentClamp.step(a, start=2.0, stop=40.0, t_end=50.0) for a in (10.0, 15.0)]
    >>> sweeps = [ph.Recording.from_solution(s) for s in ph.simulate(cell, clamps, saveat=0.1)]
    >>> weaker = cell.with_parameters(k__g=30.0)
    >>> evaluation = ph.evaluate(weaker, sweeps[0], heldout=sweeps[1])
    >>> [(row["role"], row["spikes_measured"], row["spikes_predicted"])
    ...  for row in evaluation.rows()]
    [('recordings', 3, 3), ('held out', 3, 4)]
    """
    solved = options_of(options, None, evaluate)
    rules = Rules(gamma_window, threshold, dead_time, around_spikes)
    if starts not in _STARTS:
        raise unknown("starts", starts, _STARTS)
    members = members_of(fitted, theta, starts)
    train, held = _divided(recordings, heldout)
    _check_unseen(members, held)
    # Rows of theta are those of a fit, where recordings are held out from it.
    fits = any(member.result is not None for member in members)
    trained = fits or (bool(held) and theta is not None)
    items, role = (*train, *held), TRAINING if trained else RECORDINGS
    roles = (role,) * len(train) + (HELDOUT,) * len(held)
    names = efeatures.names_of(features)
    judged = [member.neuron for member in members]
    engine = backends.get(backend, solved, judged) if isinstance(backend, str) else backend
    predicted = predictions_of(engine, members, items, solved, area, capacitance)
    scores, predictions, labels = [], [], [m.label for m in members]
    for i, (recording, role, found) in enumerate(zip(items, roles, predicted, strict=True)):
        name = recording.name or f"recording {i}"
        scores += _scores(name, role, recording, found, labels, rules, names)
        predictions.append(Prediction.of(recording, found, role == HELDOUT, name))
    return Evaluation(tuple(scores), tuple(predictions), tuple(labels), rules)


def _scores(
    name: str,
    role: str,
    recording: Recording,
    predicted: FloatArray,
    labels: Sequence[str],
    rules: Rules,
    features: Sequence[str],
) -> list[Score]:
    """Those of every member on one recording."""
    off = errors([recording], [predicted])
    spiking = recording.observed == "v"
    known: list[dict[str, tuple[float, float]]] = [{} for _ in labels]
    if spiking and features:
        traces = [recording.data, *predicted]
        seen, *said = efeatures.values(recording, traces, features, rules.threshold)
        known = [{n: (seen[n], own[n]) for n in features} for own in said]
    keep = recording.mask
    return [
        Score(
            name,
            role,
            label,
            recording.unit,
            float(off.rmse[k, 0]),
            float(off.mae[k, 0]),
            relative_l2(recording.data[keep], predicted[k, keep]),
            **(spike_numbers(recording, predicted[k], rules) if spiking else {}),
            features=known[k],
        )
        for k, label in enumerate(labels)
    ]


def _divided(recordings: Any, heldout: Any) -> tuple[tuple[Recording, ...], tuple[Recording, ...]]:
    train, held = recordings, heldout
    if isinstance(held, Iterable) and not isinstance(held, str):
        held = tuple(held) or None
    if isinstance(train, Iterable) and not isinstance(train, (str, bytes)):
        train = tuple(train)
        if not train and held is not None:
            return (), checks.recordings_of(held, "heldout", mixed=True)  # type: ignore[arg-type]
    return checks.divide(train, held, mixed=True)  # type: ignore[arg-type]


def _check_unseen(members: Sequence[Member], held: Sequence[Recording]) -> None:
    for recording in held:
        for member in members:
            if place_among(member.result, recording) is not None:
                raise RecordingError(
                    f'heldout: recording "{recording.name}" was trained on in the fit of '
                    f'"{member.label}"; its error would say nothing'
                )
