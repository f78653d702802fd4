"""NaN, infinite and huge numbers in recordings, protocols, parameters, starts and networks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import pyhodgkin as ph

from .cells import FORMS, LIBRARY, protocol_of
from .outcome import Cases, Row, rows_of

WRONG = (np.nan, np.inf, -np.inf)
EXTREME = (*WRONG, 1e308, -1e308, 1e30, -1e30, 1e-308, 0.0)


def rows(engine: str, every: int = 1) -> Iterator[Row]:
    """The rows of this file; of each every `every`-th case."""
    kinds = (
        ("NaN or inf in the samples of a recording", recordings),
        ("NaN or inf in a protocol", protocols),
        ("NaN, inf, huge or zero in one parameter", parameters),
        ("the same in one element of a batch of 8", elements),
        ("NaN, inf or huge at the start y0", starts),
        ("NaN or inf in a solve option", options),
        ("NaN, inf or huge weights of a network", networks),
        ("a fit that starts at huge parameters or weights", fits),
    )
    return rows_of(kinds, engine, every)


def recordings(engine: str) -> Cases:
    """A fit of recordings with one bad sample, in either clamp."""
    cell = ph.library.get("squid_axon")
    t = np.arange(0.0, 10.0, 0.1)
    current = ph.CurrentClamp.step(10.0, 2.0, 8.0, 10.0)
    voltage = ph.VoltageClamp.step(0.0, 2.0, 8.0, 10.0)
    data = {"v": (current, -65.0 + np.sin(t)), "current": (voltage, np.sin(t))}
    for observed, (protocol, y) in data.items():
        for field in ("t", observed):
            for at in (0, 50, len(t) - 1):
                for value in EXTREME[:6]:
                    given = {"t": t.copy(), observed: y.copy()}
                    given[field][at] = value

                    def call(given=given, protocol=protocol, observed=observed):
                        more = {"current_unit": "uA/cm2"} if observed == "current" else {}
                        recording = ph.Recording(protocol=protocol, **given, **more)
                        return fitted(cell, recording, engine)

                    yield f"{field}[{at}] = {value} ({observed})", call


def fitted(cell: ph.Neuron, recording: ph.Recording, engine: str, **more: Any) -> Any:
    """Three steps of training."""
    stage = ph.Stage("simulation", "adamw", steps=3)
    given = {"trainable": "*", "schedule": stage, "throw": False, **more}
    return ph.fit(cell, recording, backend=engine, progress=False, **given)


def protocols(engine: str) -> Cases:
    """Every number of the usual protocols."""
    cell = ph.library.get("squid_axon")
    t = np.arange(0.0, 10.0, 0.5)
    for value in EXTREME[:7]:
        made = {
            "level": lambda x=value: ph.CurrentClamp.step(x, 2.0, 8.0, 10.0),
            "start": lambda x=value: ph.CurrentClamp.step(5.0, x, 8.0, 10.0),
            "stop": lambda x=value: ph.CurrentClamp.step(5.0, 2.0, x, 10.0),
            "t_end": lambda x=value: ph.CurrentClamp.step(5.0, 2.0, None, x),
            "ramp": lambda x=value: ph.CurrentClamp.ramp(0.0, x, 2.0, 8.0, 10.0),
            "amplitude": lambda x=value: ph.CurrentClamp.sine(x, 100.0, 10.0),
            "frequency": lambda x=value: ph.CurrentClamp.sine(5.0, x, 10.0),
            "command": lambda x=value: ph.VoltageClamp.step(x, 2.0, 8.0, 10.0),
            "holding": lambda x=value: ph.VoltageClamp.constant(x, 10.0),
            "a sample": lambda x=value: ph.CurrentClamp.sampled(
                t, np.where(np.arange(len(t)) == 7, x, 5.0)
            ),
            "a time": lambda x=value: ph.CurrentClamp.sampled(
                np.where(np.arange(len(t)) == 7, x, t), np.ones(len(t))
            ),
            "noise": lambda x=value: ph.CurrentClamp.noise(0.0, x, 2.0, 10.0, seed=1, dt=0.5),
        }
        for name, make in made.items():

            def call(make=make):
                return solved(cell, make(), engine)

            yield f"{name} = {value}", call


def solved(cell: ph.Neuron, protocol: Any, engine: str, **more: Any) -> Any:
    """A short solve that returns its status."""
    given = {"saveat": 0.5, "throw": False, "max_steps": 5000, **more}
    return ph.simulate(cell, protocol, backend=engine, **given)


def parameters(engine: str) -> Cases:
    """Each parameter of every neuron of the library and of every form of network."""
    for name, cell in {**LIBRARY, **FORMS}.items():
        protocol = protocol_of(cell, name)
        for entry in cell.layout:
            for value in EXTREME:
                theta = cell.theta
                theta[entry.start] = value

                def call(cell=cell, protocol=protocol, theta=theta):
                    return solved(cell, protocol, engine, theta=theta)

                yield f"{name} {entry.name} = {value}", call


def elements(engine: str) -> Cases:
    """One element of a batch has one bad parameter: the others are as alone."""
    for name in ("squid_axon", "pospischil_lts_calcium", "herg_beattie_markov", "steady_state"):
        cell = {**LIBRARY, **FORMS}[name]
        protocol = protocol_of(cell, name)
        alone: list[np.ndarray] = []
        for entry in cell.layout:
            for value in EXTREME[3:]:
                theta = np.tile(cell.theta, (8, 1))
                theta[3, entry.start] = value

                def call(cell=cell, protocol=protocol, theta=theta, alone=alone):
                    if not alone:
                        others = solved(cell, protocol, engine, theta=np.tile(cell.theta, (7, 1)))
                        alone.append(others.y[0])
                    found = solved(cell, protocol, engine, theta=theta)
                    others = np.delete(found.y, 3, axis=0)
                    if not found.success[[0, 1, 2, 4, 5, 6, 7]].all():
                        return "FAILED: an element without a fault has failed"
                    if np.abs(others - alone[0]).max() > 1e-9:
                        return f"FAILED: others differ by {np.abs(others - alone[0]).max():.2g}"
                    return found

                yield f"{name} {entry.name} = {value} in element 3", call


def starts(engine: str) -> Cases:
    """Each state at the start."""
    for name, cell in {**LIBRARY, **FORMS}.items():
        protocol = protocol_of(cell, name)
        for j, state in enumerate(cell.states):
            for value in EXTREME:
                y0 = cell.initial_state()
                y0[j] = value

                def call(cell=cell, protocol=protocol, y0=y0):
                    return solved(cell, protocol, engine, y0=y0)

                yield f"{name} {state} = {value} at the start", call


def options(engine: str) -> Cases:
    """Each number of `SolveOptions`."""
    cell = ph.library.get("squid_axon")
    protocol = protocol_of(cell, "squid_axon")
    for name in ("rtol", "atol", "max_steps", "dt", "dt_max", "v_scale", "saveat"):
        for value in EXTREME:

            def call(name=name, value=value):
                return solved(cell, protocol, engine, **{name: value})

            yield f"{name} = {value}", call


def networks(engine: str) -> Cases:
    """Weights of every form: all of a network, or one."""
    for name, cell in FORMS.items():
        protocol = protocol_of(cell, name)
        chosen = np.flatnonzero(cell.layout.select("*network*"))
        for value in EXTREME:
            for where in ("one", "all", "scaled"):
                theta = cell.theta
                if where == "scaled":
                    with np.errstate(all="ignore"):
                        theta[chosen] = theta[chosen] * value
                else:
                    theta[chosen[:1] if where == "one" else chosen] = value

                def call(cell=cell, protocol=protocol, theta=theta):
                    return solved(cell, protocol, engine, theta=theta)

                yield f"{name}: {where} weights {value}", call


def fits(engine: str) -> Cases:
    """Trained from where nothing can be solved, or hardly."""
    for name in ("squid_axon", "steady_state", "rates", "residual", "free_v_x", "box", "current"):
        cell = {**LIBRARY, **FORMS}[name]
        t = np.arange(0.0, 10.0, 0.1)
        current = ph.Recording(t, protocol_of(cell, name), v=-65.0 + np.sin(t))
        entries = [e for e in cell.layout if "network" in e.name or name == "squid_axon"]
        for entry in entries:
            for value in (1e308, -1e308, 1e30, 1e6):
                theta = cell.theta
                theta[entry.slice] = value

                def call(cell=cell, theta=theta, current=current):
                    return fitted(cell.with_theta(theta), current, engine, max_steps=2000)

                yield f"{name} {entry.name} = {value}", call
