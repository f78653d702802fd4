"""Gauss and Newton's matrix along the directions of networks: that of differences, and of use."""

from __future__ import annotations

import numpy as np
import pytest
from neurons import ENGINES, black_box_neuron, learned_neuron, local_derivatives

import pyhodgkin as ph
from pyhodgkin import CurvePenalty, Stage
from pyhodgkin.backends import get
from pyhodgkin.backends.base import SolveOptions
from pyhodgkin.backends.linearization import Directions, WeightDirections
from pyhodgkin.backends.loss import Loss
from pyhodgkin.backends.sensitivity.directional import jvp, network_inputs
from pyhodgkin.backends.sensitivity.simulated import SimulatedSensitivity
from pyhodgkin.errors import InputError
from pyhodgkin.fitting.hierarchical import cells_of, hierarchical
from pyhodgkin.fitting.objective import Objective
from pyhodgkin.fitting.parameterization import Parameterization, SharedParameters
from pyhodgkin.fitting.penalties import PenaltyOf
from pyhodgkin.fitting.problem import Problem
from pyhodgkin.fitting.residuals import gauss_newton, jacobian
from pyhodgkin.fitting.states import InitialStates
from pyhodgkin.fitting.transforms import Transform
from pyhodgkin.neuron.channels import NeuralCurrent
from pyhodgkin.neuron.gates import Gate
from pyhodgkin.numerics.spikes import crossing, rises

TIGHT = SolveOptions(rtol=1e-8, atol=1e-10)


def squid():
    return ph.library.get("squid_axon")


def learned(form="steady_state", layers=(1, 5, 5, 2), gate="n"):
    network = ph.Network.create(layers, seed=1)
    more = {"prior": squid().gate(gate).kinetics} if form == "residual" else {}
    return squid().replace_gate(gate, ph.NeuralKinetics(form, network, **more))


def with_current():
    kinetics = ph.NeuralKinetics("rates", ph.Network.create((1, 4, 2), seed=2))
    network = ph.Network.create((2, 6, 1), seed=3)
    return squid().with_channel(NeuralCurrent("unknown", network, (Gate("z", kinetics),)))


def sweep(end=8.0, amplitude=10.0, every=0.1, **more):
    clamp = ph.CurrentClamp.step(amplitude, start=1.0, stop=6.0, t_end=end)
    solution = ph.simulate(squid(), clamp, saveat=every, backend="torch")
    return ph.Recording.from_solution(solution, **more)


SWEEPS = [sweep()]
NEURONS = {
    "steady_state": learned(),
    "rates": learned("rates"),
    "residual": learned("residual", gate="h"),
    "free": learned("free", (2, 5, 1)),
    "current": with_current(),
    "box": black_box_neuron(),
    "instantaneous": learned_neuron(),
}


@pytest.mark.parametrize("backend", ENGINES)
@pytest.mark.parametrize("name", NEURONS)
def test_the_right_hand_side_moves_as_differences_say(name, backend):
    neuron, rng = NEURONS[name], np.random.default_rng(0)
    local, theta = local_derivatives(neuron, backend), neuron.theta
    gates = rng.uniform(0, 1, (len(neuron.states) - 1, 6))
    y = np.concatenate([rng.uniform(-80, 40, (1, 6)), gates])
    u, singles = rng.normal(size=6), neuron.layout.select("physical")
    seen = network_inputs(local, theta, y, u)
    blocks = [WeightDirections(np.arange(len(x.places)), np.eye(len(x.places))) for x in seen]
    found = jvp(local, "rhs", theta, y, u, Directions(blocks, singles, np.full(len(singles), 2.0)))
    entries = np.concatenate([*(x.places for x in seen), singles])
    step = np.where(np.isin(entries, singles), 2e-6, 1e-6)
    for j in rng.choice(len(entries), 25, replace=False):
        there = [_value(local, theta, entries[j], s * step[j], y, u) for s in (1, -1)]
        np.testing.assert_allclose(
            found[:, :, j], (there[0] - there[1]).T / 2e-6, rtol=1e-5, atol=1e-6
        )


def _value(local, theta, place, by, y, u):
    moved = theta.copy()
    moved[place] += by
    return local.value("rhs", moved, y, u)


def objective(neuron, stage, y0=None, penalties=(), recordings=None, backend="torch"):
    names = ["networks", "conductances", "capacitance"]
    places = np.concatenate([neuron.layout.select(name) for name in names])
    shared = SharedParameters(Transform(neuron.layout, neuron.theta, places))
    states = None if y0 is None else InitialStates(y0)
    unknowns = Parameterization(neuron.theta[None], [shared], states)
    problem = Problem(
        get(backend), neuron, recordings or [sweep()], options=TIGHT, penalties=penalties
    )
    return Objective(problem, stage, unknowns), unknowns.start()[0]


def compare(found, plain, rtol, least=0.0):
    """Along the directions as differences say, and next to nothing beside them.

    A direction that changes less than `least` of what the strongest does is measured by that.
    """
    scale = np.sqrt(np.abs(np.diagonal(found.basis.T @ plain @ found.basis))) + 1e-9
    scale = np.maximum(scale, least * scale.max())
    off = found.matrix - found.basis.T @ plain @ found.basis
    assert np.max(np.abs(off) / np.outer(scale, scale)) < rtol
    lost = plain - found.basis @ found.matrix @ found.basis.T
    assert np.max(np.abs(lost)) < rtol * np.max(np.abs(plain))


STAGES = {
    "clamped": Stage("clamped", "levenberg"),
    "observer": Stage("observer", "levenberg", gain=1.0),
    "simulation": Stage("simulation", "levenberg"),
}


@pytest.mark.parametrize("backend", ENGINES)
@pytest.mark.parametrize("mode", STAGES)
@pytest.mark.parametrize("name", ["steady_state", "residual", "current", "instantaneous"])
def test_it_is_that_of_differences(name, mode, backend, monkeypatch):
    # Nodes close together: what is left is the difference's own error.
    monkeypatch.setattr("pyhodgkin.backends.sensitivity.trajectories.MOVE", 0.1)
    monkeypatch.setattr("pyhodgkin.backends.sensitivity.trajectories.LONGEST", 0.02)
    monkeypatch.setattr("pyhodgkin.backends.sensitivity.trajectories.FINE", 0.02)
    of, phi = objective(NEURONS[name], STAGES[mode], backend=backend)
    parts = jacobian(lambda x: of.residuals(0, x), phi, step=1e-4)
    plain = of._comparison.factor * gauss_newton(*parts, of._comparison.loss)
    # Steps that Julia takes change with the parameters, which differences of little show.
    least = 0.01 if backend == "julia" else 0.0
    compare(of.curvature(0, phi), plain, 1e-3 if mode == "clamped" else 0.06, least)


@pytest.mark.julia
@pytest.mark.parametrize("mode", STAGES)
@pytest.mark.parametrize("name", ["steady_state", "residual", "current", "instantaneous"])
def test_it_is_that_of_the_other_engine(name, mode):
    matrices = []
    for backend in ("julia", "torch"):
        of, phi = objective(NEURONS[name], STAGES[mode], recordings=SWEEPS, backend=backend)
        found = of.curvature(0, phi)
        matrices.append(found.basis @ found.matrix @ found.basis.T)
    size = np.linalg.norm(matrices[1], 2)
    assert np.linalg.norm(matrices[0] - matrices[1], 2) < 1e-6 * size


@pytest.mark.parametrize("backend", ENGINES)
def test_spike_times_and_a_ceiling_are_in_it(backend, monkeypatch):
    for name, fine in (("MOVE", 0.1), ("LONGEST", 0.02), ("FINE", 0.005)):
        monkeypatch.setattr(f"pyhodgkin.backends.sensitivity.trajectories.{name}", fine)
    neuron, recording = squid().with_parameters(k__g=33.0), sweep(amplitude=12.0, every=0.01)
    loss = Loss(spikes=3.0, v_clip=-40.0)
    stage = Stage("simulation", "levenberg", loss=loss)
    of, phi = objective(neuron, stage, None, (), [recording], backend)
    found = of.curvature(0, phi)

    def terms(x):
        clamp, here = recording.protocol, neuron.with_theta(of._unknowns.unpack(x[None])[0][0])
        start = neuron.initial_state(recording.data[0])
        v = ph.simulate(here, clamp, y0=start, saveat=recording.t, backend="torch",
                        rtol=1e-8, atol=1e-10).v  # fmt: skip
        scaled = np.minimum(v, -40.0) / np.std(recording.data) / np.sqrt(len(v))
        late = crossing(recording.t, v, rises(v, 0.0), 0.0) * np.sqrt(3.0)
        return np.concatenate([scaled, late])

    moves = 1e-4 * np.eye(len(phi))
    rows = np.array([(terms(phi + m) - terms(phi - m)) / 2e-4 for m in moves])
    assert len(terms(phi)) == len(recording.t) + 1
    np.testing.assert_allclose(found.matrix, 2.0 * rows @ rows.T, rtol=0.05)


@pytest.mark.parametrize("backend", ENGINES)
def test_a_whole_right_hand_side_by_differences(backend):
    neuron = NEURONS["box"]
    places = neuron.layout.select("networks")
    shared = SharedParameters(Transform(neuron.layout, neuron.theta, places))
    unknowns = Parameterization(neuron.theta[None], [shared])
    problem = Problem(get(backend), neuron, [sweep(5.0)], options=TIGHT)
    of, phi = Objective(problem, STAGES["simulation"], unknowns), unknowns.start()[0]
    plain = gauss_newton(*jacobian(lambda x: of.residuals(0, x), phi, step=1e-4), Loss())
    found = of.curvature(0, phi)
    off = found.matrix - found.basis.T @ plain @ found.basis
    assert np.linalg.norm(off, 2) < 0.05 * np.linalg.norm(plain, 2)


def test_simulated_currents_are_not_for_it():
    clamp = ph.VoltageClamp.step(0.0, start=1.0, stop=4.0, t_end=5.0, holding=-65.0)
    solution = ph.simulate(squid(), clamp, saveat=0.1, backend="torch")
    recording = ph.Recording.from_solution(solution, current_unit="uA/cm2")
    with pytest.raises(InputError, match="follows v where networks"):
        ph.fit(NEURONS["free"], recording, schedule=STAGES["simulation"], backend="torch")


@pytest.mark.parametrize("backend", ENGINES)
def test_initial_states_are_in_it(backend):
    neuron = NEURONS["steady_state"]
    y0 = neuron.initial_state(-65.0)[None, None] + [0.0, 0.01, 0.02, -0.02]
    of, phi = objective(neuron, Stage("clamped", "levenberg"), y0, backend=backend)
    plain = gauss_newton(*jacobian(lambda x: of.residuals(0, x), phi, step=1e-4), Loss())
    compare(of.curvature(0, phi), plain, 1e-3)


def test_a_penalty_is_in_it():
    neuron, penalty = NEURONS["steady_state"], CurvePenalty(0.3, 0.1)
    (bare, phi), (with_it, _) = (
        objective(neuron, STAGES["clamped"], penalties=p) for p in ([], [penalty])
    )
    more = with_it.curvature(0, phi).matrix - bare.curvature(0, phi).matrix
    assert np.linalg.eigvalsh(more).min() > -1e-6 * np.linalg.eigvalsh(more).max()
    # What a network says is linear in its last layer: there the penalty is a parabola.
    of, theta = PenaltyOf(penalty, neuron), neuron.theta
    last = neuron.layout["k.n.network.weight2"].slice
    step = np.zeros(len(theta))
    step[last] = np.random.default_rng(0).normal(size=last.stop - last.start)
    (here, slope), (there, _) = of(theta[None]), of(theta[None] + step)
    rows = of.rows(theta, step[:, None])
    np.testing.assert_allclose(there - here - slope[0] @ step, np.sum(rows**2), rtol=1e-5)


@pytest.mark.parametrize("backend", ENGINES)
def test_cells_share_networks_and_have_numbers_of_their_own(backend):
    neuron = NEURONS["steady_state"]
    recordings = [sweep(cell="a"), sweep(cell="b", amplitude=15.0)]
    theta = np.repeat(neuron.theta[None, None], 2, axis=1)
    theta[0, 1, neuron.layout["k.g"].start] *= 1.2
    shared, own = (neuron.layout.select(p) for p in (["networks"], ["k.g", "na.g"]))
    transforms = [Transform(neuron.layout, neuron.theta, part) for part in (shared, own)]
    unknowns = hierarchical(theta, *transforms, scale=1.5)
    cells = cells_of(neuron, ["k.g", "na.g"], recordings)
    problem = Problem(get(backend), neuron, recordings, options=TIGHT, cells=cells)
    of, phi = Objective(problem, Stage("clamped", "levenberg"), unknowns), unknowns.start()[0]
    of._mean = None
    plain = gauss_newton(*jacobian(lambda x: of.residuals(0, x), phi, step=1e-4), Loss())
    compare(of.curvature(0, phi), plain, 1e-3)


def test_a_network_is_fitted_to_the_last_digit():
    stages = [
        Stage("clamped", "lbfgs", 40, penalty=CurvePenalty(1e-4, 1e-4)),
        Stage("clamped", "levenberg", 25),
    ]
    fitted = ph.fit(learned(), sweep(), schedule=stages, backend="torch", progress=False)
    v = np.linspace(-60.0, 20.0, 50)
    off = fitted.neuron.gate("n").kinetics.x_inf(v) - squid().gate("n").kinetics.x_inf(v)
    assert fitted.status.name == "SUCCESS" and np.max(np.abs(off)) < 0.05


def test_a_row_that_grows_without_end_does_not_hide_the_others(monkeypatch):
    # As of a trajectory that stays near an equilibrium which is unstable.
    plain = SimulatedSensitivity.rows

    def grown(*args):
        rows = plain(*args)
        rows[-1] *= 1e30
        return rows

    monkeypatch.setattr(SimulatedSensitivity, "rows", grown)
    of, phi = objective(learned(), STAGES["simulation"])
    assert np.max(np.abs(of.curvature(0, phi).matrix)) < 1e15


def test_steps_of_networks_resume_bit_for_bit(tmp_path):
    stages = [Stage("clamped", "levenberg", 6)]
    common = {"schedule": stages, "backend": "torch", "progress": False}
    whole = ph.fit(learned(), sweep(), **common)
    path = tmp_path / "run"
    ph.fit(learned(), sweep(), out=path, checkpoint_every=0.0,
           callback=lambda info: info.step == 3, **common)  # fmt: skip
    resumed = ph.fit(learned(), sweep(), out=path, resume=True, **common)
    np.testing.assert_array_equal(whole.theta, resumed.theta)
