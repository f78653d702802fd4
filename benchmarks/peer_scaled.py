"""Task E of a peer at another scale of the weights: python peer_scaled.py diffrax 10"""

from __future__ import annotations

import runpy
import sys

import common

peer, scale = sys.argv[1], float(sys.argv[2])
plain = common.emit


def emit(task, peer, method, setting="", **kw):
    plain(task, peer, method, f"{setting} x{scale:g}", **kw)


common.random_theta.__defaults__ = (scale,)
common.emit = emit
sys.argv = [f"peer_{peer}.py", "E"]
runpy.run_path(f"peer_{peer}.py", run_name="__main__")
