"""What `evaluate` returns."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError, unknown
from ..storage.json_files import finite_or_none
from .scores import RECORDINGS, ROLES, TRAINING, Rules, Score
from .table import text_of
from .view import html_of

if TYPE_CHECKING:
    from ..results.fit_result import Prediction

_ERRORS = ("rmse", "mae", "relative_l2")


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """Scores of one model, or of an ensemble of K members, on recordings.

    Parameters
    ----------
    scores : tuple of Score
        For each recording, training ones first, those of each member.
    predictions : tuple of Prediction
        For each recording what each member says of it, (K, T).
    members : tuple of str (K,)
    rules : Rules
        What counts as a spike, and which spikes coincide.

    Notes
    -----
    A number that is not defined is NaN, and None in `to_dict`: the spike-time error where no
    spikes match, Γ where the window is too wide for the predicted rate, all numbers of spikes
    under voltage clamp, and the errors of a solve that failed. Where neither trace has a spike,
    Γ is 1.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> cell = ph.library.get("squid_axon")
    >>> clamp = ph.CurrentClamp.step(10.0, start=2.0, stop=20.0, t_end=25.0)
    >>> trace = ph.Recording.from_solution(ph.simulate(cell, clamp, saveat=0.1), name="step")
    >>> evaluation = ph.evaluate(cell, trace)
    >>> evaluation.rows()[0]["spikes_predicted"], evaluation.mean()["gamma"]
    (2, 1.0)
    """

    scores: tuple[Score, ...]
    predictions: tuple[Prediction, ...]
    members: tuple[str, ...]
    rules: Rules

    def __len__(self) -> int:
        return len(self.predictions)

    @property
    def groups(self) -> tuple[tuple[str, str], ...]:
        """The roles and units that there are, for instance ``("held out", "mV")``."""
        return tuple(dict.fromkeys((s.role, s.unit) for s in self.scores))

    def select(
        self, role: str | None = None, member: str | int | None = None, unit: str | None = None
    ) -> tuple[Score, ...]:
        """The scores of one role (see `Score`), member, unit, or of all.

        ``"training"`` also selects the ``"recordings"`` of a neuron: those not held out.
        """
        if role not in (None, *ROLES):
            raise unknown("role", role, ROLES)
        if role == TRAINING and any(s.role == RECORDINGS for s in self.scores):
            role = RECORDINGS
        if isinstance(member, (int, np.integer)):
            if not 0 <= member < len(self.members):
                raise InputError(f"member = {member}: there are {len(self.members)}, from 0")
            member = self.members[member]
        if member is not None and member not in self.members:
            raise unknown("member", member, self.members)
        wanted = (("role", role), ("member", member), ("unit", unit))
        return tuple(
            s for s in self.scores if all(x in (None, getattr(s, name)) for name, x in wanted)
        )

    def rows(self) -> list[dict[str, Any]]:
        """One flat dict for each recording and member; see `Score` for the names and units."""
        return [score.row() for score in self.scores]

    def mean(
        self, role: str | None = None, member: str | int | None = None, unit: str | None = None
    ) -> dict[str, float]:
        """Averages over the scores that `select` gives, which must be of one unit.

        Γ is averaged over the recordings in which either trace has a spike, so that silence
        does not raise it (1 when all are silent); the errors of spike times over those that
        have matched spikes; ``spike_count_error`` is the mean absolute difference of the
        counts, ``count_right`` the fraction in which they are equal, and ``NAME_error`` the mean
        absolute error of a feature. One failed solve makes the errors NaN.

        Raises
        ------
        InputError
            If there is no such score, or the scores have several units.
        """
        scores = self.select(role, member, unit)
        if not scores:
            raise InputError(f"no scores of role {role}, unit {unit}; there are {self.groups}")
        units = sorted({s.unit for s in scores})
        if len(units) > 1:
            raise InputError(f"the scores are in {' and '.join(units)}: give unit= for the mean")
        return mean_of(scores)

    def table(self) -> list[dict[str, Any]]:
        """A row for each recording, averaged over the members, and means of each group."""
        rows = []
        for role, unit in self.groups:
            scores = self.select(role, unit=unit)
            k = len(self.members)
            each = [scores[i : i + k] for i in range(0, len(scores), k)]
            lines = [(own[0].recording, own) for own in each]
            if len(each) > 1:
                lines.append((f"mean of {len(each)}", scores))
            if k > 1:
                own = [self.select(role, name, unit) for name in self.members]
                lines += [(f"  {n}", s) for n, s in zip(self.members, own, strict=True)]
            rows += [_line(name, role, unit, scores) for name, scores in lines]
        return rows

    def __str__(self) -> str:
        return text_of(self.table(), self.rules)

    def __repr__(self) -> str:
        counts = Counter(
            role for role, _ in dict.fromkeys((s.role, s.recording) for s in self.scores)
        )
        listed = " and ".join(f"{n} {role}" for role, n in counts.items())
        what = "" if RECORDINGS in counts else " recordings"
        return f"Evaluation({', '.join(self.members)}; {listed}{what})"

    _repr_html_ = html_of

    def to_dict(self) -> dict[str, Any]:
        """Rules, members, rows and means, safe for JSON: NaN is None."""
        means = [
            {"role": role, "unit": unit, "member": name, **self.mean(role, name, unit)}
            for role, unit in self.groups
            for name in self.members
        ]
        return {
            "format": "pyhodgkin evaluation",
            "version": 1,
            "rules": {**asdict(self.rules), "around_spikes": list(self.rules.around_spikes)},
            "members": list(self.members),
            "rows": finite_or_none(self.rows()),
            "features": [finite_or_none(score.features) for score in self.scores],
            "means": finite_or_none(means),
        }

    def plot(self, **options: Any) -> Any:
        """Measured over predicted, with the numbers; see `pyhodgkin.plot.evaluation`."""
        from .. import plot

        return plot.evaluation(self, **options)


def mean_of(scores: Sequence[Score]) -> dict[str, float]:
    """Averages of scores of one unit; see `Evaluation.mean`."""
    out = {"recordings": float(len({(s.role, s.recording) for s in scores}))}
    out |= {name: float(np.mean([getattr(s, name) for s in scores])) for name in _ERRORS}
    quiet = _mean([s.subthreshold_rmse for s in scores])
    out["subthreshold_rmse"] = math.nan if math.isnan(out["rmse"]) else quiet
    out |= {n: _mean([getattr(s, n) for s in scores]) for n in _SPIKE_ERRORS}
    counts = [
        (s.spikes_measured, s.spikes_predicted)
        for s in scores
        if s.spikes_measured is not None and s.spikes_predicted is not None
    ]
    out["spike_count_error"] = _mean([abs(m - p) for m, p in counts])
    out["count_right"] = _mean([float(m == p) for m, p in counts])
    spiking = [s.gamma for s in scores if s.spiking] or [s.gamma for s in scores]
    out["gamma"] = float(np.mean(spiking))
    for name in dict.fromkeys(name for s in scores for name in s.features):
        pairs = [s.features[name] for s in scores if name in s.features]
        out[f"{name}_error"] = _mean([abs(p - m) for m, p in pairs])
    return out


_SPIKE_ERRORS = ("spike_error_mean", "spike_error_max")


def _mean(values: Sequence[float]) -> float:
    """Over the values that are defined; NaN when none is."""
    known = [x for x in values if not math.isnan(x)]
    return float(np.mean(known)) if known else math.nan


def _line(name: str, role: str, unit: str, scores: Sequence[Score]) -> dict[str, Any]:
    mean = mean_of(scores)
    del mean["recordings"]
    spikes = {"spikes_measured": None, "spikes_predicted": None}
    if all(s.spikes_measured is not None for s in scores):
        spikes = {n: _mean([float(getattr(s, n)) for s in scores]) for n in spikes}
    return {"recording": name, "role": role, "unit": unit, **spikes, **mean}
