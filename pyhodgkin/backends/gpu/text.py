"""Lines of code."""

from __future__ import annotations

from collections.abc import Sequence


def indented(text: Sequence[str]) -> list[str]:
    return [f"    {line}" for line in text]
