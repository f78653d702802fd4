"""Arrays by name, computed when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from ..errors import unknown
from ..numerics.arrays import FloatArray


class NamedArrays(Mapping[str, FloatArray]):
    """Arrays by name; each may be a function that computes it when first asked for.

    Examples
    --------
    >>> import numpy as np
    >>> arrays = NamedArrays("gate", {"n": np.zeros(3), "m": lambda: np.ones(3)})
    >>> arrays["m"]
    array([1., 1., 1.])
    """

    def __init__(self, kind: str, arrays: Mapping[str, Any]) -> None:
        self._kind = kind
        self._arrays: dict[str, Any] = dict(arrays)
        self._compute: Callable[[str], FloatArray] | None = None
        self._given = tuple(self._arrays)

    @classmethod
    def computed(
        cls,
        kind: str,
        names: Sequence[str],
        compute: Callable[[str], FloatArray],
        given: Mapping[str, Any] | None = None,
    ) -> NamedArrays:
        """Those of `names` that are not `given`, by one function of the name."""
        arrays = cls(kind, {**dict.fromkeys(names), **(given or {})})
        arrays._compute = compute
        arrays._given = tuple(given or ())
        return arrays

    @property
    def given(self) -> dict[str, Callable[[], FloatArray]]:
        """Those that no function of the name computes."""
        return {name: partial(self.__getitem__, name) for name in self._given}

    def __getitem__(self, name: str) -> FloatArray:
        if name not in self._arrays:
            raise unknown(self._kind, name, self._arrays)
        found: Any = self._arrays[name]
        if found is None and self._compute is not None:
            found = self._arrays[name] = self._compute(name)
        elif callable(found):
            found = self._arrays[name] = found()
        assert found is not None  # given, or computed above
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def __contains__(self, name: object) -> bool:
        return name in self._arrays

    def __repr__(self) -> str:
        return f"{{{', '.join(self._arrays)}}}"
