"""What a kernel is made for, beside the neuron and the method."""

from __future__ import annotations

from dataclasses import dataclass

from .rows import WIDTH


@dataclass(frozen=True)
class Variant:
    """What a kernel is made for, beside the neuron and the method.

    Parameters
    ----------
    clamped : bool
        Under voltage clamp.
    moving : bool
        Whether the stimulus is more than steps.
    sines : bool
        Whether it has sinusoids.
    dtype : str
        ``"float64"`` or ``"float32"``.
    width : int
        1 where all elements share one parameter set, else `rows.WIDTH`.
    ptx : bool
        Whether single instructions of PTX may be in the code; not for Triton's interpreter.
    """

    clamped: bool
    moving: bool
    sines: bool
    dtype: str = "float64"
    width: int = WIDTH
    ptx: bool = True

    def read_row(self, row: int) -> str:
        """The code that reads a row of the parameters of every element."""
        place = row * self.width
        if not self.ptx:
            return f"tl.load(weights + {place})"
        double = self.dtype == "float64"
        bits, register, size = ("f64", "d", 8) if double else ("f32", "f", 4)
        return (
            f'tl.inline_asm_elementwise("ld.global.nc.{bits} $0, [$1+{place * size}];", '
            f'"={register},l", [weights], dtype=tl.{self.dtype}, is_pure=False, pack=1)'
        )
