"""Faults while computing end in a status or in one clear error, and leave nothing behind."""

from __future__ import annotations

import os
import signal
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
from neurons import ENGINES, SQUID

import pyhodgkin as ph
from pyhodgkin.errors import (
    InputError,
    OutOfMemoryError,
    PlausibilityWarning,
    PyHodgkinError,
    RecordingError,
)
from pyhodgkin.memory import enough_memory
from pyhodgkin.neuron import plausible

sys.path.append(str(Path(__file__).resolve().parents[1] / "tools"))

from faults import batches, interrupts, memory, notebooks, singular, values, work

CLAMP = ph.CurrentClamp.step(10.0, 2.0, 8.0, 10.0)
each_engine = pytest.mark.parametrize("backend", ENGINES)


@pytest.mark.slow
@each_engine
@pytest.mark.parametrize("kind", [values, singular], ids=["values", "singular"])
def test_a_fault_ends_in_a_status_or_in_one_clear_error(kind, backend):
    """A sample of what ``tools/faults/computing.py`` tries."""
    for row in kind.rows(backend, 67):
        assert row.tried and not row.failures, row.failures


@each_engine
def test_one_bad_element_is_named_and_the_others_do_not_change_by_a_bit(backend):
    for row in batches.rows(backend, 2):
        assert row.tried == 12 and not row.failures, row.failures


@pytest.fixture
def heard():
    """SIGINT raises KeyboardInterrupt, also where the tests run in the background of a shell."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(sys.platform == "win32", reason="no signals to a process")
def test_an_interrupt_stops_a_simulation_and_a_fit(heard):
    """In this process: both end, the fit with its best parameters, and leave nothing behind."""
    job = work.Work("torch")
    for name in ("simulate", "fit"):
        interrupt = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
        interrupt.start()
        found = work.ended(getattr(job, name))
        assert found.startswith("stopped"), (name, found)
        assert job.same()


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no signals to other processes")
@each_engine
def test_interrupts_stop_each_kind_of_work_and_leave_nothing_behind(backend):
    process = interrupts.Process(backend)
    try:
        assert process.line() == "ready"
        for i, work in enumerate(interrupts.WORKS):
            found, _ = process.interrupted(work, 0.2 + 0.1 * i)
            assert found.startswith("stopped"), (work, found)
    finally:
        process.close()


@pytest.mark.slow
@each_engine
def test_interrupts_in_a_notebook(backend):
    pytest.importorskip("ipykernel")
    (row,) = notebooks.rows(backend, 2)
    assert row.tried == 4 and not row.failures, row.failures


# -- memory -----------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a limit of the address space")
@each_engine
def test_a_batch_that_does_not_fit_is_one_error(backend):
    assert memory.limited(backend, memory.CALLS["samples"], 100) == "error"


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"),
        RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB"),
        RuntimeError("can't start new thread"),
    ],
)
def test_too_little_memory_says_what_needs_less(error):
    with pytest.raises(OutOfMemoryError, match=r"this batch.*give fewer") as found:
        with enough_memory("this batch", "give fewer"):
            raise error
    assert isinstance(found.value, MemoryError) and isinstance(found.value, PyHodgkinError)
    assert found.value.__suppress_context__
    with pytest.raises(RuntimeError, match="other"), enough_memory("this batch", "give fewer"):
        raise RuntimeError("other")


def test_simulate_and_fit_say_what_needs_less(monkeypatch):
    def full(*_, **__):
        raise MemoryError("Unable to allocate 5.97 GiB for an array with shape (200000, 1001, 4)")

    monkeypatch.setattr("pyhodgkin._simulate.solve_in_groups", full)
    with pytest.raises(OutOfMemoryError, match=r"5.97 GiB.*larger saveat"):
        ph.simulate(SQUID, CLAMP, backend="torch")
    monkeypatch.setattr("pyhodgkin._fit.planned", full)
    t = np.arange(0.0, 10.0, 0.5)
    with pytest.raises(OutOfMemoryError, match="fewer seeds"):
        ph.fit(SQUID, ph.Recording(t, CLAMP, v=np.sin(t) - 60.0), backend="torch")


@pytest.mark.parametrize("t_end", [1e17, 1e308])
def test_more_samples_than_any_array_holds(t_end):
    clamp = ph.CurrentClamp.constant(5.0, t_end)
    with pytest.raises(InputError, match=r"saveat = 0.5 ms: with t_end = 1e\+.*larger spacing"):
        ph.simulate(SQUID, clamp, saveat=0.5, backend="torch")


# -- numbers that are finite and mean nothing ---------------------------------------------


@pytest.mark.parametrize("field", ["v", "current"])
@pytest.mark.parametrize("value", [1e308, -1e101])
def test_a_sample_whose_square_is_infinite_is_refused(field, value):
    t = np.arange(0.0, 10.0, 0.5)
    y = np.sin(t)
    y[7] = value
    clamp = CLAMP if field == "v" else ph.VoltageClamp.step(0.0, 2.0, 8.0, 10.0)
    unit = {"current_unit": "pA"} if field == "current" else {}
    with pytest.raises(RecordingError, match=rf"{field} = .*e\+.* at index 7"):
        ph.Recording(t, clamp, **{field: y}, **unit)


def broken(part: str) -> ph.Neuron:
    constant, curve = ph.rates.Constant, ph.rates.Sigmoid(1.0, -40.0, 5.0)
    if part == "rate":
        moves = {("c", "o"): constant(-1.0), ("o", "c"): constant(1.0)}
        return SQUID.replace_channel("k", ph.MarkovChannel("k", ("c", "o"), moves, "o", 9.0, -77.0))
    kinetics = {
        "tau": ph.SteadyStateKinetics(curve, constant(-1.0)),
        "x_inf": ph.SteadyStateKinetics(constant(3.0), constant(1.0)),
        "alpha": ph.RateKinetics(constant(-1.0), constant(0.5)),
        "beta": ph.RateKinetics(constant(1.0), ph.rates.Exponential(-0.1, 0.0, 50.0)),
    }
    return SQUID.replace_gate("n", kinetics[part])


@pytest.mark.parametrize("part", ["tau", "x_inf", "alpha", "beta", "rate"])
def test_a_curve_that_no_gate_can_have_is_told(part):
    """The gate is held in [0, 1], so that the trajectory alone would look right."""
    cell = broken(part)
    for _ in range(2):
        with pytest.warns(PlausibilityWarning, match=rf"{part} = .* at ") as told:
            ph.simulate(cell, CLAMP, saveat=1.0, backend="torch", throw=False)
        assert told[0].filename == __file__


def test_no_neuron_of_the_library_has_one():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in ph.library.names():
            plausible.check(ph.library.get(name))


@pytest.mark.parametrize(("name", "value"), [("na.e", 1e30), ("calcium.k", -1e30)])
def test_steps_that_would_never_arrive_are_given_up_early(name, value):
    """Thousands of steps of 1e-28 ms took the torch engine 10 s and more."""
    cell = ph.library.get("pinsky_rinzel_isopotential")
    found = ph.simulate(
        cell, CLAMP, parameters={name: value}, backend="torch", saveat=1.0, throw=False
    )
    assert ph.Status(int(found.status)) is ph.Status.STEP_UNDERFLOW
    assert found.stats["n_steps"] + found.stats["n_rejected"] <= 1000
    assert np.isnan(found.v[-1])


def test_a_gate_like_a_switch_is_the_same_alone_and_in_a_batch():
    cell = ph.library.get("pospischil_lts_calcium")
    k = np.array([1e-308, -4.0])
    batch = ph.simulate(cell, CLAMP, parameters={"cat.u.x_inf.k": k}, backend="torch", saveat=1.0)
    alone = ph.simulate(
        cell, CLAMP, parameters={"cat.u.x_inf.k": k[0]}, backend="torch", saveat=1.0
    )
    assert batch.stats["n_steps"][0] == alone.stats["n_steps"]
    np.testing.assert_allclose(batch.v[0], alone.v, rtol=1e-9)


@pytest.mark.parametrize(("name", "value"), [("cat.g", 1e30), ("cat.s.x_inf.a", -1e30)])
def test_a_singular_matrix_of_one_element_is_its_own(name, value):
    """numpy refuses to invert all matrices where one is singular: all elements failed."""
    cell = ph.library.get("pospischil_lts_calcium")
    own = float(cell.theta[cell.layout[name].start])
    found = ph.simulate(
        cell, CLAMP, parameters={name: np.array([own, value, own])}, backend="torch", saveat=1.0,
        throw=False,
    )  # fmt: skip
    alone = ph.simulate(cell, CLAMP, backend="torch", saveat=1.0)
    assert found.status.tolist()[::2] == [0, 0] and found.status[1] != 0
    np.testing.assert_allclose(found.v[[0, 2]], [alone.v, alone.v], rtol=1e-9)
