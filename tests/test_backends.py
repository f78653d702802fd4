"""Which engine is taken and why, and what doctor says; nothing here needs Julia or starts one."""

from __future__ import annotations

import json
import subprocess
import sys

import julia_fakes
import pytest

import pyhodgkin as ph
from pyhodgkin import backends
from pyhodgkin.backends.base import SolveOptions
from pyhodgkin.cli import main
from pyhodgkin.errors import BackendUnavailableError, UnknownNameError
from pyhodgkin.fitting.initialize.upsample import upsample_with_model
from pyhodgkin.neuron import neural_forms


def test_looking_starts_and_downloads_nothing(bare):
    code = (
        "import sys; from pyhodgkin import backends; backends.available(); import socket;"
        "print([m for m in ('torch', 'juliacall') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_julia_asked_for_and_not_there_is_one_error(bare):
    bare.setenv("PYTHON_JULIACALL_EXE", "julia")
    for _ in range(2):  # the second time from memory
        with pytest.raises(BackendUnavailableError, match="set both of them") as error:
            ph.backends.get("julia")
        assert "\n" not in str(error.value) and error.value.__cause__ is None


def test_unknown_engine():
    with pytest.raises(UnknownNameError, match='did you mean "julia"'):
        backends.get("julja")


class Engine:
    """Stands in for the Julia engine."""

    name = "julia"


@pytest.fixture
def pretended(bare):
    """A Julia that is said to be ready."""
    bare.setattr(backends, "_julia", lambda: backends.Availability("julia", True, "1.10.9"))
    bare.setattr(backends, "_start_julia", Engine)
    bare.setattr(backends.announce, "_said", set())
    bare.delenv("PYHODGKIN_QUIET", raising=False)
    return bare


def test_auto_takes_julia_where_it_can_and_says_so_once(pretended, capsys):
    assert backends.get().name == backends.get("auto", SolveOptions()).name == "julia"
    assert capsys.readouterr().err == "pyhodgkin: julia engine (it can start here)\n"


def test_the_line_on_the_engine_comes_once_a_day(pretended, capsys, tmp_path):
    from pyhodgkin.backends import announce

    def next_process() -> str:
        pretended.setattr(announce, "_said", set())
        backends.get()
        return capsys.readouterr().err

    stamp = announce.cache_folder() / "engine-julia"
    assert "julia engine" in next_process() and stamp.is_relative_to(tmp_path)
    assert next_process() == ""
    stamp.write_text("2020-01-01\n")  # another day
    assert "julia engine" in next_process() and next_process() == ""
    announce.always()  # -v
    try:
        assert "julia engine" in next_process() and "julia engine" in next_process()
    finally:
        announce.always(False)
    pretended.setenv("XDG_CACHE_HOME", str(stamp))  # a file: nothing can be written below it
    assert "julia engine" in next_process()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"dtype": "float32"}, "float32"),
        ({"device": "cuda"}, "cuda"),
        ({"solver": "exponential"}, 'no solver "exponential"'),
    ],
)
def test_auto_takes_torch_for_what_julia_does_not_do(pretended, capsys, options, words):
    assert backends.get("auto", SolveOptions(**options)).name == "torch"
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("pyhodgkin: torch engine (not Julia: ") and words in line


@pytest.fixture
def of_a_registered_form():
    """A neuron with a form of `NeuralKinetics` that is a Python function."""
    neural_forms.register("test_backends_form", lambda n1, n2, numbers, f: (f.exp(n1), f.exp(n2)))
    kinetics = ph.NeuralKinetics("test_backends_form", ph.Network.create((1, 3, 2)))
    yield ph.library.get("squid_axon").replace_gate("n", kinetics)
    neural_forms.unregister("test_backends_form")


def test_auto_takes_torch_for_a_form_that_is_a_python_function(
    pretended, capsys, of_a_registered_form
):
    squid = ph.library.get("squid_axon")
    assert backends.get("auto", SolveOptions(), [squid]).name == "julia"
    assert backends.get("auto", None, [squid, of_a_registered_form]).name == "torch"
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("pyhodgkin: torch engine (not Julia: ") and "test_backends_form" in line


def test_every_verb_asks_with_its_neuron(pretended, of_a_registered_form):
    """The pretended Julia can do nothing: what is computed comes from torch."""
    cell, clamp = of_a_registered_form, ph.CurrentClamp.step(10.0, 1.0, 3.0, t_end=4.0)
    found = ph.simulate(cell, clamp, saveat=0.1)
    trace = ph.Recording.from_solution(found)
    assert ph.evaluate(cell, [trace]).rows()[0]["rmse"] < 1e-3
    stage = ph.Stage("clamped", "adamw", 2)
    assert ph.fit(cell, [trace], schedule=stage, progress=False).scores[0] < 1.0
    fine = upsample_with_model(cell, [trace], 2)
    assert len(fine[0].t) > len(trace.t)
    assert ph.identifiability(cell, [trace], trainable=["k.g"], noise=1.0)


def test_auto_takes_torch_where_the_start_fails(pretended, capsys):
    def fail():
        raise BackendUnavailableError("the start failed")

    pretended.setattr(backends, "_start_julia", fail)
    assert backends.get().name == "torch"
    assert "the start failed" in capsys.readouterr().err
    pretended.setattr(backends, "_torch", lambda: backends.Availability("torch", False))
    with pytest.raises(BackendUnavailableError, match=r"pip install torch.*the start failed"):
        backends.get()


def test_auto_can_be_quiet(pretended, capsys):
    pretended.setenv("PYHODGKIN_QUIET", "1")
    backends.get()
    assert capsys.readouterr().err == ""


def doctor(capsys, *arguments):
    code = main(["doctor", *arguments])
    return code, capsys.readouterr().out


def test_doctor_says_what_there_is_and_what_to_do(bare, capsys):
    bare.setenv("COLUMNS", "200")
    code, out = doctor(capsys)
    assert code == 0 and "julia engine: no Julia was found" in out
    assert "pyhodgkin doctor --install" in out and ph.__version__ in out
    assert doctor(capsys, "--require", "julia")[0] == 1
    assert doctor(capsys, "--require", "torch")[0] == 0


def test_doctor_for_machines(bare, capsys):
    code, out = doctor(capsys, "--json")
    report = json.loads(out)
    assert code == 0
    assert {e["name"]: e["ready"] for e in report["engines"]} == {"julia": False, "torch": True}
    assert report["versions"]["juliacall"] == julia_fakes.JULIACALL


def test_doctor_solves_on_what_is_ready(bare, capsys):
    code, out = doctor(capsys, "--start", "--json")
    seconds = json.loads(out)["engines"][1]["seconds"]
    assert code == 0 and set(seconds) == {"start", "first solve", "second solve"}


def test_doctor_vouches_only_for_what_started(bare, capsys):
    """A project whose packages do not compile looks complete in its files."""
    from pyhodgkin import backends
    from pyhodgkin.backends.julia import discover, start
    from pyhodgkin.errors import BackendUnavailableError

    def fails(package):
        raise BackendUnavailableError(
            "its package HodgkinNeurons does not load: no method matching"
        )

    bare.setattr(discover, "look", lambda *_: discover.Found(True, version="1.10.6"))
    bare.setattr(start, "_start", fails)
    bare.setattr(backends, "_start_julia", lambda: start.session())
    code, out = doctor(capsys, "--no-start", "--require", "julia")
    assert code == 0
    code, out = doctor(capsys, "--require", "julia")
    assert code == 1 and "julia engine: its package HodgkinNeurons does not load" in out
    (julia, _) = backends.available()
    assert not julia.ready and "does not load" in julia.reason


def test_doctor_installs_only_when_asked(bare, capsys):
    import juliapkg

    called = []
    bare.setattr(juliapkg, "resolve", lambda **_: called.append(1))
    doctor(capsys)
    assert not called
    doctor(capsys, "--install")
    assert called == [1]

    bare.setenv("PYTHON_JULIACALL_EXE", "julia")
    assert main(["doctor", "--install"]) == 2 and "unset them" in capsys.readouterr().err
    bare.delenv("PYTHON_JULIACALL_EXE")

    def offline(**_):
        raise OSError("no network\nat all")

    bare.setattr(juliapkg, "resolve", offline)
    assert main(["doctor", "--install"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "no network at all" in err and "existing Julia" in err
