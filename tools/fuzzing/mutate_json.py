"""Mutations of JSON that stays JSON: types swapped, deep nesting, huge numbers, NaN, two keys."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from .mutate import Rng, flip

DEEP = "@@deep@@"
_DEEP = (
    *(
        ("[", "]"),
        ('{"a":', "0}"),
        ('{"kind":"Sum","terms":[', "]}"),
        ('{"form":"sum","of":[', "]}"),
    ),
    ('{"form":"power","exponent":1,"base":', '{"form":"voltage"}'),
)
_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2, 1.5, -0.0, 1e308, -1e308, 5e-324, 10**400, 2**63, 10**9),
    *(float("nan"), float("inf"), "", "x", "é", "\0", "../x", "/etc/passwd", "..", "x" * 100_000),
    *([], {}, [[]], [0], [None], {"": 0}, {"kind": "sum"}, [1e308] * 50, DEEP, "9" * 5000),
)


def _spots(item: Any) -> Iterator[tuple[Any, Any]]:
    """All (container, key) of nested lists and objects."""
    for key in list(item) if isinstance(item, dict) else range(len(item)):
        yield item, key
        if isinstance(item[key], (dict, list)):
            yield from _spots(item[key])


def values(data: bytes, rng: Rng) -> bytes:
    """One to three values are replaced, left out, renamed, copied to another place, or doubled."""
    try:
        return _with_other_values(json.loads(data), rng)
    except (ValueError, RecursionError):  # no JSON, or nested deeply, by an earlier mutation
        return flip(data, rng)


def _with_other_values(item: Any, rng: Rng) -> bytes:
    for _ in range(1 + int(rng.random() < 0.3) * 2):
        spots = list(_spots(item)) if isinstance(item, (dict, list)) else []
        if not spots:
            break
        _change(spots, rng)
    text = json.dumps(item)
    if DEEP in text:
        count = int(10 ** rng.uniform(1, 5))
        a, b = _DEEP[int(rng.integers(len(_DEEP)))]
        text = text.replace(f'"{DEEP}"', a * count + b * count)
    if rng.random() < 0.05:
        text = text.replace(": ", ': 1, "name": ', 1)
    return text.encode()


def _change(spots: list[tuple[Any, Any]], rng: Rng) -> None:
    inside, key = spots[int(rng.integers(len(spots)))]
    other, place = spots[int(rng.integers(len(spots)))]
    what = rng.random()
    if what < 0.55:
        inside[key] = _VALUES[int(rng.integers(len(_VALUES)))]
    elif what < 0.65:
        del inside[key]
    elif what < 0.75 and isinstance(inside, dict):
        inside[str(place)] = inside.pop(key)
    elif what < 0.9:
        inside[key] = json.loads(json.dumps(other[place]))
    elif isinstance(inside, list):
        inside.extend([inside[key]] * int(rng.integers(1, 500)))
    else:
        inside[f"{key} 2"] = inside[key]


JSON = (values, values, values, values, flip)
