"""A process that is forked while other threads compute goes on in the child."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

CODE = """
import os, threading
import pyhodgkin as ph

inside, go_on = threading.Event(), threading.Event()
found = ph.Neuron.__dict__["layout"]
right = found.func

def slow(neuron):
    if threading.current_thread() is not threading.main_thread():
        inside.set()
        go_on.wait()
    return right(neuron)

found.func = slow
neuron = ph.library.get("squid_axon")
other = neuron.with_parameters(na__g=100.0)
thread = threading.Thread(target=lambda: neuron.layout)
vars(neuron).pop("layout", None)
thread.start()
assert inside.wait(60)
child = os.fork()
if not child:
    vars(other).pop("layout", None)
    print("child", other.layout.size > 0, flush=True)
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
go_on.set()
thread.join()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_property_that_another_thread_computes_does_not_stop_the_child():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True,
                          timeout=120, check=False)  # fmt: skip
    assert done.stdout.split() == ["child", "True", "0"], done.stderr
