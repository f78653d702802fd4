"""NEURON's side of `reduced_cell.py`: the detailed cell of Hay et al. 2011 under given currents.

python reduced_cell_neuron.py FOLDER JOBS.npz OUT.npz

FOLDER holds the model (``models/``, ``morphologies/``) and its compiled mechanisms. JOBS has
``currents`` (R, T), nA every `sample` ms, straight lines between the samples; ``sample``, ``dt``
(the step of the integration), ``order`` of the integration (NEURON's secondorder, 0 or 2), and
``settle`` (ms without current before), ms. OUT has the somatic
``v`` (R, T), mV, ``seconds`` (R,) of computing, ``cai`` (R, T), mM, and ``area`` of the soma, µm².
"""

import os
import sys
import time

import numpy as np

folder, jobs_file, out_file = (os.path.abspath(x) for x in sys.argv[1:4])
jobs = np.load(jobs_file)
os.chdir(folder)  # NEURON loads the mechanisms that it finds in the working directory

from neuron import h  # noqa: E402

for file in ("stdrun.hoc", "import3d.hoc", "models/L5PCbiophys3.hoc", "models/L5PCtemplate.hoc"):
    h.load_file(file)
cell = h.L5PCtemplate("morphologies/cell1.asc")
soma = cell.soma[0]
h.celsius, h.v_init = 34.0, -80.0
h.secondorder = int(jobs["order"])
sample, dt, settle = (float(jobs[x]) for x in ("sample", "dt", "settle"))
every = round(sample / dt)

clamp = h.IClamp(soma(0.5))
clamp.delay, clamp.dur = 0.0, 1e9
v, cai = (h.Vector().record(ref, sample) for ref in (soma(0.5)._ref_v, soma(0.5)._ref_cai))
vs, cais, seconds = [], [], []
for current in jobs["currents"]:
    times = np.concatenate([[0.0, settle - 1e-6], settle + sample * np.arange(len(current))])
    values = np.concatenate([[0.0, 0.0], current])
    t_played, played = h.Vector(times), h.Vector(values)
    played.play(clamp._ref_amp, t_played, True)
    h.dt = dt
    h.steps_per_ms = 1.0 / dt
    h.finitialize(h.v_init)
    h.continuerun(settle)
    begun = time.perf_counter()
    h.continuerun(settle + sample * (len(current) - 1) + dt / 2)
    seconds.append(time.perf_counter() - begun)
    first = round(settle / sample)
    vs.append(np.array(v)[first : first + len(current)])
    cais.append(np.array(cai)[first : first + len(current)])
    played.play_remove()
segments = sum(section.nseg for section in h.allsec())
np.savez(out_file, v=vs, cai=cais, seconds=seconds, area=soma(0.5).area(), segments=segments)
