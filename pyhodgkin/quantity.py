"""A number with its unit."""

from __future__ import annotations


class Quantity(float):
    """A float that also says its unit; in arithmetic it is a plain float.

    Examples
    --------
    >>> r = Quantity(2.5, "MΩ")
    >>> r
    2.5 MΩ
    >>> r.unit, 2 * r
    ('MΩ', 5.0)
    """

    unit: str

    def __new__(cls, value: float, unit: str) -> Quantity:
        made = super().__new__(cls, value)
        made.unit = unit
        return made

    def __getnewargs__(self) -> tuple[float, str]:  # type: ignore[override]
        return float(self), self.unit

    def __repr__(self) -> str:
        return f"{float(self):.6g} {self.unit}"

    __str__ = __repr__
