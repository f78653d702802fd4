"""NeuroML 2: ionChannelHH with its gates, and what the cell says of its density."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..errors import InputError, unknown
from ..neuron.channels import Channel
from ..neuron.gates import Gate, check_name
from ..neuron.kinetics import InstantaneousKinetics, Kinetics, RateKinetics, SteadyStateKinetics
from ..neuron.rates import Constant, Curve, Exponential, Linoid, Sigmoid
from .curves import curve_of, short
from .lems import formula_of
from .source import Source
from .xml import Element, tree_of

# The size of a unit in ms, mV, 1/ms, mS/cm² or degrees Celsius.
UNITS: dict[str, dict[str, float]] = {
    "time": {"ms": 1.0, "s": 1e3, "us": 1e-3},
    "voltage": {"mV": 1.0, "V": 1e3},
    "rate": {"per_ms": 1.0, "per_s": 1e-3, "Hz": 1e-3, "kHz": 1.0},
    "density": {"mS_per_cm2": 1.0, "S_per_m2": 0.1, "S_per_cm2": 1e3},
    "temperature": {"degC": 1.0},
    "none": {"": 1.0},
}
_STANDARD = {"HHExp": Exponential, "HHSigmoid": Sigmoid, "HHExpLinear": Linoid}
_ROLES = {
    "forwardRate": ("alpha", "Rate"),
    "reverseRate": ("beta", "Rate"),
    "steadyState": ("x_inf", "Variable"),
    "timeCourse": ("tau", "Time"),
}
_GATES = {
    "gateHHrates": ("alpha", "beta"),
    "gateHHtauInf": ("x_inf", "tau"),
    "gateHHratesTauInf": ("alpha", "beta", "x_inf", "tau"),
    "gateHHratesTau": ("alpha", "beta", "tau"),
    "gateHHratesInf": ("alpha", "beta", "x_inf"),
    "gateHHInstantaneous": ("x_inf",),
}
_PLAIN = {"notes", "annotation", "property"}


def channels(
    source: Source,
    e: float | Mapping[str, float] | None,
    g: float | Mapping[str, float] | None,
    celsius: float | None,
) -> tuple[Channel, ...]:
    """The channels of a file; see `read_channels`."""
    root = tree_of(source)
    kinds = {x.need("name"): x for x in root.all("ComponentType")}
    found = [x for x in root.walk() if x.tag in ("ionChannelHH", "ionChannel")]
    if not found:
        raise InputError(f"{source.name} has no ionChannelHH")
    densities: dict[str, Element] = {}
    for x in root.walk():
        if x.tag.startswith("channelDensity") and x.get("ionChannel"):
            name = x.need("ionChannel")
            if name in densities:
                x.refuse(f"is a second density of {name}: a channel has one")
            densities[name] = x
    names = [x.need("id") for x in found]
    for given, what in ((e, "reversal potential"), (g, "conductance")):
        if isinstance(given, Mapping):
            for name in given:
                if name not in names:
                    raise unknown(f"{what} of the channel", name, names)
        elif given is not None and len(names) > 1:
            raise InputError(
                f"{source.name} has the channels {', '.join(names)}; give the {what} as a mapping, "
                f'{{"{names[0]}": …}}'
            )
    return tuple(
        _channel(x, densities.get(x.need("id")), kinds, _one(e, x), _one(g, x), celsius)
        for x in found
    )


def _one(given: float | Mapping[str, float] | None, x: Element) -> float | None:
    if isinstance(given, Mapping):
        return given.get(x.need("id"))
    return given


def _channel(
    x: Element,
    density: Element | None,
    kinds: Mapping[str, Element],
    e: float | None,
    g: float | None,
    celsius: float | None,
) -> Channel:
    name = x.need("id")
    if x.get("type") not in (None, "ionChannelHH"):
        x.refuse(f"has the type {x.get('type')}, which is not read")
    if density is not None and density.tag != "channelDensity":
        density.refuse(f"is a {density.tag}: only channelDensity, g·(v - e), is read")
    if density is not None:
        g = quantity(density, "condDensity", "density") if g is None else g
        e = quantity(density, "erev", "voltage") if e is None else e
    for value, what, unit in ((g, "conductance: g=", "mS/cm²"), (e, "reversal: e=", "mV")):
        if value is None:
            x.refuse(f"has no density in this file; give its {what} ({unit})")
    assert g is not None and e is not None
    gates = []
    for child in x.children:
        if child.tag in _PLAIN:
            continue
        kind = str(child.get("type")) if child.tag == "gate" else child.tag
        if kind not in _GATES:
            child.refuse(f"is a {kind}, which is not read; {', '.join(_GATES)} are")
        gates.append(_gate(child, kind, kinds, celsius))
    return Channel(name, g=float(g), e=float(e), gates=tuple(gates))


def _gate(x: Element, kind: str, kinds: Mapping[str, Element], celsius: float | None) -> Gate:
    name = x.need("id")
    check_name("gate", name)
    curves: dict[str, Curve] = {}
    q10, t_ref, factor = 1.0, None, 1.0
    for child in x.children:
        if child.tag in _PLAIN:
            continue
        if child.tag == "q10Settings":
            q10, t_ref, factor = _q10(child)
        elif child.tag in _ROLES and _ROLES[child.tag][0] in _GATES[kind]:
            role, dimension = _ROLES[child.tag]
            if role in curves:
                child.refuse(f"is a second {child.tag} of {name}")
            curves[role] = _curve(child, dimension, kinds, celsius)
        else:
            child.refuse(f"is not read within a {kind}")
    missing = [role for role in _GATES[kind] if role not in curves]
    if missing:
        x.refuse(f"has no {', '.join(missing)}")
    instances = x.get("instances") or "1"
    if not re.fullmatch(r"[0-9]{1,3}", instances) or int(instances) < 1:
        x.refuse(f"has instances = {instances}; give 1, 2, 3, …")
    kinetics = _kinetics(curves, factor)
    return Gate(name, kinetics, int(instances), q10=q10, t_ref=t_ref)


def _kinetics(curves: dict[str, Curve], factor: float) -> Kinetics:
    """The kinetics of a gate; `factor` of all rates is one without temperature."""
    a, b = curves.get("alpha"), curves.get("beta")
    x_inf, tau = curves.get("x_inf"), curves.get("tau")
    if a is not None and b is not None and x_inf is None and tau is None:
        return RateKinetics(*(c if factor == 1.0 else factor * c for c in (a, b)))
    if a is not None and b is not None:
        x_inf = a / (a + b) if x_inf is None else x_inf
        tau = 1.0 / (a + b) if tau is None else tau
    assert x_inf is not None
    if tau is None:
        return InstantaneousKinetics(x_inf)
    return SteadyStateKinetics(x_inf, tau if factor == 1.0 else tau / factor)


def _q10(x: Element) -> tuple[float, float | None, float]:
    kind = x.need("type")
    if kind == "q10ExpTemp":
        return (
            quantity(x, "q10Factor", "none"),
            quantity(x, "experimentalTemp", "temperature"),
            1.0,
        )
    if kind == "q10Fixed":
        return 1.0, None, quantity(x, "fixedQ10", "none")
    x.refuse(f"has the type {kind}, which is not read; q10ExpTemp and q10Fixed are")


def _curve(
    x: Element, dimension: str, kinds: Mapping[str, Element], celsius: float | None
) -> Curve:
    kind = x.need("type")
    if kind == "fixedTimeCourse" and dimension == "Time":
        return Constant(quantity(x, "tau", "time"))
    base = kind.removesuffix(dimension)
    if base in _STANDARD and kind.endswith(dimension):
        a = quantity(x, "rate", "rate" if dimension == "Rate" else "none")
        v0, k = quantity(x, "midpoint", "voltage"), quantity(x, "scale", "voltage")
        if k == 0.0:
            x.refuse("has the scale 0")
        return _STANDARD[base](short(a / k) if base == "HHExpLinear" else a, v0, k)
    if kind not in kinds:
        x.refuse(f"has the type {kind}, which is neither in the standard nor in this file")
    try:
        return curve_of(formula_of(kinds[kind], dimension, celsius))
    except InputError as error:
        if str(error).startswith(x.source.name):
            raise
        raise x.source.error(x.line, str(error)) from None


def quantity(x: Element, name: str, kind: str) -> float:
    """An attribute with its unit, as ms, mV, 1/ms, mS/cm² or degrees Celsius."""
    text = x.need(name)
    match = re.fullmatch(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(\w*)\s*", text)
    if match is None or match[2] not in UNITS[kind]:
        allowed = ", ".join(unit or "no unit" for unit in UNITS[kind])
        x.refuse(f'has {name} = "{text}"; give a number with one of the units {allowed}')
    value = float(match[1]) * UNITS[kind][match[2]]
    if not abs(value) < 1e300:
        x.refuse(f'has {name} = "{text}", which is not finite')
    return value
