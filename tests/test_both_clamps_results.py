"""What a fit of both clamps returns: errors, held-out sets of either kind, what the verbs say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from clamps import SQUID, in_current_clamp, in_voltage_clamp, with_network

import pyhodgkin as ph
from pyhodgkin import Stage
from pyhodgkin.errors import InputError, RecordingError, UnknownNameError
from pyhodgkin.fitting.losses import loss_value, pooled_scale
from pyhodgkin.results.fit_result import FitResult

ENGINES = ["torch", pytest.param("julia", marks=pytest.mark.julia)]
LOOSE = {"rtol": 1e-5, "atol": 1e-7}
START = SQUID.with_parameters(k__g=33.0, na__g=110.0)
FIRING, OTHER = in_current_clamp(8.0), in_current_clamp(15.0)
LOW, HIGH = in_voltage_clamp(-40.0), in_voltage_clamp(20.0)
SHORT = Stage("clamped", "lbfgs", 3), Stage("simulation", "lbfgs", 2)


def fit(recordings, neuron=START, **changes):
    call = {"trainable": ["k.g", "na.g"], "schedule": SHORT, "backend": "torch", **LOOSE, **changes}
    return ph.fit(neuron, recordings, progress=False, **call)


def by_hand(neuron, recording, engine="torch"):
    """What a neuron says of a recording: v of a solve, or the sum of the ionic currents."""
    start = {} if recording.observed == "current" else {"y0": neuron.initial_state(recording.v[0])}
    solution = ph.simulate(neuron, recording.protocol, saveat=recording.t, backend=engine,
                           rtol=1e-9, atol=1e-11, **start)  # fmt: skip
    return ph.Recording.from_solution(solution).data


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("train", "held"),
    [
        ([FIRING], [LOW, HIGH]),
        ([LOW, HIGH], [FIRING]),
        ([FIRING], [OTHER, LOW]),
        ([LOW, FIRING], [HIGH, OTHER]),
        ([HIGH, FIRING, LOW], [OTHER]),
    ],
)
def test_held_out_recordings_of_either_clamp_are_scored(train, held, engine):
    result = fit(train, heldout=held, backend=engine, rtol=1e-8, atol=1e-10)
    for errors, recordings in ((result.train_error, train), (result.heldout_error, held)):
        assert errors.names == tuple(r.name for r in recordings)
        assert errors.units == tuple(r.unit for r in recordings)
        for i, recording in enumerate(recordings):
            off = by_hand(result.neuron, recording, engine) - recording.data
            rms, mean = np.sqrt(np.mean(off**2)), np.mean(np.abs(off))
            assert errors.rmse[0, i] == pytest.approx(rms, rel=1e-3, abs=1e-4)
            assert errors.mae_all[0, i] == pytest.approx(mean, rel=1e-3, abs=1e-4)
    # The score that chose the parameters: the mean over the observables that are held out.
    scores = []
    for observed in ("v", "current"):
        own = [r for r in held if r.observed == observed]
        used = [r for r in train if r.observed == observed] or own
        loss = ph.Loss(scale=pooled_scale(used)) if observed == "v" else ph.Loss()
        of_own = [loss_value(loss, by_hand(result.neuron, r, engine), r.data) for r in own]
        scores += [float(np.mean(of_own))] if own else []
    assert result.scores[0] == pytest.approx(np.mean(scores), rel=2e-3)


@pytest.mark.parametrize("engine", ENGINES)
def test_evaluate_agrees_with_the_fit(engine):
    result = fit([LOW, FIRING], heldout=[OTHER, HIGH], backend=engine)
    judged = ph.evaluate(result, [LOW, FIRING], heldout=[OTHER, HIGH], backend=engine, **LOOSE)
    both = (("training", result.train_error), ("held out", result.heldout_error))
    for role, errors in both:
        for unit in ("mV", "uA/cm2"):
            found = judged.mean(role, unit=unit)["rmse"]
            assert found == pytest.approx(float(errors.mean("rmse", unit)[0]), rel=1e-9)
    with pytest.raises(InputError, match="give unit="):
        judged.mean("training")


def test_means_of_errors_are_of_one_unit():
    result = fit([LOW, FIRING, HIGH])
    errors = result.train_error
    with pytest.raises(InputError, match="uA/cm2 and mV: give unit="):
        errors.mean()
    assert errors.mean("rmse", "mV")[0] == errors.rmse[0, 1]
    assert errors.mean("rmse", "uA/cm2")[0] == pytest.approx(np.mean(errors.rmse[0, [0, 2]]))
    with pytest.raises(UnknownNameError, match="nA"):
        errors.mean("rmse", "nA")
    # In one line, in a notebook, and in full: each in its unit.
    assert " µA/cm² and " in repr(result) and " mV in training" in repr(result)
    assert "µA/cm² and" in result._repr_html_()
    assert "mV" in str(result) and "uA/cm2" in str(result)


def test_the_log_says_what_is_compared_with_which_recordings():
    result = fit([LOW, FIRING, HIGH], heldout=OTHER)
    text = "\n".join(result.log)
    assert "trained on v of 1 in current clamp (8 uA) and the current of 2 in voltage clamp" in text
    assert "(-40 mV, 20 mV), judged by v of 1 in current clamp (15 uA)" in text
    assert "the loss is the mean of that of v and that of the current" in text
    assert "stage 1 (clamped): current clamp: i_stim - c_m dv/dt" in text
    assert "stage 2 (simulation): current clamp: v, simulated; voltage clamp: the current" in text
    assert "in training v " in text and ", current " in text
    # Of one clamp nothing is said of the other.
    assert not any("voltage clamp" in line for line in fit([FIRING]).log)


def test_kept_in_a_folder_and_gone_on_with(tmp_path):
    stages = Stage("clamped", "adamw", 4, batch=2), Stage("simulation", "lbfgs", 4)
    call = {"schedule": stages, "heldout": [OTHER, HIGH]}
    mixed = [LOW, FIRING, in_voltage_clamp(0.0)]
    whole = fit(mixed, **call)
    place = tmp_path / "run"
    fit(mixed, **call, out=place, checkpoint_every=0.0, callback=lambda i: i.stage == 1)
    again = fit(mixed, **call, out=place, checkpoint_every=0.0, resume=True)
    np.testing.assert_array_equal(again.theta, whole.theta)
    np.testing.assert_array_equal(again.history["loss"], whole.history["loss"])
    read = FitResult.load(place)
    assert read.train_error.units == ("uA/cm2", "mV", "uA/cm2")
    np.testing.assert_array_equal(read.predictions[1].predicted, whole.predictions[1].predicted)
    # Another order is another run.
    with pytest.raises(ph.errors.CheckpointError, match="different recordings"):
        fit(mixed[::-1], **call, out=place, resume=True)


def test_an_ensemble_has_each_start_as_if_alone():
    stages = Stage("clamped", "lbfgs", 4), Stage("simulation", "levenberg", 2)
    call = {"neuron": with_network(4), "trainable": "networks", "schedule": stages}
    several = fit([LOW, FIRING], seeds=[0, 3], **call)
    alone = fit([LOW, FIRING], seeds=[3], **call)
    np.testing.assert_allclose(several.theta[1], alone.theta[0], rtol=1e-6)
    band = several.ensemble().prediction(1)
    assert band.values.shape == (2, len(FIRING))
    rows = several.ensemble().rows()
    assert [row["unit"] for row in rows[-2:]] == ["uA/cm2", "mV"]


@pytest.mark.parametrize("engine", ENGINES)
def test_cells_with_one_clamp_each_or_both(engine):
    mine = [
        replace(in_current_clamp(10.0, k__g=40.0), cell="a"),
        replace(in_voltage_clamp(0.0, k__g=40.0), cell="a"),
        replace(in_voltage_clamp(-20.0, k__g=30.0), cell="b"),
        replace(in_current_clamp(12.0, k__g=34.0), cell="c"),
    ]
    stages = Stage("clamped", "levenberg", 20), Stage("simulation", "levenberg", 10)
    result = fit(mine, SQUID.with_parameters(k__g=36.0, na__g=115.0), per_cell="k.g",
                 trainable="na.g", schedule=stages, backend=engine)  # fmt: skip
    found = [result.cells[name].channel("k").g for name in "abc"]
    np.testing.assert_allclose(found, [40.0, 30.0, 34.0], rtol=1e-3)
    assert result.neuron.channel("na").g == pytest.approx(120.0, rel=1e-3)
    judged = ph.evaluate(result, mine, backend=engine, **LOOSE)
    assert judged.mean("training", unit="mV")["rmse"] < 0.1


def test_initial_states_of_both_are_fitted_and_kept():
    cut = in_current_clamp(10.0, t_end=30.0).window(6.0, 18.0)
    stages = (
        Stage("multiple_shooting", "lbfgs", 4, window=4.0),
        Stage("multiple_shooting", "lbfgs", 4, window=8.0),
        Stage("simulation", "lbfgs", 4),
    )
    result = fit([LOW, cut, HIGH, FIRING], schedule=stages)
    assert any("do not start at rest" in line for line in result.log)
    states = result.initial_states
    assert states.shape == (1, 4, 4)
    # Each at the voltage that it starts at.
    np.testing.assert_allclose(states[0, :, 0], [-65.0, cut.v[0], -65.0, FIRING.v[0]], atol=2.0)
    assert result.train_error.rmse[0, 1] < 5.0


@pytest.mark.parametrize("engine", ENGINES)
def test_information_of_both_is_the_sum(engine):
    names = ["k.g", "na.g", "l.g", "c_m"]
    call = {"trainable": names, "backend": engine}
    # Without noise of v nobody asks how uncertain the voltage is that it starts at.
    known = [ph.identifiability(SQUID, own, **call) for own in ([LOW, FIRING], LOW, FIRING)]
    assert known[0].noise == (*known[1].noise, *known[2].noise)
    both, of_current, of_v = (x.information for x in known)
    scale = np.sqrt(np.outer(np.diagonal(both), np.diagonal(both)))
    np.testing.assert_allclose((of_current + of_v - both) / scale, 0.0, atol=1e-9)
    each = [([LOW, FIRING], [5.0, 0.5]), (LOW, 5.0), (FIRING, 0.5)]
    known = [ph.identifiability(SQUID, own, noise=noise, **call) for own, noise in each]
    assert "c_m" in known[1].undetermined and known[0].undetermined == ()
    # The start of a noisy v is uncertain, and least squares do not weigh that: hence not below.
    least = np.fmin(known[1].standard_errors, known[2].standard_errors)
    assert np.all(known[0].standard_errors <= 1.1 * least)
    with pytest.raises(InputError, match=r"noise = 1.0: .*µA/cm² and mV; give one number for each"):
        ph.identifiability(SQUID, [LOW, FIRING], noise=1.0, backend=engine)


def test_noise_is_that_of_v():
    noisy = in_current_clamp(8.0, noise=0.5)
    stage = Stage("clamped", "lbfgs", 2)
    result = fit([LOW, noisy], schedule=stage, noise=0.5)
    of_current, of_v = result.goodness.residuals
    assert of_v.stated and of_v.noise == 0.5 and not of_current.stated
    # One for each recording is in the unit of each.
    result = fit([LOW, noisy], schedule=stage, noise=[3.0, 0.5], heldout=HIGH)
    assert [(r.noise, r.stated) for r in result.goodness.residuals[:2]] == [
        (3.0, True),
        (0.5, True),
    ]
    assert result.identifiability.noise == (3.0, 0.5)
    # A list of one number is one number.
    result = fit([LOW, noisy], schedule=stage, noise=[0.5])
    assert [r.stated for r in result.goodness.residuals] == [False, True]
    # Of v in training it says nothing of a current that is held out.
    result = fit([noisy], schedule=stage, noise=0.5, heldout=HIGH)
    assert [r.stated for r in result.goodness.residuals] == [True, False]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_new_cell_is_adapted_to_by_both(engine):
    mine = [in_voltage_clamp(0.0, k__g=30.0, na__g=130.0),
            in_current_clamp(10.0, t_end=25.0, k__g=30.0, na__g=130.0)]  # fmt: skip
    result = ph.adapt(SQUID, mine, trainable=["k.g", "na.g"], backend=engine)
    found = [result.neuron.channel(name).g for name in ("k", "na")]
    np.testing.assert_allclose(found, [30.0, 130.0], rtol=1e-3)


def test_units_are_matched_or_refused():
    size = {"capacitance": 20.0}
    clamp = ph.CurrentClamp.step(150.0, start=2.0, stop=12.0, t_end=15.0, unit="pA")
    of_v = ph.Recording.from_solution(
        ph.simulate(SQUID, clamp, saveat=0.1, backend="torch", **size)
    )
    step = ph.VoltageClamp.step(0.0, start=2.0, stop=8.0, t_end=10.0, holding=-65.0)
    of_current = ph.Recording.from_solution(
        ph.simulate(SQUID, step, saveat=0.1, backend="torch", **size)
    )
    assert of_current.unit == "pA"
    result = fit([of_current, of_v], schedule=Stage("simulation", "levenberg", 12), **size)
    # 20 pF at 1 uF/cm2 are 2e-5 cm2: 36 mS/cm2 are 720 nS.
    assert result.neuron.channel("k").g == pytest.approx(720.0, rel=1e-3)
    assert result.train_error.units == ("pA", "mV")
    with pytest.raises(InputError, match="give the size of the cell"):
        fit([of_current, of_v])
    with pytest.raises(RecordingError, match="mix currents in pA and µA/cm²"):
        fit([of_current, FIRING], **size)


def test_a_network_of_everything_has_no_current(tmp_path):
    network = ph.Network.create((5, 4, 4), seed=0)
    box = ph.Neuron("box", right_hand_side=ph.NeuralRightHandSide(network))
    for train, held in (([FIRING, LOW], None), ([FIRING], LOW)):
        with pytest.raises(InputError, match="NeuralRightHandSide, which has no current"):
            ph.fit(box, train, heldout=held, out=tmp_path / "run", backend="torch")
    assert not (tmp_path / "run").exists()


def test_a_part_or_names_are_held_out():
    stage, mixed = Stage("clamped", "lbfgs", 1), [LOW, FIRING, HIGH, OTHER]
    for held, names in ((0.5, ("20 mV", "15 uA")), ("8 uA", ("8 uA",))):
        found = fit(ph.RecordingSet(mixed), heldout=held, schedule=stage).heldout_error
        assert found.names == names


def test_figures_have_each_in_its_unit():
    result = fit([LOW, FIRING, HIGH], heldout=OTHER)
    figure = ph.plot.clamp_fit(result.predictions)
    assert len(figure.axes) == 6
    labels = [ax.get_ylabel() for ax in figure.axes]
    assert labels[2].endswith("(mV)") and labels[3].endswith("(µA/cm²)")
    with pytest.raises(InputError, match="currents in"):
        ph.plot.clamp_fit([LOW, replace(HIGH, current_unit="nA")], [LOW.data, HIGH.data])
    assert ph.plot.evaluation(ph.evaluate(result, [LOW, FIRING], backend="torch"))


def test_advice_on_capacitive_currents_is_of_voltage_clamp():
    spiky = LOW.data.copy()
    spiky[(LOW.t >= 2.0) & (LOW.t < 2.3)] += 2000.0
    result = fit([replace(LOW, current=spiky), FIRING])
    assert any("capacitive current" in text for text in result.goodness.advice)


def test_failed_solves_of_one_clamp_are_no_step():
    result = fit([LOW, FIRING], schedule=Stage("simulation", "lbfgs", 3), max_steps=20)
    assert not result.success and "max_steps" in result.message
