"""The stimulus in a kernel, as code: the piece that holds now, and its value."""

from __future__ import annotations

from .variant import Variant


def signal(variant: Variant, t: str, order: int) -> str:
    """The stimulus at a time, or its first or second derivative, in double precision."""
    tau = f"({t} - start)"
    found = f"line(offset, rate, {tau}, {order})"
    if variant.sines:
        found += f" + sinusoids(sines, protocol * pieces + piece, n_sines, {tau}, {order})"
    return found


def enter(variant: Variant) -> list[str]:
    """Take the numbers of the piece that holds now."""
    text = ["end, start, offset, rate = read_piece(lines, protocol, piece, pieces, stop, PTX)"]
    if not variant.moving:
        text.append("u = (0.0 * offset).to(F)" if variant.clamped else "u = offset.to(F)")
    return text
