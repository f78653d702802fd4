"""What the recordings of one fit say of cells, electrodes and corrections, where it matters."""

from __future__ import annotations

from collections.abc import Sequence

from . import Recording


def notes(recordings: Sequence[Recording], per_cell: object = None) -> list[str]:
    """Sentences for the log of a fit, none where the recordings agree.

    Examples
    --------
    >>> from pyhodgkin import CurrentClamp
    >>> a, b = (Recording([0, 1], CurrentClamp(0, 1), v=[-65, -65], cell=c) for c in "ab")
    >>> notes([a, b])[0].split(":")[0]
    'the recordings are of 2 cells (a, b)'
    """
    found = []
    for kind in ("cell", "electrode"):
        names = list(dict.fromkeys(getattr(r, kind) for r in recordings if getattr(r, kind)))
        if per_cell is None and len(names) > 1:
            listed = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
            found.append(
                f"the recordings are of {len(names)} {kind}s ({listed}): one neuron is fitted to "
                "all; per_cell= gives each its own"
            )
            break
    corrected = [r.junction_potential for r in recordings if r.junction_potential is not None]
    if 0 < len(corrected) < len(recordings):
        found.append(
            f"{len(corrected)} of {len(recordings)} recordings are corrected for a junction "
            f"potential ({corrected[0]:g} mV) and the others are not: their potentials differ; "
            "Recording.with_junction_potential corrects one"
        )
    return found
