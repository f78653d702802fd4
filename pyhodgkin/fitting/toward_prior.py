"""The curves of a fit moved to the mode of their posterior: where data are silent, to the prior."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..neuron.channels import NeuralCurrent
from ..neuron.kinetics import NeuralKinetics
from ..neuron.neuron import Neuron
from ..numerics.arrays import FloatArray
from .curve_information import CurveInformation, misfit
from .curve_posterior import Posterior
from .curve_priors import described, energy_rows
from .function_space import holder_of
from .initialize import regression
from .learned_curves import CurveModel, CurveSource
from .schedules.residual import is_residual
from .smooth_start import LENGTH, smooth_start
from .transforms import Transform

STEPS = 60  # of the regression of a network to its new outputs
PARTS = (1.0, 0.4, 0.1)  # of the way to the mode, tried in turn
ROUNDS = 12
ROUNDING = 1e-6
ROUGH = 0.6  # s of a curve that is searched from smooth curves too
RELAXED = (0.3, 1.0)  # s of the prior on the way from smooth curves
ENOUGH = 0.1  # of an energy: less is no gain


def toward_prior(source: CurveSource) -> tuple[CurveSource, str]:
    """The source at the mode of the posterior of its curves, and what the log says of it.

    Networks bend between voltages at which there are data, and the posterior has other modes
    there. Where its curves are rough the search begins from smooth curves too, and the mode with
    the larger evidence is taken.
    """
    model = source.model()
    if model is None:
        return source, ""
    found = [_mode(source)]
    (_, known), told = found[0], model.found
    rough = known is not None and max(known.known.deviations.values()) > ROUGH
    # On published rates a network begins at zero, which is smooth.
    if rough and not source.monotone and not any(is_residual(gate) for gate in source.neuron.gates):
        found.append(_from_smooth(source, model))
    best, known = max(found, key=lambda x: _evidence(*x, told))
    if best is source or known is None:
        return source, ""
    names = [name for c in model.curves for name in c.names]
    known = known.known
    return best.at(best.neuron, assumed=source.assumed), (
        "curves moved to the mode of their posterior, which is the prior where the recordings "
        f"are silent: Gaussian processes of correlation length {known.length:g} mV, sd "
        + ", ".join(f"{name} {known.deviations[name]:.2g}" for name in names)
        + ' (chosen by the evidence; prior="none" leaves it out)'
    )


def _from_smooth(source: CurveSource, model: CurveModel) -> tuple[CurveSource, CurveModel | None]:
    """The mode that is found from smooth curves on, when the prior is relaxed in steps."""
    source, found = source.at(smooth_start(source, model), assumed=model.found), []
    for s in RELAXED:
        source, there = _mode(source.at(source.neuron, held=(s, LENGTH)))
        found.append((_evidence(source, there, model.found), source))
    _, best = max(found, key=lambda x: x[0])
    return _mode(best.at(best.neuron, held=None))


def _mode(source: CurveSource) -> tuple[CurveSource, CurveModel | None]:
    """The source at a mode, and the model around it.

    A step is taken only where the sum of the misfit (half the squares over the noise, with the
    autocorrelation of residuals allowed for) and the energy of the prior decreases.
    """
    model = source.model()
    for _ in range(ROUNDS):
        if model is None:
            break
        moved, gain = _step(source, model)
        if moved is None:
            break
        source = source.at(moved)
        model = source.model()
        if gain < 3.0 * ENOUGH:
            break
    return source, model


def _evidence(
    source: CurveSource, model: CurveModel | None, found: CurveInformation | None
) -> float:
    """Logarithm of the evidence at a mode, with the noise of `found`."""
    if model is None or found is None:
        return -np.inf
    value = model.known.log_evidence - misfit(source.predictor(), source.neuron, found)
    return value if np.isfinite(value) else -np.inf


def _step(source: CurveSource, model: CurveModel) -> tuple[Neuron | None, float]:
    """The neuron nearer to the mode, and by how much the energy decreases; None for no gain."""
    predictor, known = source.predictor(), model.known
    here = misfit(predictor, source.neuron, model.found) + _energy(source.neuron, model, known)
    for part in PARTS:
        moved = _moved(source, model, part * known.mode)
        if source.monotone and _back(moved, model) > _back(source.neuron, model) + ROUNDING:
            continue
        there = misfit(predictor, moved, model.found) + _energy(moved, model, known)
        if np.isfinite(there) and there < here - ENOUGH:
            return moved, here - there
    return None, 0.0


def _back(neuron: Neuron, model: CurveModel) -> float:
    """How far x_inf of the gates goes against its direction, as a sum over voltages."""
    total = 0.0
    for name, holder, _, _ in model.parts:
        if isinstance(holder, NeuralKinetics):
            by = np.diff(neuron.gate(name.partition(".")[2]).kinetics.x_inf(model.v))
            total += min(float(np.maximum(by, 0.0).sum()), float(np.maximum(-by, 0.0).sum()))
    return total


def _moved(source: CurveSource, model: CurveModel, by: FloatArray) -> Neuron:
    neuron = source.neuron
    for name, holder, added, part in model.parts:
        z = ((model.v - holder.v_shift) / holder.v_scale)[:, None]
        wanted = holder.network(z) + added.functions @ by[part]
        slopes = np.broadcast_to(np.eye(wanted.shape[1]), (len(z), *(wanted.shape[1],) * 2))
        network = regression.refined(
            holder.network, z, lambda n, w=wanted, s=slopes: (n - w, s), STEPS
        )
        neuron = _with(neuron, name, replace(holder, network=network))
    own = source.scalars()
    if not len(own):
        return neuron
    transform = Transform(neuron.layout, neuron.theta, own)
    phi = transform.to_phi(neuron.theta) + by[len(by) - len(own) :]
    return neuron.with_theta(transform.to_theta(phi[None], neuron.theta[None])[0])


def _with(neuron: Neuron, name: str, holder: NeuralKinetics | NeuralCurrent) -> Neuron:
    channel, _, gate = name.partition(".")
    if isinstance(holder, NeuralCurrent):
        return neuron.replace_channel(channel, holder)
    return neuron.replace_gate(gate, holder)


def _energy(neuron: Neuron, model: CurveModel, known: Posterior) -> float:
    """Of the prior, of the curves as they are."""
    total = 0.0
    for name, _, added, _ in model.parts:
        curves = described(name, holder_of(neuron, name), model.v, added.functions)
        total += _of(curves.names, curves.values, curves.free, model.v, known)
    return total


def _of(
    names: Sequence[str],
    values: FloatArray,
    free: Sequence[FloatArray | None],
    v: FloatArray,
    known: Posterior,
) -> float:
    total = 0.0
    for name, y, columns in zip(names, values, free, strict=True):
        rows = energy_rows(v, known.length, columns)
        total += 0.5 * float(np.sum((rows @ y) ** 2)) / known.deviations[name] ** 2
    return total
