"""The stretches that an NWB file calls invalid: its table ``invalid_times``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..numerics.arrays import FloatArray

_SLACK = 1e-9  # s: times of samples are sums of rounded numbers


def valid(file: Any, series: Any, times: FloatArray) -> NDArray[np.bool_] | None:
    """Which samples at `times` (s, of the session) lie in no invalid interval; None: all of them.

    An interval that names series is about these; one that names none is about all.
    """
    table = getattr(file, "invalid_times", None)
    if table is None or not len(table):
        return None
    keep = np.ones(len(times), dtype=bool)
    for i in range(len(table)):
        if "timeseries" in table.colnames and not _concerns(table["timeseries"][i], series):
            continue
        begin, end = float(table["start_time"][i]), float(table["stop_time"][i])
        keep &= (times < begin - _SLACK) | (times > end + _SLACK)
    return None if keep.all() else keep


def _concerns(named: Any, series: Any) -> bool:
    references = list(named) if named is not None else []
    return not references or any(x.timeseries is series for x in references)
