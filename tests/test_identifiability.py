"""What recordings can tell of parameters."""

from __future__ import annotations

import numpy as np
import pytest
from fit_stub import StubBackend, neural, recording, run, squid

import pyhodgkin as ph
from pyhodgkin import Stage
from pyhodgkin.errors import InputError, UnknownNameError
from pyhodgkin.results.identifiability import Identifiability


def trace(amplitude, t_end=15.0, noise=0.0, seed=0):
    clamp = ph.CurrentClamp.step(amplitude, start=2.0, stop=None, t_end=t_end)
    solution = ph.simulate(squid(), clamp, saveat=0.1, backend="torch")
    return ph.Recording.from_solution(solution, noise=noise, seed=seed)


def judged(amplitude=10.0, **changes):
    arguments = {"trainable": "physical", "noise": 0.5, "backend": "torch", **changes}
    return ph.identifiability(squid(), trace(amplitude), **arguments)


def test_a_spike_determines_what_rest_does_not():
    spike, rest = judged(10.0), judged(0.5)
    assert "na.e" in rest.undetermined and "na.e" not in spike.undetermined
    assert np.all(spike.standard_errors < rest.standard_errors)
    assert ("na.g", "na.e") in [pair[:2] for pair in rest.correlated()]
    _, worst = rest.loose[0]
    assert next(iter(worst)) == "na.e"
    assert "not determined" in rest.table() and "na.e" in str(rest)


def test_eigenvalues_and_covariance_belong_to_the_information():
    found = judged()
    back = (found.eigenvectors * found.eigenvalues) @ found.eigenvectors.T
    np.testing.assert_allclose(back, found.information, rtol=1e-6, atol=1e-6 * back.max())
    product = found.information @ found.covariance
    np.testing.assert_allclose(product, np.eye(len(found.names)), atol=1e-4)
    np.testing.assert_array_equal(np.diagonal(found.correlations).round(12), 1.0)


def test_twice_the_noise_is_twice_the_error():
    one, two = judged(noise=0.5), judged(noise=1.0)
    # The first sample, where the simulation starts, is a little less noisy than it was measured.
    np.testing.assert_allclose(two.standard_errors, 2.0 * one.standard_errors, rtol=0.2)


def test_a_product_is_named_and_its_factors_are_lost():
    cell = squid()
    doubled = cell.with_channel(ph.Channel("l2", 0.1, -54.387))
    found = ph.identifiability(
        doubled, trace(10.0), trainable=["l.g", "l2.g"], noise=0.5, backend="torch"
    )
    assert set(found.undetermined) == {"l.g", "l2.g"}
    assert np.isinf(found.standard_errors).all() or found.condition > 1e6


def test_standard_errors_are_those_of_repeated_fits():
    """The estimates of a stub engine scatter as said."""
    cell, data, rng = squid(), recording(), np.random.default_rng(0)
    v = StubBackend().predict(cell, [data], cell.theta[None], mode="", y0=None, options=None)[0][0]
    estimates, said = [], []
    for _ in range(40):
        noisy = ph.Recording(data.t, data.protocol, v=v + 0.01 * rng.standard_normal(len(v)))
        stage = Stage("simulation", "levenberg", 30)
        result = run(cell, noisy, trainable=["k.g", "na.g"], schedule=stage)
        assert result.identifiability is not None
        estimates.append([result.neuron.channel(n).g for n in ("k", "na")])
        said.append(result.identifiability.standard_errors)
    ratio = np.std(estimates, axis=0) / np.mean(said, axis=0)
    assert np.all((0.7 < ratio) & (ratio < 1.4))


def test_it_is_kept_with_a_result(tmp_path):
    result = run(squid(), trainable="conductances", out=tmp_path / "run")
    again = ph.FitResult.load(tmp_path / "run")
    assert result.identifiability.summary() in result.log
    assert again.identifiability.table() == result.identifiability.table()
    assert run(neural()).identifiability is None
    copy = Identifiability.from_dict(result.identifiability.to_dict())
    np.testing.assert_array_equal(copy.standard_errors, result.identifiability.standard_errors)


def test_bad_arguments():
    with pytest.raises(InputError, match="fitted"):
        ph.identifiability("squid_axon", trace(1.0))
    with pytest.raises(UnknownNameError, match="na"):
        judged(trainable="na.q")
    with pytest.raises(InputError, match="noise"):
        judged(noise=-1.0)
    with pytest.raises(InputError, match="tolerance"):
        judged(tolerance=0.0)
    with pytest.raises(InputError, match="cannot be predicted"):
        judged(max_steps=3)
