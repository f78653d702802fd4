"""Processes that start Julia: Ctrl-C, forks, the order of torch, memory, and how they end."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from julia_trial import LOAD_PATH, START, finished, run

pytestmark = pytest.mark.julia

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
@pytest.mark.parametrize(("threads", "plain"), [("1", ""), ("2", ""), ("2", "1")])
def test_ctrl_c_stops_a_long_call(threads, plain):
    """It takes milliseconds; the bound is for a machine with much else to do."""
    variables = {"PYTHON_JULIACALL_THREADS": threads, "PYHODGKIN_PLAIN_JULIA": plain}
    lines = run(CTRL_C, **variables).stdout.splitlines()
    assert lines == [
        threads, "poll True", "poll_on_threads True", "poll_on_threads True", "status 4",
        "handler 1", "alive after a call that does not look",
    ]  # fmt: skip


@posix
def test_sigterm_is_pythons_again():
    code = START + (
        "import os, signal, time; signal.signal(15, lambda *_: print('handled'));"
        "os.kill(os.getpid(), 15); time.sleep(0.1); signal.signal(15, signal.SIG_DFL);"
        "print(signal.pthread_sigmask(signal.SIG_BLOCK, ()) - {signal.SIGUSR1})"
    )
    assert run(code).stdout.split() == ["handled", "set()"]


@posix
def test_a_forked_child_is_told():
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


def test_spawned_workers_start_their_own(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SPAWN)
    done = finished([sys.executable, str(script)], PYTHON_JULIACALL_THREADS="1")
    assert done.stdout.strip() == "[1, 2]"


def test_julia_first_is_silent_and_torch_works():
    code = "import warnings; warnings.simplefilter('error');" + START
    done = run(code + "import torch; print(torch.ones(3).sum().item(), s.call('echo', 2))")
    assert done.stdout.split() == ["3.0", "2"] and "arn" not in done.stderr


def test_torch_first_warns_once_and_goes_on():
    code = "import torch;" + START + "start.session('BridgeTrial');"
    code += "print(torch.linalg.inv(torch.eye(50)).sum().item(), s.call('echo', 2))"
    done = run(code, PYHODGKIN_QUIET="0")
    assert done.stdout.split() == ["50.0", "2"]
    assert done.stderr.count("Warning") == 1 and "torch was imported before Julia" in done.stderr


def test_a_juliacall_of_somebody_else_is_used_and_warned_of():
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


def test_a_package_that_does_not_load_is_one_message():
    assert run(FAILS.format("NotThere", "NotThere")).stdout.split() == ["0", "True", "True"] * 2


def test_a_package_that_does_not_compile_is_one_message(tmp_path):
    source = tmp_path / "Broken" / "src" / "Broken.jl"
    source.parent.mkdir(parents=True)
    source.write_text('module Broken\nerror("no good at all")\nend\n')
    (tmp_path / "Broken" / "Project.toml").write_text(
        'name = "Broken"\nuuid = "0c1e6e1f-5f2f-4f5e-9d58-6a0b6a7f3c12"\nversion = "0.1.0"\n'
    )
    path = os.pathsep.join(["@", "@v#.#", "@stdlib", str(tmp_path)])
    done = run(FAILS.format("Broken", "no good at all"), JULIA_LOAD_PATH=path)
    assert done.stdout.split() == ["0", "True", "True"] * 2 and "Stacktrace" not in done.stderr
    traced = run(
        FAILS.format("Broken", "no good at all"), JULIA_LOAD_PATH=path, PYHODGKIN_DEBUG="1"
    )
    assert traced.stdout.split() == ["0", "True", "False", "0", "True", "True"]


def test_a_large_trajectory_is_not_copied():
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
def test_twenty_starts_and_ends():
    for i in range(20):
        code = START + "print(s.call('poll_on_threads', s.flag, 0.1))"
        code = "import torch;" * (i % 2) + code
        assert run(code, PYTHON_JULIACALL_THREADS="2").stdout.split() == ["0"]


@posix
def test_standard_input_that_is_a_pipe_still_waits():
    """Julia makes of the pipe one that does not block, which Python takes for its end."""
    code = START + "print('ready', flush=True); print('read', input(), flush=True)"
    environment = {**os.environ, "JULIA_LOAD_PATH": LOAD_PATH}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=pipe, stdout=pipe, text=True, env=environment
    ) as child:
        assert child.stdout is not None and child.stdout.readline() == "ready\n"
        assert child.communicate("a line\n", timeout=300)[0] == "read a line\n"
