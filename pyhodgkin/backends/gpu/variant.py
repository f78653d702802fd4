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

    def add_to_row(self, row: int, value: str) -> list[str]:
        """The code that adds to a row of the gradient of every element, where ``held``."""
        place = row * WIDTH
        if not self.ptx:
            target = f"gradients + {place}"
            return [f"tl.store({target}, tl.load({target}) + {value}, held)"]
        double = self.dtype == "float64"
        bits, register, size = ("f64", "d", 8) if double else ("f32", "f", 4)
        code = (
            f"{{ .reg .pred p; setp.ne.s32 p, $3, 0; "
            f"@p red.global.add.{bits} [$1+{place * size}], $2; mov.b32 $0, 0; }}"
        )
        return [
            f'tl.inline_asm_elementwise("{code}", "=r,l,{register},r", '
            f"[gradients, {value}, held.to(tl.int32)], dtype=tl.int32, is_pure=False, pack=1)"
        ]

    def load(self, text: str, count: int) -> list[str]:
        """The lines of `text`, with the place of the parameters, of `count` rows."""
        first = f"(own_set // {WIDTH}) * {WIDTH * count} + own_set % {WIDTH}"
        weights = f"weights = rows + {first if self.width > 1 else 'own_set'}"
        found = text.replace("WEIGHTS", weights).split("\n")
        found += ["weights = weights.to(tl.int64)"] if self.ptx else []
        return [line for line in found if line]
