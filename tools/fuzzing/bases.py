"""Small valid files of each format, written by the package's own writers and by those of tests."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

import pyhodgkin as ph

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
T = np.arange(80) * 0.05
V = np.round(-65.0 + 10.0 * np.sin(T), 4)
CURRENT = np.where((T >= 1.0) & (T < 2.0), 100.0, 0.0)
CLAMP = ph.CurrentClamp.step(10.0, start=1.0, stop=9.0, t_end=10.0)


def _rows(separator: str = ",", decimal: str = ".") -> str:
    def line(*row: float) -> str:
        return separator.join(f"{x:.6g}".replace(".", decimal) for x in row)

    return "\n".join(line(*row) for row in zip(T, V, CURRENT, strict=True)) + "\n"


def text(folder: Path) -> None:
    atf = 'ATF\t1.0\n2\t3\n"AcquisitionMode=Episodic Stimulation"\n"SignalsExported=IN 0,IN 1"\n'
    lab = "Interval=\t5e-05 s\nTimeFormat=\tStartOfBlock\nChannelTitle=\tVm\tIm\n"
    head = {
        "plain.csv": "t (ms),v (mV),i (pA)\n" + _rows(),
        "comma.txt": "t (ms);v (mV);i (pA)\n" + _rows(";", ","),
        "space.dat": "# a remark\nt(ms) v(mV) i(pA)\n" + _rows(" "),
        "sweeps.csv": "sweep,t (ms),v (mV),i (pA)\n"
        + "".join(f"{k},{x}\n" for k in range(2) for x in _rows().splitlines()),
        "axon.atf": atf + '"Time (ms)"\t"Trace #1 (mV)"\t"Trace #1 (pA)"\n' + _rows("\t"),
        "chart.txt": lab + "Range=\t200.0 mV\t1000 pA\n" + _rows("\t"),
        "quoted.csv": '"t (ms)","v (mV)","i (pA)"\r\n'
        + "".join('"' + x.replace(",", '","') + '"\r\n' for x in _rows().splitlines()),
    }
    for name, content in head.items():
        (folder / name).write_text(content, encoding="utf-8", newline="")
    (folder / "wide.csv").write_bytes(("t (ms),v (mV),i (pA)\n" + _rows()).encode("utf-16"))
    recording = ph.Recording(T, ph.CurrentClamp.step(1.0, start=1.0, stop=2.0, t_end=4.0), v=V)
    recording.to_csv(folder / "own.csv")


def npz(folder: Path) -> None:
    np.savez(folder / "plain.npz", t_ms=T, v_mV=V, i_pA=CURRENT)
    sweeps = {"V_mV": np.stack([V, V + 1.0]), "I_pA": np.stack([CURRENT, 2 * CURRENT])}
    np.savez_compressed(folder / "sweeps.npz", **sweeps, dt=np.float32(0.05), t_ms=T)


def abf(folder: Path) -> None:
    from abf_files import abf1, abf2, epoch, output

    waves = np.stack([V, V + 1.0, V - 1.0])
    two = np.stack([waves, waves * 0.1], axis=1)
    kinds = [epoch(0, i, k, 10.0 * i, 10, period=4, width=2) for i, k in enumerate((1, 2, 3, 4, 5))]
    abf2(folder / "steps.abf", waves[:, None], epochs=[epoch(0, 0, 1, 50.0, 40, level_step=5.0)])
    abf2(folder / "kinds.abf", waves[:, None], epochs=kinds)
    channels = (("IN 0", "mV"), ("IN 1", "pA"))
    abf2(folder / "two.abf", two, inputs=channels, outputs=[output(unit="pA", source=0)])
    lists = [(0, 10 + 2, "10,20,30")]
    abf2(folder / "list.abf", waves[:, None], epochs=kinds[:1], lists=lists, changes=1)
    abf2(folder / "free.abf", waves[:1, None], mode=3, outputs=[output(unit="pA", source=0)])
    abf1(folder / "old.abf", waves, old=True)
    abf1(folder / "one.abf", waves)
    shared = Path("/work/shared/cases")
    for path in sorted(shared.glob("*/*.abf")) if shared.is_dir() else ():
        if path.stat().st_size < 200_000:
            shutil.copy(path, folder / f"case-{path.name}")


def nwb(folder: Path) -> None:
    from nwb_files import Rig, step, times

    wave = -0.065 + 0.01 * np.sin(300 * times(400))
    rig = Rig()
    for k in range(2):
        when = {"starting_time": float(k)}
        rig.add(f"sweep {k}", wave, step(1e-10, 400, start=0.01, stop=0.03), **when)
    rig.write(folder / "current.nwb")
    rig = Rig(notes="junction potential of 10 mV")
    clamp = step(0.02, 400, baseline=-0.08, start=0.01, stop=0.03)
    rig.add("a", clamp, wave * 1e-9, "voltage", timestamps=times(400))
    rig.file.add_invalid_time_interval(start_time=0.01, stop_time=0.012)
    rig.write(folder / "voltage.nwb")


def _learned() -> ph.Neuron:
    from neurons import learned_neuron

    return learned_neuron()


def document(folder: Path) -> None:
    from pyhodgkin.neuron import document as documents

    documents.save(ph.library.get("squid_axon"), folder / "squid.json", {"a": 1})
    documents.save(_learned(), folder / "learned.json")
    for name in ph.library.names()[1:]:
        documents.save(ph.library.get(name), folder / f"{name}.json")


def network(folder: Path) -> None:
    from test_network_document import everything

    everything().save(folder / "net.json")
    ph.SpikingNetwork({"a": (ph.library.get("squid_axon"), 3)}).save(folder / "one.json")


def fit(folder: Path) -> None:
    from fit_stub import recording, run

    run(
        seeds=2, heldout=recording(3, "held"), out=folder / "run", fit_initial=True,
        checkpoint_every=0.0, progress=False,
    )  # fmt: skip


def checkpoint(folder: Path) -> None:
    fit(folder)
    for path in sorted((folder / "run" / "checkpoints").glob("*.ckpt")):
        shutil.move(path, folder / path.name)
    shutil.rmtree(folder / "run")


def population(folder: Path) -> None:
    cells = ph.Population(ph.library.get("squid_axon"), 6, {"na.g": ph.Normal(120.0, 5.0)}, seed=0)
    cells.simulate(
        CLAMP, out=folder / "run.zarr", record=("spikes", "rate", "v"), saveat=1.0, chunk_size=3,
        backend="torch", progress=False,
    )  # fmt: skip


def solution(folder: Path) -> None:
    ph.simulate(ph.library.get("squid_axon"), CLAMP, backend="torch").save(folder / "one.npz")
    ph.simulate(_learned(), [CLAMP, CLAMP], saveat=0.5, backend="torch").save(folder / "two.npz")


def nmodl(folder: Path) -> None:
    from test_imports_nmodl import BODY, HEAD

    (folder / "kx.mod").write_text(HEAD + BODY)
    for name in ph.library.names()[:6]:
        try:
            ph.library.get(name).export("nmodl", folder / name)
        except ph.errors.PyHodgkinError:
            continue
    for path in [*folder.glob("*/*")]:
        if path.suffix == ".mod":
            shutil.move(path, folder / f"{path.parent.name}-{path.name}")
    for path in [*folder.iterdir()]:
        if path.is_dir():
            shutil.rmtree(path)


def neuroml(folder: Path) -> None:
    from test_imports_neuroml import TEXT, TYPE

    (folder / "kx.nml").write_text(TEXT)
    bell = TEXT.replace('type="fixedTimeCourse" tau="0.005s"', 'type="bell"')
    (folder / "bell.nml").write_text(bell.replace("<x>", TYPE + "<x>"))
    for name in ph.library.names()[:6]:
        try:
            ph.library.get(name).export("neuroml", folder / name)
        except ph.errors.PyHodgkinError:
            continue
    for path in [*folder.glob("*/*.nml")]:
        shutil.move(path, folder / path.name)
    for path in [*folder.iterdir()]:
        if path.is_dir():
            shutil.rmtree(path)


def formula(folder: Path) -> None:
    texts = (
        "0.34 + 0.92*exp(-((v+71)/59)**2)",
        "a*exp(-((v - v_half)/k)**2)",
        "1/(1 + exp(-(v+40)/5)) if v < -20 and v > -80 or v >= 0 else 0.1*linoid(v/10)",
        "min(1, max(0.1, tanh(v/20)), sqrt(abs(v)) + 1) * log(2 + abs(v))",
        "ca/(ca + 0.001)*2**3 - -1e-3",
    )
    for i, line in enumerate(texts):
        (folder / f"{i}.txt").write_text(line)


def protocol(folder: Path) -> None:
    import json

    made = {
        "step": CLAMP,
        "voltage": ph.VoltageClamp.step(20.0, start=1.0, stop=5.0, t_end=8.0),
        "sampled": ph.CurrentClamp.sampled(T, CURRENT, unit="pA"),
        "list": ph.VoltageClamp.family([-40.0, 0.0], start=1.0, stop=5.0, t_end=8.0),
    }
    for name, item in made.items():
        data = [x.to_dict() for x in item] if isinstance(item, list) else item.to_dict()
        (folder / f"{name}.json").write_text(json.dumps(data))


MAKERS: dict[str, Callable[[Path], None]] = {
    x.__name__: x
    for x in (
        *(text, npz, abf, nwb, document, network, checkpoint, fit, population, solution),
        *(nmodl, neuroml, formula, protocol),
    )
}
