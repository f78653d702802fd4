"""The bridge to a real Julia, with a small package of its own in the place of the engine's."""

from __future__ import annotations

import asyncio
import gc
import os
import pickle
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import julia_trial
import numpy as np
import pytest

from pyhodgkin.backends.julia import connection, start
from pyhodgkin.backends.julia.arrays import address, julia_view, share
from pyhodgkin.backends.julia.plain import PlainConnection
from pyhodgkin.errors import BackendUnavailableError, InputError, SolveError

pytestmark = pytest.mark.julia


def test_started_once(trial):
    assert start.session("BridgeTrial") is trial and start._started_in == os.getpid()
    assert trial.version == "0.3.0" and trial.julia_version >= "1.10" and trial.threads >= 1
    assert not hasattr(sys.modules["juliacall"].Main, "BridgeTrial")


@pytest.mark.parametrize(
    ("value", "arrives"),
    [
        (3, "Int64 3"),
        (np.int32(-3), "Int64 -3"),
        (2.5, "Float64 2.5"),
        (np.float32(0.5), "Float64 0.5"),
        (True, "Bool true"),
        (None, "Nothing nothing"),
        ("µA/cm²", "String µA/cm²"),
        ("", "String "),
        (np.zeros(3), "Vector{Float64} (3,)"),
        (np.zeros((2, 3)).T, "Matrix{Float64} (3, 2)"),
        (np.zeros((2, 3, 4, 5), np.uint8).T, "Array{UInt8, 4} (5, 4, 3, 2)"),
        (np.zeros((2, 3, 4), np.int64).T, "Array{Int64, 3} (4, 3, 2)"),
        (np.zeros((), np.float32), "Array{Float32, 0} ()"),
        (np.zeros((0, 3), bool).T, "Matrix{Bool} (3, 0)"),
    ],
)
def test_arguments_arrive_as_they_are(either, value, arrives):
    assert either.call("describe", value) == arrives


def test_values_come_back_as_python(either):
    for value in (3, 2.5, True, "h∞", None):
        assert either.call("echo", value) == value
    assert either.call("nothing_at_all") is None


def test_julia_objects_go_back_as_themselves(either):
    held = either.call("hold", np.arange(3.0))
    assert either.call("let_go", 1, held, "x", held) == 6.0
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(held)
    with pytest.raises(TypeError, match="not an array"):
        julia_view(held)


def test_numbers_go_over_without_a_copy(either):
    batch = np.arange(24.0).reshape(2, 3, 4)  # (batch, time, state)
    assert either.call("at", batch.T.reshape(-1, order="F"), 2) == 1.0
    either.call("put!", batch.T, 1, -7.0)
    either.call("put!", batch.T, 24, 99.0)
    assert batch[0, 0, 0] == -7.0 and batch[1, 2, 3] == 99.0
    assert either.call("total", batch.T) == batch.sum()


def test_arrays_come_back_without_a_copy(either):
    made = either.call("make", 4, 3, 2)  # (state, time, batch)
    view = julia_view(made)
    assert view.shape == (2, 3, 4) and view.flags.c_contiguous and view[0, 0, 1] == 2.0
    assert share(made, view) and np.shares_memory(view, julia_view(made))
    kept = julia_view(either.call("keep", 5))
    kept[2] = 42.0
    assert either.call("at", kept, 3) == 42.0  # the very array, gone back
    either.call("put!", kept, 1, -1.0)
    assert kept[0] == -1.0 and share(kept, either.call("kept"))
    assert address(kept) == address(either.call("kept"))
    either.call("forget")


def test_what_nobody_looks_at_is_let_go_at_once(trial):
    """Without waiting for a garbage collector of either side."""
    trial.call("make", 2), trial.call("nothing_at_all")  # functions are held, too
    pieces = [trial.call("make", 2) for _ in range(3)]
    numbers = {piece.number for piece in pieces}
    view = julia_view(pieces[0])
    del pieces
    trial.call("nothing_at_all")
    again = [trial.call("make", 2) for _ in range(2)]
    assert {piece.number for piece in again} < numbers and view.tolist() == [1.0, 2.0]


def test_a_view_keeps_its_array_alive(either):
    views = [julia_view(either.call("make", 1000)) for _ in range(50)]
    for _ in range(3):
        gc.collect()
        either.call("collect_garbage")
        [either.call("make", 1000) for _ in range(50)]
    assert all(np.array_equal(view, np.arange(1.0, 1001.0)) for view in views)


def test_arrays_that_do_not_lie_as_julia_needs_them_are_refused(either):
    for bad in (np.zeros((2, 3)), np.zeros(6)[::2], np.zeros(3, np.complex128)):
        with pytest.raises(InputError, match="transpose of a C-order array"):
            either.call("total", bad)
    with pytest.raises(TypeError, match="a list cannot"):
        either.call("total", [1.0])
    with pytest.raises(InputError, match="argument"):
        either.call("echo", 2**70)


def test_calls_leak_nothing(either):
    arrays = [np.zeros((3, 4, 5)).T for _ in range(10)]
    before = [sys.getrefcount(array) for array in arrays]

    def live() -> int:
        for _ in range(3):  # juliacall lets go of an object one round after Julia's collector
            gc.collect()
            found = either.call("live_bytes")
        return found

    def calls(n: int) -> None:
        for _ in range(n):
            either.call("ten", *arrays)
            either.call("make", 5)
            with pytest.raises(InputError):
                either.call("fail", "input", "text")

    calls(1000)  # juliacall keeps room for the most objects there were
    start_bytes = live()
    calls(1000)
    assert live() - start_bytes < 300_000
    assert [sys.getrefcount(array) for array in arrays] == before


def test_errors_are_ours_and_one_line(either):
    with pytest.raises(InputError, match=r"^g < 0 µS$"):
        either.call("fail", "input", "g < 0 µS")
    for kind in ("task", "threads"):
        with pytest.raises(InputError, match=r"^inside$"):
            either.call("fail", kind, "inside")
    for kind, words in (
        ("error", "failed in fail: broken \\(PYHODGKIN_DEBUG=1"),
        ("bounds", "BoundsError"),
        ("method", "MethodError"),
    ):
        with pytest.raises(SolveError, match=words) as caught:
            either.call("fail", kind, "broken\nsecond line")
        assert "\n" not in str(caught.value) and "Stacktrace" not in str(caught.value)
        assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
        assert caught.value.__cause__ is None and caught.value.__suppress_context__
    with pytest.raises(KeyboardInterrupt):
        either.call("fail", "interrupt", "")
    with pytest.raises(MemoryError):
        either.call("fail", "memory", "")


def test_the_julia_trace_when_asked_for(either, monkeypatch):
    monkeypatch.setenv("PYHODGKIN_DEBUG", "1")
    with pytest.raises(SolveError) as caught:
        either.call("fail", "error", "broken")
    assert "Stacktrace" in str(caught.value.__cause__)
    assert pickle.loads(pickle.dumps(caught.value.__cause__)).args


def test_a_function_that_is_not_there(either):
    with pytest.raises(BackendUnavailableError, match=r"BridgeTrial 0\.3\.0 has no tottal"):
        either.call("tottal")


def test_threads_of_python_may_call_while_the_first_one_waits(trial):
    with ThreadPoolExecutor(2) as pool:
        assert [f.result(60) for f in [pool.submit(trial.call, "deaf", 0.5) for _ in range(2)]] == [
            0, 0,
        ]  # fmt: skip


def test_the_plain_way_is_for_the_thread_that_started_julia():
    session = julia_trial.plain_session()
    assert session.call("echo", 3) == 3
    with ThreadPoolExecutor(1) as pool, pytest.raises(BackendUnavailableError, match="thread"):
        pool.submit(session.call, "echo", 3).result(60)


def test_the_plain_way_is_taken_where_the_quick_one_cannot_vouch(trial, monkeypatch):
    juliacall = sys.modules["juliacall"]
    assert type(connection.connect(juliacall, False)) is connection.JuliaConnection
    monkeypatch.setattr(connection, "works", lambda _: False)
    assert type(connection.connect(juliacall, False)) is PlainConnection
    monkeypatch.undo()
    monkeypatch.setattr(sys.implementation, "name", "other")
    assert type(connection.connect(juliacall, False)) is PlainConnection
    monkeypatch.undo()
    monkeypatch.setenv("PYHODGKIN_PLAIN_JULIA", "1")
    plain = connection.connect(juliacall, False)
    assert type(plain) is PlainConnection and connection.works(plain)
    monkeypatch.undo()
    monkeypatch.setattr(connection.sysconfig, "get_config_var", lambda name: 1)
    assert not connection.is_known()


def test_a_wakeup_descriptor_of_others_is_given_back(either):
    async def main() -> list[int]:
        seen: list[int] = []
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR2, lambda: None)  # asyncio takes the descriptor
        before = signal.set_wakeup_fd(-1)
        signal.set_wakeup_fd(before)
        assert before != -1
        either.call("poll", either.flag, 0.01)
        seen += [before, signal.set_wakeup_fd(before)]
        loop.remove_signal_handler(signal.SIGUSR2)
        return seen

    if os.name == "nt":
        pytest.skip("no signal handlers in an event loop on Windows")
    before, after = asyncio.run(main())
    assert before == after


def test_the_thread_that_watches_is_a_daemon(trial):
    (thread,) = (t for t in threading.enumerate() if t.name == "pyhodgkin-interrupt")
    assert thread.daemon
