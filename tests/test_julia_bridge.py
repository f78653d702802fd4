"""The bridge to a real Julia, with a small package of its own in the place of the engine's."""

from __future__ import annotations

import asyncio
import gc
import os
import pickle
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from pyhodgkin.backends.julia import start
from pyhodgkin.backends.julia.arrays import address, julia_view, share
from pyhodgkin.errors import BackendUnavailableError, InputError, SolveError

pytestmark = pytest.mark.julia

PACKAGES = Path(__file__).resolve().parent / "julia"
LOAD_PATH = os.pathsep.join(["@", "@v#.#", "@stdlib", str(PACKAGES)])


@pytest.fixture(scope="session")
def trial():
    """Julia with the package `BridgeTrial`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JULIA_LOAD_PATH", LOAD_PATH)
        if "juliacall" in sys.modules:
            sys.modules["juliacall"].Base.LOAD_PATH.append(str(PACKAGES))
        return start.session("BridgeTrial")


def run(code: str, timeout: float = 300.0, **variables: str) -> subprocess.CompletedProcess[str]:
    """A process of its own; it must end well."""
    environment = {**os.environ, "JULIA_LOAD_PATH": LOAD_PATH, **variables}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, text=True, env=environment, timeout=timeout,
    )  # fmt: skip
    assert done.returncode == 0, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


START = "from pyhodgkin.backends.julia import start; s = start.session('BridgeTrial');"


def test_started_once(trial):
    assert start.session("BridgeTrial") is trial and start.started()
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
def test_arguments_arrive_as_they_are(trial, value, arrives):
    assert trial.call("describe", value) == arrives


def test_values_come_back_as_python(trial):
    for value in (3, 2.5, True, "h∞", None):
        assert trial.call("echo", value) == value
    assert trial.call("nothing_at_all") is None


def test_julia_objects_go_back_as_themselves(trial):
    held = trial.call("hold", np.arange(3.0))
    assert trial.call("let_go", 1, held, "x", held) == 6.0
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(held)
    with pytest.raises(TypeError, match="not an array"):
        julia_view(held)


def test_numbers_go_over_without_a_copy(trial):
    batch = np.arange(24.0).reshape(2, 3, 4)  # (batch, time, state)
    assert trial.call("at", batch.T.reshape(-1, order="F"), 2) == 1.0
    trial.call("put!", batch.T, 1, -7.0)
    trial.call("put!", batch.T, 24, 99.0)
    assert batch[0, 0, 0] == -7.0 and batch[1, 2, 3] == 99.0
    assert trial.call("total", batch.T) == batch.sum()


def test_arrays_come_back_without_a_copy(trial):
    made = trial.call("make", 4, 3, 2)  # (state, time, batch)
    view = julia_view(made)
    assert view.shape == (2, 3, 4) and view.flags.c_contiguous and view[0, 0, 1] == 2.0
    assert share(made, view) and np.shares_memory(view, julia_view(made))
    kept = julia_view(trial.call("keep", 5))
    kept[2] = 42.0
    assert trial.call("at", kept, 3) == 42.0  # the very array, gone back
    trial.call("put!", kept, 1, -1.0)
    assert kept[0] == -1.0 and share(kept, trial.call("kept"))
    assert address(kept) == address(trial.call("kept"))
    trial.call("forget")


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


def test_a_view_keeps_its_array_alive(trial):
    views = [julia_view(trial.call("make", 1000)) for _ in range(50)]
    for _ in range(3):
        gc.collect()
        trial.call("collect_garbage")
        [trial.call("make", 1000) for _ in range(50)]
    assert all(np.array_equal(view, np.arange(1.0, 1001.0)) for view in views)


def test_arrays_that_do_not_lie_as_julia_needs_them_are_refused(trial):
    for bad in (np.zeros((2, 3)), np.zeros(6)[::2], np.zeros(3, np.complex128)):
        with pytest.raises(InputError, match="transpose of a C-order array"):
            trial.call("total", bad)
    with pytest.raises(TypeError, match="a list cannot"):
        trial.call("total", [1.0])
    with pytest.raises(InputError, match="argument"):
        trial.call("echo", 2**70)


def test_calls_leak_nothing(trial):
    arrays = [np.zeros((3, 4, 5)).T for _ in range(10)]
    before = [sys.getrefcount(array) for array in arrays]

    def live() -> int:
        gc.collect()
        return trial.call("live_bytes")

    def calls(n: int) -> None:
        for _ in range(n):
            trial.call("ten", *arrays)
            trial.call("make", 5)
            with pytest.raises(InputError):
                trial.call("fail", "input", "text")

    calls(100)
    start_bytes = live()
    calls(1000)
    assert live() - start_bytes < 300_000
    assert [sys.getrefcount(array) for array in arrays] == before


def test_errors_are_ours_and_one_line(trial):
    with pytest.raises(InputError, match=r"^g < 0 µS$"):
        trial.call("fail", "input", "g < 0 µS")
    for kind in ("task", "threads"):
        with pytest.raises(InputError, match=r"^inside$"):
            trial.call("fail", kind, "inside")
    for kind, words in (
        ("error", "failed in fail: broken \\(PYHODGKIN_DEBUG=1"),
        ("bounds", "BoundsError"),
        ("method", "MethodError"),
    ):
        with pytest.raises(SolveError, match=words) as caught:
            trial.call("fail", kind, "broken\nsecond line")
        assert "\n" not in str(caught.value) and "Stacktrace" not in str(caught.value)
        assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
        assert caught.value.__cause__ is None and caught.value.__suppress_context__
    with pytest.raises(KeyboardInterrupt):
        trial.call("fail", "interrupt", "")
    with pytest.raises(MemoryError):
        trial.call("fail", "memory", "")


def test_the_julia_trace_when_asked_for(trial, monkeypatch):
    monkeypatch.setenv("PYHODGKIN_DEBUG", "1")
    with pytest.raises(SolveError) as caught:
        trial.call("fail", "error", "broken")
    assert "Stacktrace" in str(caught.value.__cause__)
    assert pickle.loads(pickle.dumps(caught.value.__cause__)).args


def test_a_function_that_is_not_there(trial):
    with pytest.raises(BackendUnavailableError, match=r"BridgeTrial 0\.3\.0 has no tottal"):
        trial.call("tottal")


def test_threads_of_python_may_call_while_the_first_one_waits(trial):
    with ThreadPoolExecutor(2) as pool:
        assert [f.result(60) for f in [pool.submit(trial.call, "deaf", 0.5) for _ in range(2)]] == [
            0, 0,
        ]  # fmt: skip


def test_a_wakeup_descriptor_of_others_is_given_back(trial):
    async def main() -> list[int]:
        seen: list[int] = []
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR2, lambda: None)  # asyncio takes the descriptor
        before = signal.set_wakeup_fd(-1)
        signal.set_wakeup_fd(before)
        assert before != -1
        trial.call("poll", trial.flag, 0.01)
        seen += [before, signal.set_wakeup_fd(before)]
        loop.remove_signal_handler(signal.SIGUSR2)
        return seen

    if os.name == "nt":
        pytest.skip("no signal handlers in an event loop on Windows")
    before, after = asyncio.run(main())
    assert before == after


posix = pytest.mark.skipif(os.name == "nt", reason="signals are sent with os.kill")

CTRL_C = (
    START
    + """
import os, signal, subprocess, sys, time
s.call("poll_on_threads", s.flag, 0.01), s.call("poll", s.flag, 0.01), s.call("deaf", 0.01)
print(s.threads)

def send(times):
    code = "import os, time\\nfor _ in range(%d): time.sleep(0.3); os.kill(%d, 2)"
    return subprocess.Popen([sys.executable, "-S", "-c", code % (times, os.getpid())])

for name in ("poll", "poll_on_threads", "poll_on_threads"):
    sender, began = send(1), time.monotonic()
    try:
        s.call(name, s.flag, 60.0)
        print("not interrupted")
    except KeyboardInterrupt:
        print(name, time.monotonic() - began < 5.0)
    sender.wait()
    assert s.flag[0] == 0 and s.call("echo", 5) == 5

signals = []
signal.signal(signal.SIGINT, lambda *_: signals.append(1))
sender = send(1)
print("status", s.call("poll", s.flag, 60.0))
sender.wait()
print("handler", len(signals))
signal.signal(signal.SIGINT, signal.default_int_handler)
sender = send(3)
try:
    s.call("deaf", 2.0)
except KeyboardInterrupt:
    print("alive after a call that does not look")
sender.wait()
"""
)


@posix
@pytest.mark.parametrize("threads", ["1", "2"])
def test_ctrl_c_stops_a_long_call(trial, threads):
    """It takes milliseconds; the bound is for a machine with much else to do."""
    lines = run(CTRL_C, PYTHON_JULIACALL_THREADS=threads).stdout.splitlines()
    assert lines == [
        threads, "poll True", "poll_on_threads True", "poll_on_threads True", "status 4",
        "handler 1", "alive after a call that does not look",
    ]  # fmt: skip


@posix
def test_sigterm_is_pythons_again(trial):
    code = START + (
        "import os, signal, time; signal.signal(15, lambda *_: print('handled'));"
        "os.kill(os.getpid(), 15); time.sleep(0.1); signal.signal(15, signal.SIG_DFL);"
        "print(signal.pthread_sigmask(signal.SIG_BLOCK, ()) - {signal.SIGUSR1})"
    )
    assert run(code).stdout.split() == ["handled", "set()"]


@posix
def test_a_forked_child_is_told(trial):
    code = (
        START
        + """
import os, sys
from pyhodgkin.errors import BackendUnavailableError
child = os.fork()
if not child:
    for attempt in (lambda: start.session("BridgeTrial"), lambda: s.call("echo", 1)):
        try:
            attempt()
        except BackendUnavailableError as error:
            print("spawn" in str(error), flush=True)
    sys.exit(0)  # with Julia's exit hook
print(os.waitpid(child, 0)[1], s.call("echo", 1))
"""
    )
    assert run(code, timeout=120).stdout.split() == ["True", "True", "0", "1"]


SPAWN = """
import multiprocessing
from pyhodgkin.backends.julia import start

def work(x):
    return start.session("BridgeTrial").call("echo", x)

if __name__ == "__main__":
    work(0)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.map(work, [1, 2]))
"""


def test_spawned_workers_start_their_own(trial, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SPAWN)
    code = f"import runpy; runpy.run_path({str(script)!r}, run_name='__main__')"
    environment = {**os.environ, "JULIA_LOAD_PATH": LOAD_PATH, "PYTHON_JULIACALL_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, env=environment, timeout=300
    )
    assert done.stdout.strip() == "[1, 2]", (code, done.stderr)


def test_julia_first_is_silent_and_torch_works(trial):
    code = "import warnings; warnings.simplefilter('error');" + START
    done = run(code + "import torch; print(torch.ones(3).sum().item(), s.call('echo', 2))")
    assert done.stdout.split() == ["3.0", "2"] and "arn" not in done.stderr


def test_torch_first_warns_once_and_goes_on(trial):
    code = "import torch;" + START + "start.session('BridgeTrial');"
    code += "print(torch.linalg.inv(torch.eye(50)).sum().item(), s.call('echo', 2))"
    done = run(code, PYHODGKIN_QUIET="0")
    assert done.stdout.split() == ["50.0", "2"]
    assert done.stderr.count("Warning") == 1 and "torch was imported before Julia" in done.stderr


def test_a_juliacall_of_somebody_else_is_used_and_warned_of(trial):
    code = "import juliacall;" + START + "print(s.threads, s.call('echo', 2))"
    variables = {"PYHODGKIN_QUIET": "0", "PYTHON_JULIACALL_THREADS": "2"}
    done = run(code, PYTHON_JULIACALL_HANDLE_SIGNALS="no", **variables)
    assert done.stdout.split() == ["2", "2"]
    assert done.stderr.count("Warning") == 1 and "HANDLE_SIGNALS=yes" in done.stderr


FAILS = """
from pyhodgkin.backends.julia import start
from pyhodgkin.errors import BackendUnavailableError
for _ in range(2):
    try:
        start.session("{}")
    except BackendUnavailableError as error:
        print(str(error).count("\\n"), "{}" in str(error), error.__cause__ is None)
"""


def test_a_package_that_does_not_load_is_one_message(trial):
    assert run(FAILS.format("NotThere", "NotThere")).stdout.split() == ["0", "True", "True"] * 2


def test_a_large_trajectory_is_not_copied(trial):
    """One gigabyte out of Julia, and one into it."""
    code = (
        START
        + """
import resource, sys, numpy as np
from pyhodgkin.backends.julia.arrays import julia_view
unit = 1 if sys.platform == "darwin" else 1024
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9
s.call("total", julia_view(s.call("zeros_of", 10)))
before = peak()
view = julia_view(s.call("zeros_of", 125_000_000))
print(view.nbytes, s.call("total", view), float(view[::1000].sum()), peak() - before < 1.3)
del view
s.call("collect_garbage")
mine = np.zeros((5, 5_000_000, 5))
mine[:] = 1.0
print(s.call("total", mine.T), peak() - before < 1.5)
"""
    )
    assert run(code).stdout.split() == ["1000000000", "0.0", "0.0", "True", "125000000.0", "True"]


@pytest.mark.slow
def test_twenty_starts_and_ends(trial):
    for i in range(20):
        code = START + "print(s.call('poll_on_threads', s.flag, 0.1))"
        code = "import torch;" * (i % 2) + code
        assert run(code, PYTHON_JULIACALL_THREADS="2").stdout.split() == ["0"]


def test_the_thread_that_watches_is_a_daemon(trial):
    (thread,) = (t for t in threading.enumerate() if t.name == "pyhodgkin-interrupt")
    assert thread.daemon
