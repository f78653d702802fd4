"""Between samples that are far apart a rough neuron knows better than polynomials."""

from __future__ import annotations

import numpy as np
import pytest

import pyhodgkin as ph
from pyhodgkin import upsample_with_model
from pyhodgkin.errors import InputError
from pyhodgkin.recordings.denoise import refined

AXON = ph.library.get("squid_axon")
ROUGH = AXON.with_parameters(k__g=35.9)


def trace(amplitude, every, **more):
    step = ph.CurrentClamp.step(amplitude, start=2.0, stop=22.0, t_end=25.0)
    t = np.arange(round(25.0 / every) + 1) * every
    return ph.Recording.from_solution(ph.simulate(AXON, step, saveat=t, backend="torch", **more))


def test_nearer_than_polynomials():
    coarse = [trace(a, 0.2) for a in (9.0, 15.0)]
    fine = upsample_with_model(ROUGH, coarse, backend="torch")
    for a, few, many in zip((9.0, 15.0), coarse, fine, strict=True):
        true, plain = trace(a, 0.05), refined(few, 4)
        np.testing.assert_allclose(many.t, true.t, atol=1e-9)
        np.testing.assert_allclose(many.v[::4], few.v, atol=1e-9)
        off, before = (np.abs(x.v - true.v).max() for x in (many, plain))
        assert off < 0.5 * before


def test_masks_and_a_neuron_that_fails():
    coarse = trace(9.0, 0.2)
    masked = coarse.masked(coarse.t > 5.0)
    (fine,) = upsample_with_model(ROUGH, masked, 2, backend="torch", max_steps=3)
    plain = refined(masked, 2)
    np.testing.assert_array_equal(fine.v, plain.v)
    np.testing.assert_array_equal(fine.mask, plain.mask)
    assert len(fine) == 2 * (len(coarse) - 1) + 1 and not fine.mask[fine.t < 5.0].any()


def test_what_cannot_be_asked():
    with pytest.raises(InputError, match="parts = 1"):
        upsample_with_model(ROUGH, trace(9.0, 0.2), 1)
    clamp = ph.VoltageClamp.step(0.0, 2.0, 8.0, 10.0)
    t = np.arange(101) * 0.1
    current = ph.Recording(t, clamp, current=np.zeros(101), current_unit="nA")
    with pytest.raises(InputError, match="give v"):
        upsample_with_model(ROUGH, current)
    with pytest.raises(InputError, match="neuron is a str"):
        upsample_with_model("squid_axon", trace(9.0, 0.2))
