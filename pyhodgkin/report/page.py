"""The page of a fit, from its title to the command that repeats it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..neuron.equations import equations
from ..results.learned_curves import LearnedCurves
from ..results.stored import summary_of
from ..storage.json_files import finite_or_none
from . import elements as e
from . import figures, numbers, origin

if TYPE_CHECKING:
    from ..neuron.neuron import Neuron
    from ..results.fit_result import FitResult

_CAPTIONS = {
    "kinetics": "Steady state and time constant of each learned gate.",
    "ensemble": "Learned curves of all starts: mean and band.",
    "ensemble_predictions": "What all starts say of the recordings: mean and band.",
    "loss": "Loss over the steps of training.",
    "correlations": "Correlations of the estimates of the parameters of the best start.",
}


def page(
    result: FitResult,
    published: Neuron | None = None,
    test: Sequence[Mapping[str, Any]] = (),
) -> str:
    """The whole page of `result` as HTML; the same result gives the same text.

    Parameters
    ----------
    result : FitResult
    published : Neuron, optional
        Drawn beside the learned curves.
    test : sequence of dict
        Rows of ``errors.csv`` on recordings that were only scored.
    """
    title = f"Fit of {result.neuron.name}"
    sections = [
        e.section("At a glance", "glance", numbers.facts(result)),
        numbers.errors(result, test),
        numbers.goodness(result),
        numbers.limits(result),
        _traces(result),
        _curves(result, published),
        numbers.parameters(result),
        _determined(result),
        e.section("Equations", "equations", e.code(equations(result.neuron))),
        e.section("Training", "training", *_drawn(figures.of_history(result))),
        origin.log(result),
        origin.settings(result),
        origin.recordings(result),
        origin.versions(result),
        origin.repeat(result),
    ]
    sections = [section for section in sections if section]
    return e.document(title, [_head(title, result), _links(sections), *sections, _data(result)])


def _head(title: str, result: FitResult) -> str:
    good = result.goodness is not None and result.goodness.explains and result.success
    first, *more = result.message.split("; ")
    text = "; ".join([first[:1].upper() + first[1:], *more]) + "."
    return f"<header>\n{e.heading(title).replace('h3', 'h1')}\n" + (
        e.paragraph(text, "lead" if good and not more else "lead warn") + "\n</header>"
    )


def _links(sections: Sequence[str]) -> str:
    found = [re.search(r'id="(\w+)">\n<h2>(.*?)</h2>', section) for section in sections]
    links = " ".join(f'<a href="#{m[1]}">{m[2]}</a>' for m in found if m)
    return f"<nav>{links}</nav>"


def _data(result: FitResult) -> str:
    return e.data(finite_or_none(summary_of(result)))


def _drawn(drawn: figures.Figures, captions: Mapping[str, str] = _CAPTIONS) -> list[str]:
    return [e.figure(figures.inline(draw), captions[name]) for name, draw in drawn.items()]


def _traces(result: FitResult) -> str:
    drawn = figures.of_traces(result)
    said = {name: _of_traces(name, result) for name in drawn}
    more = f"At most {figures.APART} potentials, and {figures.TOGETHER} currents, are drawn."
    more = more if len(result.predictions) > figures.APART else ""
    figs = _drawn(drawn, said)
    return e.section("Recordings and residuals", "traces", *figs, e.paragraph(more, "quiet"))


def _of_traces(name: str, result: FitResult) -> str:
    """The caption of ``fit_training_v_2``, the second potential that was trained on."""
    _, role, *more = name.split("_")
    own = [p for p in result.predictions if p.heldout == (role == "heldout")]
    if {"v", "current"} & set(more):
        own = [p for p in own if (p.unit == "mV") == ("v" in more)]
    if own[0].unit == "mV":
        own = [own[int(more[-1]) - 1 if more and more[-1].isdigit() else 0]]
    names = ", ".join(p.name for p in own[:3]) + (" …" if len(own) > 3 else "")
    return (
        f"{'Held out' if role == 'heldout' else 'Training'}: {names}. The command, what was "
        "measured and what the best start predicts, and the difference of the two."
    )


def _curves(result: FitResult, published: Neuron | None) -> str:
    start = None
    if published is None and result.start is not None:
        start = result.neuron.with_theta(result.start)
    drawn = figures.of_kinetics(result, published, start)
    if not drawn:
        return ""
    said = dict(_CAPTIONS)
    beside = f"Dashed: {published.name}." if published is not None else ""
    beside = "Dotted: where the fit began." if start is not None else beside
    if isinstance(result.curves, LearnedCurves):
        beside += " With 90 % bands; hatched where the recordings do not determine the curve."
    low, high = result.voltage_range
    said["kinetics"] += f" {beside} Shaded: {low:.4g} to {high:.4g} mV, seen in training; beyond "
    said["kinetics"] += "it no sample speaks for the curves."
    return e.section("Learned curves", "curves", *_drawn(drawn, said))


def _determined(result: FitResult) -> str:
    """What the recordings determine of what was learned."""
    known, parts = result.identifiability, []
    if known is not None:
        rows = [{k.replace("_", " "): v for k, v in row.items()} for row in known.rows()]
        for row in rows:
            row |= {n: "yes" if row[n] else "no" for n in ("determined", "at bound")}
        text = (
            f"Standard errors are the Cramér-Rao bound. Condition number {known.condition:.4g}; a "
            f"direction is determined when its standard error is below {known.tolerance:g}, of the "
            "logarithm of a conductance, or in 10 mV of a potential."
        )
        parts += [
            e.paragraph(f"{known.summary()[:1].upper()}{known.summary()[1:]}."),
            e.paragraph(text, "quiet"),
        ]
        parts.append(e.table(rows, digits=5))
        parts += _drawn(figures.of_parameters(result))
        loose = [_direction(sd, terms) for sd, terms in known.loose[:8]]
        parts += [e.heading("Directions that are not determined") if loose else ""]
        parts.append(e.listing(loose))
    return e.section("What the recordings determine", "determined", *parts, *_by_voltage(result))


def _by_voltage(result: FitResult) -> list[str]:
    """The voltages at which each learned curve is determined."""
    curves = result.curves
    if not isinstance(curves, LearnedCurves) or not len(curves):
        return []
    text = (
        "Curves of networks, by voltage. A curve is determined where its 90 % band is narrow and "
        "the recordings, not its prior, make it so; elsewhere it follows its prior. Prior of the "
        f"bands: {curves.prior}."
    )
    return [e.paragraph(text, "quiet"), e.table(curves.rows())]


def _direction(sd: float, terms: Mapping[str, float]) -> str:
    text = " ".join(f"{x:+.2f} {name}" for name, x in list(terms.items())[:8])
    return f"standard error {sd:.3g}: {text}"
