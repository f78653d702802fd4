"""Learned curves where recordings say nothing: strength of the prior, its mode, monotone x_inf."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import pyhodgkin as ph
from pyhodgkin import CurvePenalty, Stage
from pyhodgkin.fitting.curve_information import CurveInformation
from pyhodgkin.fitting.curve_posterior import posterior
from pyhodgkin.fitting.curve_priors import Described
from pyhodgkin.fitting.penalties import PenaltyOf

SQUID = ph.library.get("squid_axon").without_channel("na").without_channel("l")
PUBLISHED = SQUID.gate("n").kinetics


def family(neuron, noise, saveat=0.3):
    steps = [ph.VoltageClamp.step(v, 4.0, 30.0, 40.0, holding=-90.0) for v in range(-80, 1, 20)]
    traces = ph.simulate(neuron, steps, saveat=saveat, backend="torch")
    return [ph.Recording.from_solution(s, noise=noise, seed=i) for i, s in enumerate(traces)]


def known(length: float, s: float, n: int = 21) -> tuple[CurveInformation, list[Described]]:
    """A curve that is drawn from a Gaussian process, and noisy samples of it, in a linear model."""
    v = np.linspace(-100.0, 100.0, n)
    u = np.abs(v[:, None] - v) / length
    # Its spectrum is 1/(1 + (kL)⁴), that of the prior.
    kernel = np.exp(-u / np.sqrt(2.0)) * (np.cos(u / np.sqrt(2.0)) + np.sin(u / np.sqrt(2.0)))
    rng = np.random.default_rng(4)
    draws = np.linalg.cholesky(kernel + 1e-9 * np.eye(n)) @ rng.normal(size=(n, 4))
    matrix, curves = np.zeros((4 * n, 4 * n)), []
    slope = np.zeros(4 * n)
    for k in range(4):
        at = slice(k * n, (k + 1) * n)
        measured = s * draws[:, k] + 0.05 * rng.normal(size=n)
        matrix[at, at], slope[at] = np.eye(n) / 0.05**2, -measured / 0.05**2
        rows = np.eye(n)[None]
        curves.append(Described((f"c{k}",), np.zeros((1, n)), rows, (None,), np.eye(n)[:, None]))
    return CurveInformation(matrix, slope, (1.0,), (1.0,)), curves


@pytest.mark.parametrize("length", [10.0, 20.0, 40.0])
def test_the_evidence_finds_the_length_and_the_size_of_curves(length):
    found, curves = known(length, 0.5)
    best = posterior(found, curves, np.linspace(-100.0, 100.0, 21), 0)
    assert best.length == length
    assert 0.3 < np.exp(np.mean(np.log(list(best.deviations.values())))) < 0.8


def test_the_search_leaves_what_a_network_bends_between_steps():
    """Two curves with the same fit at the voltages of the steps: the smooth one is taken."""
    from pyhodgkin.backends import get
    from pyhodgkin.backends.base import SolveOptions
    from pyhodgkin.fitting.learned_curves import CurveSource
    from pyhodgkin.fitting.toward_prior import toward_prior

    v = np.arange(-130.0, 71.0, 2.5)
    bent = 3.0 * np.sin(np.pi * (v + 60.0) / 20.0) * np.exp(-(((v + 40.0) / 30.0) ** 2))
    x, tau = PUBLISHED.x_inf(v), PUBLISHED.tau(v)
    odds = np.log(x) - np.log1p(-x) + bent
    net = ph.NeuralKinetics("steady_state", ph.Network.create((1, 16, 16, 2)))
    wavy = ph.distill(net, (1.0 / (1.0 + np.exp(-odds)), tau), v=v).kinetics
    recordings = family(SQUID, 1.0)
    neuron = SQUID.replace_gate("n", wavy)
    source = CurveSource(
        get("torch"), neuron, recordings, neuron.layout.select("networks"),
        [1.0] * len(recordings), SolveOptions(), (-90.0, 0.0),
    )  # fmt: skip
    after, text = toward_prior(source)
    at = (v > -80.0) & (v < 0.0)
    off = [np.abs(k.gate("n").kinetics.x_inf(v) - x)[at].max() for k in (neuron, after.neuron)]
    assert off[0] > 0.3 and off[1] < 0.08 and "evidence" in text


def test_residual_networks_return_to_the_published_rates():
    """Which no stage of the schedule makes them do, by a strength that the data choose."""
    faster = replace(PUBLISHED, alpha=replace(PUBLISHED.alpha, a=1.5 * PUBLISHED.alpha.a))
    recordings = family(SQUID.replace_gate("n", faster), 2.0)
    net = ph.Network.create((1, 8, 2), zero_last=True)
    hybrid = SQUID.replace_gate("n", ph.NeuralKinetics("residual", net, prior=PUBLISHED))
    stage = Stage("clamped", "lbfgs", 150, trainable="networks")
    with_it, without = (
        ph.fit(hybrid, recordings, trainable="networks", schedule=stage, prior=prior,
               backend="torch", progress=False)
        for prior in ("auto", "none")
    )  # fmt: skip
    z = np.array([[-20.0], [60.0]])
    kinetics = [r.neuron.gate("n").kinetics for r in (with_it, without)]
    there = [np.abs(k.network((z - k.v_shift) / k.v_scale)[1]).max() for k in kinetics]
    assert there[0] < 0.25 and there[0] < there[1]
    assert any("chosen by the evidence" in line for line in with_it.log)
    errors = [float(r.train_error.rmse.mean()) for r in (with_it, without)]
    assert errors[0] < 1.02 * errors[1]


@pytest.mark.parametrize("form", ["steady_state", "rates", "residual"])
def test_the_penalty_of_an_x_inf_that_turns_back(form):
    net = ph.Network.create((1, 6, 2), seed=2)
    more = {"prior": PUBLISHED} if form == "residual" else {}
    neuron = SQUID.replace_gate("n", ph.NeuralKinetics(form, net, **more))
    last = neuron.layout["k.n.network.weight1"].slice
    theta = neuron.theta.copy()
    theta[last] = np.random.default_rng(1).normal(0.0, 30.0, last.stop - last.start)
    of = PenaltyOf(CurvePenalty(monotone=0.7), neuron)
    (value,), (slope,) = of(theta[None])
    assert value > 0.0
    step = np.zeros(len(theta))
    step[last] = np.random.default_rng(0).normal(size=last.stop - last.start)
    (up,), (down,) = (of((theta + h * step)[None])[0] for h in (1e-6, -1e-6))
    np.testing.assert_allclose(slope @ step, (up - down) / 2e-6, rtol=1e-3)
    rows = of.rows(theta, step[:, None])
    assert rows.shape[1] == 1 and np.isfinite(rows).all()
    with pytest.raises(ph.errors.InputError, match="monotone"):
        CurvePenalty(monotone=-1.0)


def test_x_inf_is_monotone_where_asked():
    recordings = family(SQUID, 20.0)
    net = ph.NeuralKinetics("steady_state", ph.Network.create((1, 16, 16, 2), seed=4))
    unknown = SQUID.replace_gate("n", net)
    schedule = (Stage("clamped", "adamw", 60, lr=0.03), Stage("clamped", "lbfgs", 60))
    result = ph.fit(
        unknown, recordings, penalty=CurvePenalty(monotone=10.0), schedule=schedule,
        backend="torch", progress=False,
    )  # fmt: skip
    x = result.neuron.gate("n").kinetics.x_inf(np.arange(-120.0, 60.0, 1.0))
    assert min(np.maximum(np.diff(x), 0.0).sum(), np.maximum(-np.diff(x), 0.0).sum()) < 0.02
