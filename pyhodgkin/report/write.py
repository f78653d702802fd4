"""Write the page of a fit to a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..neuron.neuron import Neuron
from ..storage.atomic import atomic_write
from .page import page

if TYPE_CHECKING:
    from ..results.fit_result import FitResult

ENDINGS = (".html", ".htm")


def write(
    result: FitResult,
    path: str | PathLike[str] = "report.html",
    *,
    published: Neuron | None = None,
    test: Sequence[Mapping[str, Any]] = (),
) -> Path:
    """Write the page of `result`, whole or not at all; see `FitResult.report`.

    `test` are rows of ``errors.csv`` on recordings that were only scored.
    """
    path = checked(path)
    _check_published(result, published)
    text = page(result, published, test)
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
    return path


def checked(path: str | PathLike[str]) -> Path:
    """`path`, where a page can be written.

    Raises
    ------
    InputError
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"path = {path} is a folder: give the name of a file, {path}/report.html")
    if path.suffix.lower() not in ENDINGS:
        raise InputError(
            f"path = {path}: a report is an HTML file, give a name that ends in .html or .htm"
        )
    return path


def _check_published(result: FitResult, published: Neuron | None) -> None:
    """Whether the neuron to compare with has every gate that was learned."""
    if published is None:
        return
    if not isinstance(published, Neuron):
        raise InputError(f"published = {published!r}: give a Neuron, for instance of the library")
    learned = [g.name for g in result.neuron.gates if g.kinetics.kind == "neural"]
    lacking = sorted(set(learned) - {g.name for g in published.gates})
    if lacking:
        raise InputError(
            f'published: "{published.name}" has no gate {", ".join(lacking)}, which was learned; '
            "give a neuron with gates of the same names"
        )
