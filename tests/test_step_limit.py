"""`max_steps` that cannot be enough for the pieces of a protocol is refused before any work."""

import numpy as np
import pytest

import pyhodgkin as ph
from pyhodgkin.backends import get
from pyhodgkin.backends.base import SolveOptions
from pyhodgkin.backends.loss import Loss
from pyhodgkin.backends.step_limit import check_max_steps
from pyhodgkin.cli.app import main
from pyhodgkin.errors import InputError

ENGINES = ["torch", pytest.param("julia", marks=pytest.mark.julia)]
SQUID = ph.library.get("squid_axon")


def sampled(n: int, dt: float = 0.05, kind: type = ph.CurrentClamp):
    return kind.sampled(dt * np.arange(n), np.random.default_rng(0).standard_normal(n))


def test_the_least_that_is_asked_for_is_what_the_rule_allows():
    protocol = sampled(51)  # 50 pieces
    check_max_steps(50, [protocol], 2.5)
    with pytest.raises(InputError, match=r"max_steps = 49: the protocol has 50 pieces in 2.5 ms"):
        check_max_steps(49, [protocol], 2.5)
    check_max_steps(10, [protocol], 0.5)  # only what is solved counts
    check_max_steps(1, [ph.CurrentClamp.constant(1.0, t_end=50.0)], 50.0)


def test_the_limit_grows_with_breakpoints_and_with_seconds():
    many = sampled(1001)
    with pytest.raises(InputError, match=r"give max_steps = 100 or more"):
        check_max_steps(99, [many], 50.0)
    check_max_steps(100, [many], 50.0)
    slow = sampled(100, dt=1000.0)  # a step more allowed after each second
    check_max_steps(1, [slow], 99_000.0)


def test_which_protocol_of_a_batch_is_said():
    few, many = ph.CurrentClamp.step(1.0, 1.0, 2.0, t_end=5.0), sampled(60)
    with pytest.raises(InputError, match=r"protocol 2 has 59 pieces in 2.95 ms"):
        check_max_steps(20, [few, few, many], [5.0, 5.0, 2.95])


@pytest.mark.parametrize("backend", ENGINES)
@pytest.mark.parametrize("kind", [ph.CurrentClamp, ph.VoltageClamp])
@pytest.mark.parametrize("throw", [True, False])
def test_a_long_command_is_refused_at_once(backend, kind, throw):
    protocol = sampled(20_001, kind=kind)
    with pytest.raises(InputError, match=r"max_steps = 20: .*20000 pieces.*give max_steps = 100 "):
        ph.simulate(SQUID, protocol, saveat=10.0, max_steps=20, throw=throw, backend=backend)


@pytest.mark.parametrize("backend", ENGINES)
@pytest.mark.parametrize("verb", ["value_and_grad", "predict", "linearize"])
def test_training_refuses_it_too(backend, verb):
    t, protocol = 0.05 * np.arange(101), sampled(101)
    recordings = [ph.Recording(t, protocol, v=np.full(101, -65.0))]
    call = {"mode": "simulation", "y0": None, "options": SolveOptions(max_steps=30)}
    engine, loss = get(backend), [] if verb == "predict" else [Loss()]
    theta = SQUID.theta[None] if verb == "linearize" else SQUID.theta
    with pytest.raises(InputError, match="max_steps = 30: the protocol has 100 pieces in 5 ms"):
        getattr(engine, verb)(SQUID, recordings, theta, *loss, **call)


def test_the_clamped_mode_takes_no_steps_and_is_not_asked():
    t, protocol = 0.05 * np.arange(101), sampled(101)
    recordings = [ph.Recording(t, protocol, v=np.full(101, -65.0))]
    call = {"mode": "clamped", "y0": None, "options": SolveOptions(max_steps=1)}
    assert np.isfinite(
        get("torch").value_and_grad(SQUID, recordings, SQUID.theta, Loss(), **call).value
    )


def test_on_the_command_line(tmp_path, capsys):
    out = tmp_path / "run"
    code = main(["simulate", "squid_axon", "--step", "7", "--max-steps", "1", "--out", str(out)])
    said = capsys.readouterr().err
    assert code != 0 and not out.exists()
    assert "--max-steps 1: the protocol has 2 pieces in 100 ms" in said
    assert "give --max-steps 2 or more" in said
