"""What a network refuses, with the argument, the value, the unit and what is allowed."""

from __future__ import annotations

import numpy as np
import pytest
from network_references import KINETICS
from neurons import black_box_neuron

import pyhodgkin as ph
from pyhodgkin.errors import InputError, SolveError, UnknownNameError

CELL = ph.library.get("traub_miles")
E = KINETICS["exponential"]
TWO = {"a": (CELL, 3), "b": (CELL, 2)}


def synapses(pre="a", post="b", kinetics=E, weight=0.1, delay=0.0, **more):
    more = more or {"i": [0], "j": [1]}
    return ph.Synapses(pre, post, kinetics, weight, delay, **more)


def network(*items, groups=TWO, gaps=(), **more):
    return ph.SpikingNetwork(groups, items, gaps, **more)


KINETICS_ERRORS = {
    "tau": (lambda: ph.ExponentialSynapse(0, 0.0), r"ExponentialSynapse: tau = 0 ms must be pos"),
    "nan": (lambda: ph.AlphaSynapse(float("nan"), 1.0), r"AlphaSynapse: e = nan mV must be finite"),
    "text": (lambda: ph.AlphaSynapse(0, "fast"), r"tau = 'fast': give a number, in ms"),
    "order": (
        lambda: ph.DoubleExponentialSynapse(0, 5.0, 0.5),
        r"tau_rise = 5 ms must be shorter than tau_decay = 0.5 ms",
    ),
    "equal": (lambda: ph.DoubleExponentialSynapse(0, 2.0, 2.0), r"equal take AlphaSynapse"),
}
GROUP_ERRORS = {
    "neuron": (lambda: ph.NeuronGroup("squid", 3), r"neuron is a str; give a Neuron"),
    "n": (lambda: ph.NeuronGroup(CELL, 0), r"n = 0: give a whole number of at least 1"),
    "half": (lambda: ph.NeuronGroup(CELL, 2.5), r"n = 2.5"),
    "box": (lambda: ph.NeuronGroup(black_box_neuron(), 2), r"whole right-hand side"),
    "name": (lambda: ph.NeuronGroup(CELL, 2, {"na.gg": 1.0}), r'"na.gg"; did you mean "na.g"'),
    "sign": (lambda: ph.NeuronGroup(CELL, 2, {"na.g": [1.0, -1.0]}), r"na.g = -1 mS/cm².*zero or"),
    "c_m": (lambda: ph.NeuronGroup(CELL, 2, {"c_m": 0.0}), r"c_m = 0 µF/cm².*must be positive"),
    "shape": (lambda: ph.NeuronGroup(CELL, 2, {"na.g": [1.0] * 3}), r"shape \(3,\).*\(2,\)"),
    "v0": (lambda: ph.NeuronGroup(CELL, 2, v0=[-60.0, np.nan]), r"v0: nan \(at 1\) is not finite"),
    "protocols": (
        lambda: ph.NeuronGroup(CELL, 2, protocol=[ph.CurrentClamp.constant(1.0, 5.0)]),
        r"protocol: 1 given for 2 cells; give 1 or 2",
    ),
    "clamp": (
        lambda: ph.NeuronGroup(CELL, 1, protocol=[ph.VoltageClamp.constant(1.0, 5.0)]),
        r"VoltageClamp given; cells take CurrentClamp",
    ),
    "unit": (
        lambda: ph.NeuronGroup(CELL, 1, protocol=ph.CurrentClamp.constant(1.0, 5.0, unit="pA")),
        r"a current in pA for neuron .* in µA/cm²",
    ),
    "refractory": (lambda: ph.NeuronGroup(CELL, 1, refractory=-1.0), r"refractory: -1 must be"),
}
CONNECTION_ERRORS = {
    "p": (lambda: synapses(p=1.2), r'Synapses\("a", "b"\): p = 1.2 is a probability: give 0 to 1'),
    "negative p": (lambda: synapses(p=-0.1), r"p: -0.1 must be at least 0"),
    "ways": (lambda: synapses(p=0.1, i=[0], j=[0]), r"say in one way what is connected"),
    "none": (lambda: ph.Synapses("a", "b", E, 0.1), r"say in one way what is connected"),
    "half": (lambda: synapses(i=[0]), r"say in one way what is connected"),
    "lengths": (lambda: synapses(i=[0, 1], j=[0]), r"2 indices i and 1 indices j"),
    "floats": (lambda: synapses(i=[0.5], j=[0]), r"i has shape \(1,\) of float64: give indices"),
    "below": (lambda: synapses(i=[-1], j=[0]), r"i has the index -1; they are 0 or more"),
    "weight": (lambda: synapses(weight=-0.1), r"weight: -0.1 must be at least 0.*not negative"),
    "weights": (lambda: synapses(weight=[0.1, 0.2]), r"weight has shape \(2,\); give a number or"),
    "weights p": (lambda: synapses(weight=[0.1], p=0.1), r"give one number with p"),
    "delay": (lambda: synapses(delay=-1.0), r"delay: -1 must be at least 0 ms"),
    "delays": (lambda: synapses(delay=[1.0, 2.0]), r"delay has shape \(2,\) for 1 connections"),
    "delays p": (lambda: synapses(delay=[1.0, 2.0], p=0.1), r"delay of each connection goes with"),
    "kinetics": (lambda: synapses(kinetics=5.0), r"kinetics is a float; give ExponentialSynapse"),
    "self": (lambda: ph.GapJunctions("a", "a", 0.1, [1], [1]), r"cell 1 is joined to itself"),
    "gap": (lambda: ph.GapJunctions("a", "a", -0.1, [1], [0]), r"g: -0.1 must be at least 0"),
}
NETWORK_ERRORS = {
    "groups": (lambda: network(groups={}), r"groups: give at least one"),
    "group": (lambda: network(groups={"a": CELL}), r'"a" is a Neuron; give \(neuron, n\)'),
    "pre": (lambda: network(synapses(pre="x")), r'unknown group or source "x" \(known: a, b\)'),
    "post": (lambda: network(synapses(post="bb")), r'unknown group "bb"; did you mean "b"'),
    "source": (
        lambda: network(synapses("a", "in"), sources={"in": ph.PoissonSource(2, 5.0)}),
        r'post = "in" is a source',
    ),
    "twice": (lambda: network(sources={"a": ph.PoissonSource(2, 5.0)}), r"name of a group too"),
    "index": (lambda: network(synapses(i=[3], j=[0])), r"i has the index 3; they are from 0 to 2"),
    "target": (lambda: network(synapses(i=[0], j=[2])), r"j has the index 2; they are from 0 to 1"),
    "matrix": (
        lambda: network(ph.Synapses("a", "b", E, np.ones((2, 3)))),
        r"a matrix of shape \(2, 3\) for groups of 3 and 2",
    ),
    "initial": (lambda: network(synapses(initial=[1.0] * 3, p=0.1)), r"initial has shape \(3,\)"),
    "units": (
        lambda: network(
            groups={"a": (CELL, 1), "b": (CELL.whole_cell(area=1e4), 1)},
            gaps=[ph.GapJunctions("a", "b", 0.1, [0], [0])],
        ),
        r"currents in µA/cm² and in pA",
    ),
    "seed": (lambda: network(seed=-1), r"seed = -1: give a whole number of at least 0"),
    "items": (lambda: network(gaps=[3]), r"gap_junctions: int given"),
}
SOURCE_ERRORS = {
    "rate": (lambda: ph.PoissonSource(2, -5.0), r"rate: -5 must be at least 0 Hz"),
    "fast": (lambda: ph.PoissonSource(2, 1e6), r"above 100,000 Hz"),
    "stop": (lambda: ph.PoissonSource(2, 5.0, 20.0, 10.0), r"stop = 10 ms is not after 20 ms"),
    "time": (lambda: ph.SpikeTimes(1, [-1.0]), r"times: -1 \(at 0\) must be at least 0 ms"),
    "index": (lambda: ph.SpikeTimes(1, [1.0], [1]), r"index 1; they are from 0 to 0"),
    "count": (lambda: ph.SpikeTimes(1, [1.0], [0, 0]), r"2 indices for 1 times"),
}
SIMULATE_ERRORS = {
    "duration": (dict(duration=0.0), r"duration: 0 must be above 0 ms"),
    "dt": (dict(dt=1.0), r"dt = 1 ms does not resolve a spike; give 0.5 or less"),
    "zero": (dict(dt=0.0), r"dt: 0 must be above 0 ms"),
    "record": (dict(record={"x": [0]}), r'unknown group in record "x"'),
    "cells": (dict(record={"a": [3]}), r"record: a has the index 3; they are from 0 to 2"),
    "list": (dict(record=[0]), r"record is a list; give \{group: indices\}"),
    "record_dt": (dict(record_dt=0.07), r"record_dt = 0.07 ms is not a multiple of dt = 0.025"),
    "engine": (dict(engine="julia"), r'unknown engine "julia" \(known: auto, compiled, numpy\)'),
    "threads": (dict(threads=0), r"threads = 0: give a whole number"),
    "seed": (dict(seed=0.5), r"seed = 0.5: give a whole number"),
}
CASES = {
    f"{kind}: {name}": case
    for kind, cases in {
        "kinetics": KINETICS_ERRORS, "group": GROUP_ERRORS, "connections": CONNECTION_ERRORS,
        "network": NETWORK_ERRORS, "source": SOURCE_ERRORS,
    }.items()
    for name, case in cases.items()
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_a_network_is_made_of(name):
    make, message = CASES[name]
    with pytest.raises(InputError, match=message):
        make()


@pytest.mark.parametrize("name", SIMULATE_ERRORS)
def test_options_of_a_simulation(name):
    options, message = SIMULATE_ERRORS[name]
    with pytest.raises(InputError, match=message):
        network(synapses()).simulate(**{"duration": 5.0, "engine": "numpy"} | options)


def test_steps_too_large_for_a_synapse_or_a_gap_junction():
    fast = network(synapses(kinetics=ph.DoubleExponentialSynapse(0, 0.1, 1.0)))
    with pytest.raises(InputError, match=r"dt = 0.2 ms is longer than a time constant of 0.1 ms"):
        fast.simulate(5.0, dt=0.2)
    tight = network(gaps=[ph.GapJunctions("a", "b", 20.0, [0], [0])])
    with pytest.raises(InputError, match=r'gap junctions of "a" have a time constant of 0.05 ms'):
        tight.simulate(5.0, dt=0.05)
    tight.simulate(0.5, dt=0.02, engine="numpy")


def test_delays_that_need_too_much_memory():
    with pytest.raises(InputError, match=r"delays of up to 1e\+07 ms .* GB for spikes on their"):
        network(synapses(delay=1e7)).simulate(5.0)


def test_a_voltage_that_is_not_finite():
    cell = ph.Neuron("bad", (ph.Channel("x", 1e308, 1e10),), current_unit="uA/cm2")
    with pytest.raises(SolveError, match=r'group "a": the voltage of cell 0 is not finite at t = '):
        ph.SpikingNetwork({"a": (cell, 1)}).simulate(1.0, engine="numpy")


def test_what_is_asked_of_a_solution():
    found = network().simulate(5.0, engine="numpy")
    for call in (found.rates, found.isi_cv, found.population_rate):
        with pytest.raises(UnknownNameError, match=r'unknown group "c"'):
            call("c")
    with pytest.raises(InputError, match=r"cell = 3: there are cells 0 to 2"):
        found.spike_times("a", 3)
    with pytest.raises(InputError, match=r"start = 5 ms is not before the end, 5 ms"):
        found.rates("a", start=5.0)
    with pytest.raises(UnknownNameError, match=r'unknown group "c"'):
        found.plot_raster(["c"])
