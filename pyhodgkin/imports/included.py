"""NMODL with the files that it includes."""

from __future__ import annotations

from pathlib import Path

from .source import MOST_BYTES, Source, source_of
from .tokens import spans_of

DEEPEST = 5  # files within files


def mechanism_source(path: Path) -> Source:
    """The text of a .mod file, ``INCLUDE "file"`` replaced by the text of the file.

    A file that is included lies in the folder of the first one, or below it; errors name it and its
    own lines.

    Examples
    --------
    >>> folder = getfixture("tmp_path")
    >>> _ = (folder / "q.inc").write_text("PARAMETER { q = 3 }")
    >>> _ = (folder / "k.mod").write_text('NEURON { SUFFIX k }\\nINCLUDE "q.inc"\\n')
    >>> mechanism_source(folder / "k.mod").lines
    ['NEURON { SUFFIX k }', 'PARAMETER { q = 3 }']
    """
    return _whole(source_of(path), path.parent, path.parent, 0)


def _whole(source: Source, root: Path, folder: Path, depth: int) -> Source:
    lines = source.lines
    origin = [(source.name, i + 1) for i in range(len(lines))]
    spans = spans_of(source)
    places = [
        (line, spans[i + 1])
        for i, (kind, text, line) in enumerate(spans[:-1])
        if (kind, text) == ("name", "INCLUDE") and spans[i + 1][0] == "text"
    ]
    for line, (_, quoted, last) in reversed(places):
        if not lines[line - 1].lstrip().startswith("INCLUDE"):
            source.refuse(
                line, "includes a file behind other statements; give it a line of its own"
            )
        found = _file(source, line, quoted[1:-1], root, folder)
        if depth == DEEPEST:
            source.refuse(line, f"is the {DEEPEST}th file within a file")
        inner = _whole(source_of(found), root, found.parent, depth + 1)
        lines = [*lines[: line - 1], *inner.lines, *lines[last:]]
        origin = [*origin[: line - 1], *inner.origin_of_lines(), *origin[last:]]
        if sum(map(len, lines)) > MOST_BYTES:
            source.refuse(line, f"makes the text longer than {MOST_BYTES} bytes")
    return Source(source.name, "\n".join(lines), tuple(origin)) if places else source


def _file(source: Source, line: int, name: str, root: Path, folder: Path) -> Path:
    """The file that a line includes, beside it or beside the first file."""
    for place in (folder, root):
        path = (place / name).resolve()
        if not path.is_relative_to(root.resolve()):
            source.refuse(line, "includes a file outside of the folder; put its text in its place")
        if path.is_file():
            return path
    source.refuse(line, f"includes a file that is not in {root}; put it there")
