"""NEURON's side of `imports.py`: currents of mechanisms under voltage clamp.

python imports_neuron.py JOBS.json OUT.json
"""

import json
import sys

from neuron import h

h.load_file("stdrun.hoc")
jobs, out = json.load(open(sys.argv[1])), {}
for job in jobs:
    name = job["name"]
    try:
        cell = h.Section()
        cell.L = cell.diam = 10.0
        cell.cm = 1e15
        cell.insert(name)
        h.celsius = job["celsius"]
        if hasattr(h, "usetable_" + name):
            setattr(h, "usetable_" + name, 0)
        for ion in job["ions"]:
            h.ion_style(ion + "_ion", 1, 1, 0, 0, 0, sec=cell)
        seg = cell(0.5)
        for key, value in job["e"].items():
            if hasattr(seg, key):
                setattr(seg, key, value)
            elif hasattr(h, key + "_" + name):
                setattr(h, key + "_" + name, value)
            else:
                setattr(seg, key + "_" + name, value)
        rows = []
        for hold in job["holds"]:
            for step in job["steps"]:
                h.finitialize(hold)
                h.dt = 500.0
                for _ in range(200):
                    h.fadvance()
                cell.v, start, h.dt = step, h.t, 0.025
                for time in job["times"]:
                    while h.t < start + time - 1e-6:
                        cell.v = step
                        h.fadvance()
                    cell.v = step
                    h.fcurrent()
                    rows.append(
                        sum(
                            getattr(seg, c if c[0] == "i" and ion else c + "_" + name)
                            for c, ion in job["currents"]
                        )
                    )
        out[name] = rows
    except Exception as error:
        out[name] = repr(error)
    del cell
json.dump(out, open(sys.argv[2], "w"))
