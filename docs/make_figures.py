"""Draws the figures of the pages with the code of the pages: `python docs/make_figures.py [PAGE…]`.

A page's Python blocks are run from top to bottom. A block that is followed by a picture,
`![…](figures/NAME.png)`, leaves it in the variable `figure`.
"""

from __future__ import annotations

import io
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib
from PIL import Image

DOCS = Path(__file__).parent
BLOCK = re.compile(
    r"```python\n(?P<code>.*?)```(?:\s+!\[[^\]]*\]\(figures/(?P<name>\w+)\.png\))?", re.DOTALL
)
DPI = 110


def blocks(page: Path) -> Iterator[tuple[str, str | None]]:
    """The Python blocks of a page, each with the name of the figure that follows it, if any."""
    for match in BLOCK.finditer(page.read_text("utf-8")):
        yield match["code"], match["name"]


def pages() -> list[Path]:
    """The pages that have figures."""
    return [p for p in sorted(DOCS.glob("*.md")) if any(name for _, name in blocks(p))]


def draw(page: Path) -> list[Path]:
    """Run a page and write its figures."""
    names: dict[str, Any] = {}
    written = []
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # the examples write files
        try:
            for code, name in blocks(page):
                exec(compile(code, str(page), "exec"), names)
                if name:
                    written.append(save(names["figure"], name))
        finally:
            os.chdir(before)
    return written


def save(figure: Any, name: str) -> Path:
    """Write a figure with a palette of 128 colours, which makes the file small."""
    target = DOCS / "figures" / f"{name}.png"
    target.parent.mkdir(exist_ok=True)
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=DPI)
    Image.open(buffer).convert("RGB").quantize(128).save(target, optimize=True)
    return target


if __name__ == "__main__":
    matplotlib.use("Agg")
    for chosen in [DOCS / name for name in sys.argv[1:]] or pages():
        for path in draw(chosen):
            print(f"{path.relative_to(DOCS)}: {path.stat().st_size / 1e3:.0f} kB")
