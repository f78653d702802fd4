"""Curves of the voltage as nested plain data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import DocumentError, InputError, nearest
from .calcium_curves import Calcium, Hill
from .curves import Constant, Curve, Leaf, Power, Product, Sum
from .fields import Fields
from .functions import FUNCTIONS, Formula, Function, Number, Parameter, Reference, Voltage
from .rates import Exponential, Linoid, Sigmoid
from .tabulated import Tabulated

LEAVES: dict[str, type[Leaf]] = {c.form: c for c in (Constant, Exponential, Sigmoid, Linoid, Hill)}
# "linoid" is the rate law where it has a, v0 and k, the function where it has "of".
CALLS = {("linoid_of" if name == "linoid" else name): name for name in FUNCTIONS}
OTHERS = (
    *("sum", "product", "power", "voltage", "number", "parameter", "formula", "tabulated"),
    "calcium",
)
DEEPEST = 200  # levels of nested curves


def curve_to_dict(curve: Curve) -> dict[str, Any]:
    """A curve as nested plain data.

    Examples
    --------
    >>> curve_to_dict(Exponential(0.125, -65, -80))
    {'form': 'exponential', 'a': 0.125, 'v0': -65.0, 'k': -80.0}
    """
    if isinstance(curve, Leaf):
        return {"form": curve.form, **{n: getattr(curve, n) for n in curve.parameter_names()}}
    if isinstance(curve, Power):
        return {"form": "power", "base": curve_to_dict(curve.base), "exponent": curve.exponent}
    if isinstance(curve, Number):
        return {"form": "number", "value": curve.value}
    if isinstance(curve, Reference):
        return {"form": "parameter", "name": curve.name}
    if isinstance(curve, Formula):
        given = [{"name": p.name, "value": p.a} for p in curve.parameters]
        return {"form": "formula", "parameters": given, "of": curve_to_dict(curve.body)}
    if isinstance(curve, Tabulated):
        data = {name: list(getattr(curve, name)) for name in ("v", "values", "slopes")}
        return {"form": "tabulated", **data, "scale": curve.scale, "outside": curve.outside}
    if isinstance(curve, (Voltage, Calcium)):
        return {"form": curve.form}
    form = "linoid_of" if isinstance(curve, Function) and curve.name == "linoid" else curve.form
    return {"form": form, "of": [curve_to_dict(child) for child in curve.children()]}


def curve_from_dict(data: Any, where: str = "curve") -> Curve:
    """The curve that `curve_to_dict` wrote; `where` is for the messages."""
    return _read(data, where, 0)


def _read(data: Any, where: str, depth: int) -> Curve:
    if depth > DEEPEST:
        raise DocumentError(f"{where[:60]}…: curves are nested more than {DEEPEST} deep")
    fields = Fields(data, where)
    form = fields.text("form")
    if form in LEAVES:
        kind = LEAVES[form]
        curve = built(kind, where, **{n: fields.number(n) for n in kind.parameter_names()})
    elif form == "power":
        base = _read(fields.take("base"), f"{where}.base", depth + 1)
        curve = Power(base, fields.number("exponent"))
    elif form in ("sum", "product"):
        curve = (Sum if form == "sum" else Product)(_parts(fields, where, depth))
    elif form in CALLS:
        curve = built(Function, where, name=CALLS[form], of=_parts(fields, where, depth))
    elif form == "voltage":
        curve = Voltage()
    elif form == "calcium":
        curve = Calcium()
    elif form == "number":
        curve = built(Number, where, value=fields.number("value"))
    elif form == "parameter":
        curve = Reference(fields.text("name"))
    elif form == "formula":
        curve = _formula(fields, where, depth)
    elif form == "tabulated":
        curve = _tabulated(fields, where)
    else:
        raise unknown_name(where, "form of curve", form, (*LEAVES, *CALLS, *OTHERS))
    fields.finish()
    if depth == 0 and _has_reference(curve):
        raise DocumentError(f'{where}: a "parameter" stands outside of a "formula"')
    return curve


def _parts(fields: Fields, where: str, depth: int) -> tuple[Curve, ...]:
    parts = fields.listing("of")
    if not parts:
        raise DocumentError(f'{where}: field "of" is an empty list')
    return tuple(_read(part, f"{where}.of[{i}]", depth + 1) for i, part in enumerate(parts))


def _formula(fields: Fields, where: str, depth: int) -> Curve:
    given = []
    for i, item in enumerate(fields.listing("parameters")):
        own = Fields(item, f"{where}.parameters[{i}]")
        given.append(Parameter(own.number("value"), own.text("name")))
        own.finish()
    names = [parameter.name for parameter in given]
    if len(set(names)) < len(names):
        raise DocumentError(f"{where}.parameters: the names {names} are not all different")
    body = _read(fields.take("of"), f"{where}.of", depth + 1)
    if next(body.leaves(), None) is not None:
        raise DocumentError(f"{where}.of: a formula holds no rate laws, but numbers and parameters")
    return built(Formula, where, body=body, parameters=tuple(given))


def _tabulated(fields: Fields, where: str) -> Curve:
    numbers = {name: fields.numbers(name) for name in ("v", "values", "slopes")}
    return built(
        Tabulated, where, **numbers, scale=fields.text("scale"), outside=fields.text("outside")
    )


def _has_reference(curve: Curve) -> bool:
    if isinstance(curve, Reference):
        return True
    return any(_has_reference(part) for part in curve.children())


def built(kind: Callable[..., Any], where: str, **values: Any) -> Any:
    """An object from fields that are each of the right type but may not fit together."""
    try:
        return kind(**values)
    except DocumentError:
        raise
    except InputError as error:
        raise DocumentError(f"{where}: {error}") from None


def unknown_name(where: str, what: str, name: str, choices: Any) -> DocumentError:
    """The error for a name that is none of `choices`."""
    return DocumentError(f'{where}: unknown {what} "{name}"; {nearest(name, choices)}')
