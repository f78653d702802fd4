"""Every link inside a built site leads to a page and an anchor that exist.

python tools/check_links.py build/site

Links to other sites are listed, not followed.
"""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The links of a page, and the names that a link can point to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.names: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {key: value for key, value in attrs if value}
        self.names.update(found[key] for key in ("id", "name") if key in found)
        self.links += [found[key] for key in ("href", "src") if key in found]


def broken(root: Path) -> tuple[list[str], set[str]]:
    """Links that lead nowhere, and the addresses outside of the site."""
    files = [f for f in root.rglob("*.html") if f.name != "404.html"]
    pages = {f: Page(f.read_text(encoding="utf-8")) for f in files}
    wrong: list[str] = []
    outside: set[str] = set()
    for file, page in pages.items():
        for link in page.links:
            url = urlsplit(link)
            if url.scheme or url.netloc:
                outside.add(link.partition("#")[0])
                continue
            below = root if url.path.startswith("/") else file.parent
            target = (below / unquote(url.path).lstrip("/")).resolve() if url.path else file
            target = target / "index.html" if target.is_dir() else target
            name = unquote(url.fragment)
            known = target in pages and name in pages[target].names
            if not target.exists() or (name and not name.startswith("__") and not known):
                wrong.append(f"{file.relative_to(root)}: {link}")
    return wrong, outside


def main() -> None:
    root = Path(sys.argv[1]).resolve()
    wrong, outside = broken(root)
    print(*sorted(x for x in outside if x.startswith("http")), sep="\n")
    if wrong:
        sys.exit("links that lead nowhere:\n" + "\n".join(wrong))


if __name__ == "__main__":
    main()
