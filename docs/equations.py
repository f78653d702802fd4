"""Turns the equations of the pages into MathML when the site is built: no script, no network.

MkDocs calls `on_page_content`, after `pymdownx.arithmatex` has marked the equations.
"""

from __future__ import annotations

import re
from html import unescape

_MARKED = re.compile(
    r'<(span|div) class="arithmatex">(?:\\\(|\\\[)(.*?)(?:\\\)|\\\])</\1>', flags=re.DOTALL
)


def on_page_content(html: str, **_: object) -> str:
    """The page with each equation as MathML."""
    if 'class="arithmatex"' not in html:
        return html
    from latex2mathml.converter import convert

    def written(found: re.Match[str]) -> str:
        display = "block" if found[1] == "div" else "inline"
        return convert(" ".join(unescape(found[2]).split()), display=display)

    return _MARKED.sub(written, html)
