"""Jaxley: the pool of calcium as a pump, driving forces of calcium and Markov schemes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..neuron.calcium import thermal_voltage
from ..neuron.calcium_curves import LEAST
from .jaxley_statements import CALLS, statement_lines
from .printing import Printer
from .programs import CHARGE, CellProgram, ChannelProgram, PoolProgram, SchemeProgram

_POOL = '''
class CalciumPool(Pump):
    """The concentration of calcium, mM, driven by the currents of {sources}."""

    def __init__(self, name=None):
        super().__init__(name)
        at = self._name
        self.channel_params = {{
            f"{{at}}_ca_inf": {ca_inf!r}, f"{{at}}_tau": {tau!r}, f"{{at}}_k": {k!r}
        }}
        self.channel_states = {{{states}"CaCon_i": {start!r}}}
        self.ion_name = "CaCon_i"
        self.current_name = f"i_{{at}}"

    def update_states(self, states, dt, v, params):
        return {{}}

    def init_state(self, states, v, params, delta_t):
        return {{}}

    def compute_current(self, states, modified_state, params):
        at = self._name
        inward = {inward}  # mA/cm²
        decay = (modified_state - params[f"{{at}}_ca_inf"]) / params[f"{{at}}_tau"]
        return params[f"{{at}}_k"] * inward + decay
'''


def pool(own: PoolProgram, classes: Mapping[str, str]) -> str:
    """The class of the pool; `classes` are those of the channels by their names."""
    currents = [f"i_{classes[name]}" for name in own.sources]
    return _POOL.format(
        sources=", ".join(own.sources) or "no channel",
        ca_inf=own.ca_inf,
        tau=own.tau,
        k=1e3 * own.k,
        start=own.start,
        states="".join(f'"{name}": 0.0, ' for name in currents),
        inward=" + ".join(f'states["{name}"]' for name in currents) or "0.0",
    )


def drive(cell: CellProgram, channel: ChannelProgram) -> Iterator[str]:
    """v - e with Nernst's potential, or the current of a unit permeability, mA/cm²."""
    assert cell.temperature is not None
    thermal = thermal_voltage(cell.temperature)
    outside = 'params[f"{at}_ca_out"]'
    if channel.law == "nernst":
        yield f"        drive = v - {thermal!r} * jnp.log({outside} / jnp.maximum(ca, {LEAST!r}))"
        return
    yield f"        x = v / {thermal!r}"
    yield f"        drive = {1e-3 * CHARGE!r} * (ca * linoid(x) - {outside} * linoid(-x))"


def matrix(cell: CellProgram, own: SchemeProgram) -> Iterator[str]:
    """The method ``matrix``: dp/dt = matrix @ p for the probabilities p of all states."""
    n, at, text = len(own.states), "v, ca" if own.uses_calcium else "v", Printer(CALLS)
    yield from ("", f"    def matrix(self, {at}):")
    for rate in own.rates:
        yield from (f"        {line}" for line in statement_lines(rate.statements))
        yield f"        {rate.name} = {text.text(rate.value)}"
    yield f"        flows = jnp.zeros(({n}, {n}, *jnp.shape(v)))  # to, from"
    for start, end, rate, factor in own.moves:
        value = rate if factor == 1.0 else f"{factor!r} * {rate}"
        place = f"{own.states.index(end)}, {own.states.index(start)}"
        yield f"        flows = flows.at[{place}].set({value})"
    yield "        flows = jnp.moveaxis(flows, (0, 1), (-2, -1))"
    factor = ""
    if cell.temperature is not None and own.t_ref is not None and own.q10 != 1.0:
        factor = f"{own.q10!r} ** (({cell.temperature!r} - ({own.t_ref!r})) / 10.0) * "
    yield f"        leaving = flows.sum(axis=-2, keepdims=True) * jnp.eye({n})"
    yield f"        return {factor}(flows - leaving)"


def step(own: SchemeProgram) -> Iterator[str]:
    """The exact step of a scheme at a fixed voltage."""
    at = "v, ca" if own.uses_calcium else "v"
    states = ", ".join(f'states[f"{{at}}_{x}"]' for x in own.states)
    yield f"        p = jnp.stack([{states}], axis=-1)"
    yield f"        p = jax.scipy.linalg.expm(dt * self.matrix({at})) @ p[..., None]"
    yield f"        {', '.join(own.states)} = jnp.moveaxis(p[..., 0], -1, 0)"


def start(own: SchemeProgram) -> Iterator[str]:
    """The steady state of a scheme: matrix @ p = 0 where the probabilities sum to one."""
    n, at = len(own.states), "v, ca" if own.uses_calcium else "v"
    yield f"        balance = self.matrix({at}).at[..., -1, :].set(1.0)"
    yield f"        one = jnp.broadcast_to(jnp.eye({n})[-1], balance.shape[:-1])[..., None]"
    yield "        p = jnp.linalg.solve(balance, one)[..., 0]"
    yield f"        {', '.join(own.states)} = jnp.moveaxis(p, -1, 0)"
