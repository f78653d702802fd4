"""Tables, formulas and choices on every engine: the answers of the eager one, and its gradients."""

from __future__ import annotations

import json
import operator

import numpy as np
import pytest
from curved_cells import CURVED
from test_compiled import PROTOCOLS, close, eager
from test_compiled_gradients import off, recordings_of, same, sets_of
from test_compiled_gradients import (
    test_local_derivatives_are_those_of_torch_operations as of_cases,
)
from test_lowering import CASES

import pyhodgkin as ph
from pyhodgkin.backends import compiled
from pyhodgkin.backends.gpu.curves import curves
from pyhodgkin.backends.gpu.derivatives import adjoints, tangents
from pyhodgkin.backends.gpu.graph import Graph, Node
from pyhodgkin.backends.gpu.rows import Rows
from pyhodgkin.backends.loss import Loss
from pyhodgkin.backends.torch.engine import TorchBackend
from pyhodgkin.network.cell_equations import CellEquations
from pyhodgkin.neuron.functions import FUNCTIONS
from pyhodgkin.neuron.serialise import to_dict

ENGINE = TorchBackend()
compiled_only = pytest.mark.skipif(bool(compiled.why_not()), reason=compiled.why_not() or "used")
TIGHT = {"rtol": 1e-9, "atol": 1e-11}


@compiled_only
@pytest.mark.parametrize("protocol", ["step", "voltage"])
@pytest.mark.parametrize("solver", ["rodas5p", "tsit5"])
@pytest.mark.parametrize("name", CURVED)
def test_kernels_give_the_trajectories_of_the_eager_integrator(name, solver, protocol, monkeypatch):
    cell, clamp = CURVED[name], PROTOCOLS[protocol]
    saveat = np.linspace(0.0, clamp.t_end, 25)

    def call():
        return ph.simulate(cell, clamp, backend="torch", solver=solver, saveat=saveat, **TIGHT)

    found, expected = call(), eager(monkeypatch, call)
    close(found.y, expected.y, 1e-6)
    assert abs(found.stats["n_steps"] - expected.stats["n_steps"]) <= 3


@compiled_only
@pytest.mark.parametrize(("solver", "protocol"), [("rodas5p", "step"), ("tsit5", "voltage")])
@pytest.mark.parametrize("name", CURVED)
def test_kernels_give_the_gradients_of_the_eager_adjoint(name, solver, protocol, monkeypatch):
    cell, clamp = CURVED[name], PROTOCOLS[protocol]
    options = ph.SolveOptions(solver=solver, rtol=1e-7, atol=1e-9)

    def call():
        return ENGINE.value_and_grad(
            cell, recordings_of(clamp), sets_of(cell), Loss("mse", scale=1.0), options=options
        )

    same(call(), eager(monkeypatch, call), 1e-5)


@compiled_only
@pytest.mark.parametrize("name", CURVED)
def test_local_derivatives_are_those_of_torch_operations(name, monkeypatch):
    monkeypatch.setitem(CASES, name, CURVED[name])
    of_cases(name)


@compiled_only
@pytest.mark.parametrize("name", CURVED)
def test_elements_side_by_side_have_the_answers_of_each_alone(name):
    cell = CURVED[name]
    g = 0.3 * np.linspace(0.8, 1.2, 37)
    saveat = np.linspace(0.0, 12.0, 7)
    many = ph.simulate(
        cell, PROTOCOLS["step"], backend="torch", parameters={"l.g": g}, saveat=saveat
    )
    for i in (0, 17, 36):
        one = ph.simulate(
            cell.with_parameters(l__g=g[i]), PROTOCOLS["step"], backend="torch", saveat=saveat
        )
        np.testing.assert_allclose(many.y[i], one.y, rtol=1e-10, atol=1e-10)


def test_gradients_by_the_parameters_of_a_formula_are_slopes_of_the_loss():
    cell, data = CURVED["smooth"], recordings_of(PROTOCOLS["step"])
    options = ph.SolveOptions(solver="rodas5p", rtol=1e-10, atol=1e-12)
    loss = Loss("mse", scale=1.0)
    found = ENGINE.value_and_grad(cell, data, cell.theta, loss, options=options)
    places = [
        i
        for i, name in enumerate(cell.layout.names)
        if name.split(".")[-1] in ("vh", "k", "q", "b")
    ]
    assert len(places) >= 5
    for i in places:
        h = 1e-6 * abs(cell.theta[i])
        ends = np.tile(cell.theta, (2, 1))
        ends[:, i] += [h, -h]
        up, down = ENGINE.value_and_grad(cell, data, ends, loss, options=options).value
        assert found.gradient[i] == pytest.approx((up - down) / (2 * h), rel=1e-4, abs=1e-7)


def test_a_fit_finds_the_parameters_of_a_formula():
    cell = CURVED["kinks"]
    clamps = ph.VoltageClamp.family([-70.0, -50.0, -20.0, 10.0], start=2.0, stop=30.0, t_end=40.0)
    data = [
        ph.Recording.from_solution(s, name=str(i), current_unit="uA/cm2")
        for i, s in enumerate(ph.simulate(cell, clamps, saveat=0.1, backend="torch", **TIGHT))
    ]
    names = ["of_m.m.tau.a", "of_n.n.x_inf.vh"]
    wrong = cell.with_parameters(of_m__m__tau__a=9.0, of_n__n__x_inf__vh=-50.0)
    found = ph.fit(wrong, data, trainable=names, backend="torch").neuron
    np.testing.assert_allclose([found.parameter(n) for n in names], [13.0, -60.0], rtol=1e-3)


# -- code for GPUs, evaluated on the CPU --------------------------------------------------------


def evaluated(graph: Graph, outputs, given):
    """Values of nodes by numpy; `given` are those of names."""
    known = {}
    signs = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}

    def apply(name, x):
        if name in signs:
            return signs[name](*x)
        if name == "below":
            return np.where(x[0] < x[1], x[2], 0.0)
        if name == "choose":
            return np.where(x[0] < x[1], x[2], x[3])
        if name == "power":
            return x[0] ** x[1]
        if name == "logistic":
            return 1.0 / (1.0 + np.exp(-x[0]))
        call = {"exponential": "exp", "logarithm": "log", "hyperbolic_tangent": "tanh"}.get(
            name, name
        )
        slope = call == "linoid_slope"
        value = FUNCTIONS["linoid" if slope else call][2]((x[0], np.ones_like(x[0])))
        return value[1 if slope else 0]

    nodes = [x for x in outputs if isinstance(x, Node)]
    for index in graph.needed(nodes):
        name, arguments, extra = graph.operations[index]
        if name in ("name", "constant"):
            known[index] = given[extra] if name == "name" else np.float64(extra)
        else:
            known[index] = apply(name, [known[i] for i in arguments])
    return [known[x.index] if isinstance(x, Node) else x for x in outputs]


@pytest.mark.parametrize("name", ["smooth", "kinks"])
def test_graphs_for_gpus_have_the_same_values_and_slopes(name):
    cell, graph = CURVED[name], Graph()
    tables, rows = cell.tables, Rows.of(cell.tables)
    v = graph.name("v")
    found = curves(tables, rows, lambda row: graph.name(f"p{row}"), v)
    at = np.array([-93.2, -61.7, -48.3, -20.1, 33.3])
    given = {"v": at} | {f"p{i}": x for i, x in enumerate(cell.theta)}
    for i, place in enumerate(rows.leaf_place):
        a, v0, k = cell.theta[place : place + 3]
        given |= {
            f"p{rows.inverse(i)}": 1 / k,
            f"p{rows.shift(i)}": -v0 / k,
            f"p{rows.height(i)}": a * k,
        }
    expected = CellEquations(tables, cell.theta[None])._curves(at)
    values = evaluated(graph, found, given)
    slopes = evaluated(graph, tangents(graph, {v.index: 1.0}, found), given)
    back = [adjoints(graph, [node], [1.0], [v])[0] for node in found]
    for own, slope, other, (value, steep) in zip(
        values, slopes, evaluated(graph, back, given), expected, strict=True
    ):
        np.testing.assert_allclose(own + 0.0 * at, value, rtol=1e-11, atol=1e-13)
        np.testing.assert_allclose(slope + 0.0 * at, steep, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(other + 0.0 * at, steep, rtol=1e-9, atol=1e-12)


# -- Julia --------------------------------------------------------------------------------------


@pytest.mark.julia
@pytest.mark.parametrize("name", CURVED)
def test_julia_has_the_same_tables(name):
    from pyhodgkin.backends.julia.arrays import julia_view
    from pyhodgkin.backends.julia.convert import system_of
    from pyhodgkin.backends.julia.start import session

    cell, run = CURVED[name], session()
    document, _ = to_dict(cell)
    for system in (system_of(cell), run.call("system_of", json.dumps(document))):
        found = run.call("tables", system)
        for field, expected in cell.tables.arrays().items():
            got = julia_view(run.call("table", found, field))
            np.testing.assert_allclose(got, expected, rtol=1e-14, atol=1e-18, err_msg=field)


@pytest.mark.julia
@pytest.mark.parametrize("solver", ["rodas5p", "tsit5"])
@pytest.mark.parametrize("name", CURVED)
def test_julia_gives_the_answers_and_gradients_of_torch(name, solver):
    from pyhodgkin.backends.julia.engine import JuliaBackend

    cell = CURVED[name]
    whole = [i for i, x in enumerate(cell.layout.names) if ".x_inf." in x and x.endswith(".a")]
    whole = [i for i in whole if cell.theta[i] == 1.0]
    for clamp in (PROTOCOLS["step"], PROTOCOLS["voltage"]):
        saveat = np.linspace(0.0, clamp.t_end, 13)
        for parameters in ({}, {"l.g": 0.3 * np.linspace(0.9, 1.1, 40)}):
            pair = [
                ph.simulate(
                    cell,
                    clamp,
                    backend=x,
                    solver=solver,
                    saveat=saveat,
                    parameters=parameters,
                    **TIGHT,
                ).y
                for x in ("julia", "torch")
            ]
            close(*(y.reshape(-1, y.shape[-1]) for y in pair), 1e-6)
        options = ph.SolveOptions(solver=solver, rtol=1e-8, atol=1e-10)
        for count in (1, 20):
            sets = np.concatenate([sets_of(cell, 1)] * count)
            sets[:, whole] = 1.0  # a steady state above 1 is held there by each engine in its way
            found, expected = (
                x().value_and_grad(
                    cell, recordings_of(clamp), sets, Loss("mse", scale=1.0), options=options
                )
                for x in (JuliaBackend, TorchBackend)
            )
            assert off(found.value, expected.value) < 1e-6
            # A step over a kink is differentiated on one side of it.
            assert off(found.gradient, expected.gradient) < (2e-3 if name == "kinks" else 5e-5)
