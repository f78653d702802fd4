"""Each part that can be added, added from outside the package and used to the end.

Nothing here touches the inside of the package: a part is one class or function, and one line
that makes it known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

import pyhodgkin as ph
from pyhodgkin import backends, optimize, readers
from pyhodgkin.backends.tableau import ExplicitTableau, RosenbrockTableau
from pyhodgkin.errors import InputError, RecordingError, UnknownNameError
from pyhodgkin.protocols import Protocol, Segments, Waveform

SQUID = ph.library.get("squid_axon")
STEP = ph.CurrentClamp.step(10.0, start=2.0, stop=18.0, t_end=20.0)


# -- a reader -----------------------------------------------------------------------------


def read_toy(path, dt=0.1, temperature=None):
    """A file of numbers: the amplitude of the step, and v in mV in lines of one sweep each."""
    amplitude, *sweeps = path.read_text().splitlines()
    found = []
    for i, line in enumerate(sweeps):
        v = np.array(line.split(), dtype=float)
        t = float(dt) * np.arange(len(v))
        clamp = ph.CurrentClamp.step(float(amplitude), start=2.0, stop=18.0, t_end=t[-1])
        found.append(ph.Recording(t, clamp, v=v, name=f"toy {i}", temperature=temperature))
    return found


@pytest.fixture
def toy_file(tmp_path):
    trace = ph.simulate(SQUID, STEP, saveat=0.1, backend="torch")
    line = " ".join(f"{x:.9g}" for x in trace.v)
    (tmp_path / "cell.TOY").write_text(f"10\n{line}\n{line}\n")
    readers.register(".toy", read_toy, takes=("dt", "temperature"))
    yield tmp_path / "cell.TOY"
    readers.unregister(".toy")


def test_a_reader(toy_file, tmp_path):
    found = ph.read(toy_file, dt=0.1, temperature=6.3)
    assert tuple(found.names) == ("toy 0", "toy 1")
    assert found[0].temperature == 6.3 and ".toy" in readers.suffixes()
    rows = ph.evaluate(SQUID, found, backend="torch").rows()
    assert max(row["rmse"] for row in rows) < 1e-3
    with pytest.raises(RecordingError, match="voltage='v' cannot be given for toy files"):
        ph.read(toy_file, voltage="v")
    with pytest.raises(RecordingError, match="2 sweeps are read, and name= is for one"):
        ph.read(toy_file, name="cell")
    toy_file.write_text("\n".join(toy_file.read_text().splitlines()[:2]))
    assert ph.read(toy_file, name="cell")[0].name == "cell"


def test_a_reader_that_does_not_keep_the_rules(tmp_path):
    (tmp_path / "cell.toy").write_text("")
    readers.register(".toy", lambda path: [1, 2])
    try:
        with pytest.raises(RecordingError, match="gave a list; a reader gives recordings"):
            ph.read(tmp_path / "cell.toy")
        readers.register(".toy", lambda path: [])  # in the place of the other
        with pytest.raises(RecordingError, match="found no recording"):
            ph.read(tmp_path / "cell.toy")
    finally:
        readers.unregister(".toy")
    with pytest.raises(RecordingError, match="no known format"):
        ph.read(tmp_path / "cell.toy")
    with pytest.raises(InputError, match=r'"\.csv" is one of the package'):
        readers.register(".csv", read_toy)
    with pytest.raises(InputError, match="with its dot"):
        readers.register("toy", read_toy)
    with pytest.raises(UnknownNameError, match='unknown argument of read "dtt"; did you mean'):
        readers.register(".toy", read_toy, takes=("dtt",))
    with pytest.raises(UnknownNameError, match="unknown registered ending"):
        readers.unregister(".toy")


# -- a waveform ---------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Sawtooth(Waveform):
    """Lines from 0 to `height` in each `period` (ms), `count` times."""

    height: float
    period: float
    count: int

    def compile(self) -> Segments:
        starts = self.period * np.arange(self.count + 1)
        slopes = np.append(np.full(self.count, self.height / self.period), 0.0)
        return Segments(starts, np.zeros(self.count + 1), slopes)


def test_a_waveform(tmp_path):
    clamp = ph.CurrentClamp(Sawtooth(20.0, 5.0, 3) + 1.0, 20.0)
    np.testing.assert_allclose(clamp([0.0, 4.0, 5.0, 16.0]), [1.0, 17.0, 1.0, 1.0])
    assert Protocol.from_dict(clamp.to_dict()) == clamp
    found = ph.simulate(SQUID, clamp, saveat=0.1, backend="torch")
    assert len(found.spike_times()) >= 1
    kept = ph.Solution.load(found.save(tmp_path / "run.npz"))
    assert kept.protocol == clamp and kept.protocol.waveform == clamp.waveform
    np.testing.assert_array_equal(kept.stimulus, found.stimulus)


def test_a_waveform_does_not_take_the_name_of_another():
    with pytest.raises(InputError, match=r"there is a waveform Step in pyhodgkin\.protocols"):
        type("Step", (Waveform,), {"__module__": "elsewhere"})
    assert Waveform.from_dict(ph.Step(1.0, 2.0, 3.0).to_dict()) == ph.Step(1.0, 2.0, 3.0)


# -- a solver -----------------------------------------------------------------------------

# Bogacki & Shampine, Appl. Math. Lett. 2, 321-325 (1989), 10.1016/0893-9659(89)90079-7, with the
# cubic Hermite interpolant of its ends.
BS3 = ExplicitTableau(
    order=3,
    error_order=2,
    c=(0.0, 1 / 2, 3 / 4, 1.0),
    a=((), (1 / 2,), (0.0, 3 / 4), (2 / 9, 1 / 3, 4 / 9)),
    b_error=(2 / 9 - 7 / 24, 1 / 3 - 1 / 4, 4 / 9 - 1 / 3, -1 / 8),
    dense=(
        (1.0, -4 / 3, 5 / 9),
        (0.0, 1.0, -2 / 3),
        (0.0, 4 / 3, -8 / 9),
        (0.0, -1.0, 1.0),
    ),
)
# Rodas3: Sandu et al., Atmos. Environ. 31, 3459-3472 (1997), 10.1016/S1352-2310(97)83212-8.
RODAS3 = RosenbrockTableau(
    order=3,
    error_order=2,
    gamma=0.5,
    a=((), (0.0,), (2.0, 0.0), (2.0, 0.0, 1.0)),
    c_matrix=((), (4.0,), (1.0, -1.0), (1.0, -1.0, -8 / 3)),
    c=(0.0, 0.0, 1.0, 1.0),
    d=(0.5, 1.5, 0.0, 0.0),
    h_rows=((0.0,) * 4,),
)


@pytest.fixture
def solvers():
    backends.register_solver("bs3", BS3)
    yield backends.get("torch")
    backends.unregister_solver("bs3")


def test_a_solver(solvers):
    assert solvers.solvers()[0] == "rodas5p" and "bs3" in solvers.solvers()
    exact = ph.simulate(SQUID, STEP, rtol=1e-9, atol=1e-11, saveat=0.1, backend="torch")
    how = {"solver": "bs3", "saveat": 0.1, "backend": "torch"}
    found = [ph.simulate(SQUID, STEP, rtol=r, atol=1e-2 * r, **how) for r in (1e-4, 1e-6)]
    errors = [float(np.abs(x.v - exact.v).max()) for x in found]
    assert errors[1] < 0.1 * errors[0] and found[1].stats["n_steps"] > found[0].stats["n_steps"]
    # Third order: a hundredth of the tolerance is 4.6 times the steps.
    ratio = found[1].stats["n_steps"] / found[0].stats["n_steps"]
    assert 3.0 < ratio < 6.0
    trace = ph.Recording.from_solution(exact).window(0.0, 6.0)
    start = SQUID.with_parameters(k__g=35.0)
    stage = ph.Stage("simulation", "lbfgs", 6)
    how = {"solver": "bs3", "rtol": 1e-4, "atol": 1e-6, "backend": "torch", "progress": False}
    result = ph.fit(start, trace, trainable="k.g", schedule=stage, **how)
    assert abs(result.neuron.channel("k").g - 36.0) < 0.2


def test_a_solver_for_stiff_equations_and_what_is_refused():
    backends.register_solver("rodas3", RODAS3)
    try:
        clamp = ph.CurrentClamp.step(10.0, start=1.0, stop=None, t_end=5.0)
        how = {"saveat": [3.0, 5.0], "backend": "torch"}
        exact = ph.simulate(SQUID, clamp, rtol=1e-9, atol=1e-11, **how)
        found = ph.simulate(SQUID, clamp, solver="rodas3", rtol=1e-5, atol=1e-7, **how)
        np.testing.assert_allclose(found.v, exact.v, atol=1.0)
    finally:
        backends.unregister_solver("rodas3")
    with pytest.raises(UnknownNameError, match='unknown solver "rodas3"'):
        ph.simulate(SQUID, STEP, solver="rodas3", backend="torch")
    with pytest.raises(InputError, match='"tsit5" is one of the package'):
        backends.register_solver("tsit5", BS3)
    with pytest.raises(InputError, match="give an ExplicitTableau"):
        backends.register_solver("euler", (0.0,))
    with pytest.raises(InputError, match="c, and the sums of the rows of a"):
        wrong = ExplicitTableau(3, 2, ((), (0.4,), *BS3.a[2:]), BS3.c, BS3.b_error, BS3.dense)
        backends.register_solver("bs3", wrong)


# -- an optimizer -------------------------------------------------------------------------


class Momentum:
    """Steepest descent with momentum; each start has its own step, which grows and shrinks."""

    _STATE = ("ahead", "point", "value", "gradient", "velocity", "rate", "done", "failed")

    def __init__(self, setting: optimize.Setting) -> None:
        self.ahead, self.point = np.array(setting.phi), np.array(setting.phi)
        k = len(self.ahead)
        self.value, self.rate = np.full(k, np.inf), np.full(k, setting.lr)
        self.gradient, self.velocity = np.zeros_like(self.ahead), np.zeros_like(self.ahead)
        self.done, self.failed, self.rejected = (np.zeros(k, bool) for _ in range(3))

    def ask(self):
        return self.ahead

    def tell(self, value, gradient, rate):
        good = np.isfinite(value) & (value <= self.value) & ~self.done
        self.rejected = ~np.isfinite(value) & ~self.done
        rows = good[:, None]
        self.point = np.where(rows, self.ahead, self.point)
        self.value = np.where(good, value, self.value)
        self.gradient = np.where(rows, gradient, self.gradient)
        self.rate = np.where(good, 1.3 * self.rate, 0.3 * self.rate)
        self.velocity = np.where(rows, 0.5 * self.velocity, 0.0) - self.rate[:, None] * (
            self.gradient / (1e-12 + np.linalg.norm(self.gradient, axis=1, keepdims=True))
        )
        self.ahead = np.where(self.done[:, None], self.ahead, self.point + self.velocity)

    def stop(self, rows):
        self.done = self.done | rows

    def state(self):
        return {name: np.array(getattr(self, name)) for name in self._STATE}

    def restore(self, state):
        for name in self._STATE:
            setattr(self, name, np.array(state[name]))


@pytest.fixture
def momentum():
    optimize.register("momentum", Momentum)
    yield {"backend": "torch", "progress": False, "rtol": 1e-4, "atol": 1e-6}
    optimize.unregister("momentum")


def test_an_optimizer(momentum, tmp_path):
    clamp = ph.VoltageClamp.step(0.0, start=2.0, stop=12.0, t_end=15.0)
    trace = ph.Recording.from_solution(ph.simulate(SQUID, clamp, saveat=0.1, backend="torch"))
    start = SQUID.with_parameters(k__g=30.0, na__g=100.0)
    stage = ph.Stage("clamped", "momentum", 60, lr=0.05)
    arguments = {"trainable": ["k.g", "na.g"], "schedule": stage, **momentum}
    whole = ph.fit(start, trace, **arguments)
    assert "momentum" in str(whole)
    for name, g in (("k", 36.0), ("na", 120.0)):
        assert abs(whole.neuron.channel(name).g - g) < 0.02 * g
    # What it keeps in `state` is enough to go on exactly.
    broken = ph.fit(
        start, trace, out=tmp_path / "run", callback=lambda s: s.step == 17, **arguments
    )
    assert len(broken.history["step"]) == 17
    resumed = ph.fit(start, trace, out=tmp_path / "run", resume=True, **arguments)
    np.testing.assert_array_equal(resumed.theta, whole.theta)


def test_an_optimizer_that_nobody_registered():
    with pytest.raises(UnknownNameError, match='unknown optimizer of a Stage "momentun"'):
        ph.Stage("simulation", "momentun")
    with pytest.raises(InputError, match='"lbfgs" is one of the package'):
        optimize.register("lbfgs", Momentum)
    with pytest.raises(InputError, match="give a function of a Setting"):
        optimize.register("momentum", 3)
