"""What a file claims is checked before it is believed: sizes, links, places outside of its folder.

Small files, each made to ask for what it does not hold; found by ``tools/fuzz.py``.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
from abf_files import abf2, epoch

import pyhodgkin as ph
from pyhodgkin.errors import CheckpointError, DocumentError, InputError, RecordingError
from pyhodgkin.fitting.run import checkpoints
from pyhodgkin.neuron import document
from pyhodgkin.storage.npz import read_arrays

SQUID = ph.library.get("squid_axon")


def refused(call, match, error=RecordingError, most=30 << 20):
    """It raises, and has not taken memory for what the file claims."""
    tracemalloc.start()
    try:
        with pytest.raises(error, match=match):
            call()
        assert tracemalloc.get_traced_memory()[1] < most
    finally:
        tracemalloc.stop()


# -- npz ----------------------------------------------------------------------------------------


def npy(shape, kind="<f8", body=b"\0" * 80, version=b"\x01\x00"):
    head = f"{{'descr': {kind!r}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY" + version + struct.pack("<H", len(head)) + head + body


def archive(path, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(f"{name}.npy", content)
    return path


CLAIMS = [
    (npy("(1000000000000,)"), "states 8000000000000 bytes and has 80|would take"),
    (npy("(10,)", "<U1000000"), "states 40000000 bytes"),
    (npy("(5,)"), "states 40 bytes and has 80"),  # half of it would be read
    (npy("(-10,)"), "no valid shape"),
    (npy("(10,)", "|O"), "no Python objects"),
    (npy("(10,)", "[('a', '|O')]"), "no valid header|no Python objects"),
    (npy("(10,"), "no valid header"),
    (npy("(10,)", version=b"\x07\x00"), "no valid header"),
    (npy("(" * 200), "no valid header"),
    (b"", "no valid header"),
]


@pytest.mark.parametrize(("content", "text"), CLAIMS)
def test_an_array_that_claims_what_it_has_not(tmp_path, content, text):
    path = archive(tmp_path / "a.npz", v_mV=content)
    refused(lambda: ph.read(path, clamp="current", dt=0.1), text)
    refused(lambda: ph.Solution.load(path), "not a solution", InputError)


def test_a_small_file_of_very_many_numbers(tmp_path):
    path = archive(tmp_path / "a.npz", v_mV=npy("(40000000,)", "|u1", bytes(40_000_000)))
    assert path.stat().st_size < 50_000
    refused(lambda: ph.read(path, clamp="current", dt=0.1), "would take 320000000 bytes")


def test_arrays_are_what_numpy_reads(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {
        "a": rng.random((3, 4)).T,
        "b": np.array(["x", "yz"]),
        "c": np.array(2.0),
        "d": np.zeros(0),
    }
    arrays |= {"e": np.arange(6, dtype=">i4").reshape(1, 2, 3), "f": np.array([True, False])}
    np.savez_compressed(tmp_path / "a.npz", **arrays)
    found = read_arrays(tmp_path / "a.npz")
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype and np.array_equal(found[name], array)
        assert found[name].flags.writeable


# -- documents ----------------------------------------------------------------------------------


def learned(folder):
    from neurons import learned_neuron

    path = document.save(learned_neuron(), folder / "a.json")
    return path, json.loads(path.read_text())


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../x.safetensors", "x\0.safetensors"])
def test_weights_lie_beside_the_document(tmp_path, name):
    path, data = learned(tmp_path)
    data["tensors"]["file"] = name
    path.write_text(json.dumps(data))
    refused(lambda: document.load(path), "must be a file beside", DocumentError)
    document.save(SQUID, path)  # what is there does not hinder a new one


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_link_out_of_the_folder_is_not_followed(tmp_path):
    (tmp_path / "in").mkdir()
    path, data = learned(tmp_path / "in")
    weights = path.with_name(data["tensors"]["file"])
    weights.rename(tmp_path / "secret")
    weights.symlink_to(tmp_path / "secret")
    refused(lambda: document.load(path), "a link to another folder", DocumentError)
    # Both as links to one store of files, as caches of downloads have them.
    path.rename(tmp_path / "document")
    path.symlink_to(tmp_path / "document")
    assert document.load(path).name
    weights.unlink()
    os.mkfifo(weights)
    refused(lambda: document.load(path), "is no file", DocumentError)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "9" * 5000, "\ud800"])
def test_json_that_python_refuses_in_another_way(tmp_path, text):
    (tmp_path / "a.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    refused(lambda: document.load(tmp_path / "a.json"), "JSON", DocumentError)
    with pytest.raises(InputError):
        ph.SpikingNetwork.load(tmp_path / "a.json")


def test_a_network_whose_arrays_have_no_name(tmp_path):
    path = ph.SpikingNetwork({"a": (SQUID, 2)}).save(tmp_path / "a.json")
    data = json.loads(path.read_text())
    for wrong in ({"array": []}, {"array": {}}):
        data["network"]["groups"]["a"]["current"] = wrong
        path.write_text(json.dumps(data))
        refused(lambda: ph.SpikingNetwork.load(path), "is missing", DocumentError)
    data["network"]["groups"]["a"] |= {"current": 0.0, "protocol": "step"}
    path.write_text(json.dumps(data))
    refused(lambda: ph.SpikingNetwork.load(path), "must be an object", DocumentError)


def test_a_sampled_protocol_of_very_many_times():
    data = ph.CurrentClamp.sampled(np.arange(5.0), np.ones(5)).to_dict()
    data["waveform"]["t"]["count"] = 10**12
    refused(lambda: ph.CurrentClamp.from_dict(data), "need as many", InputError)
    data["waveform"]["t"] = {"start": 10**400, "step": 1.0, "count": 5}
    refused(lambda: ph.CurrentClamp.from_dict(data), "t.start must be a number", InputError)
    for wrong in ([], {"kind": "current"}, {**data, "waveform": {"kind": "Sum"}}):
        refused(lambda wrong=wrong: ph.CurrentClamp.from_dict(wrong), "", InputError)


def test_a_number_of_a_formula_that_no_float_holds():
    refused(lambda: ph.rates.formula("1 + " + "9" * 400), "too large", InputError)


@pytest.mark.parametrize("bracket", ["(", "[", "{"])
def test_a_formula_of_very_many_brackets(bracket):
    refused(lambda: ph.rates.formula("v + " + bracket * 500), "500 deep", InputError)


def test_a_solution_whose_voltage_steps_have_another_shape(tmp_path):
    found = ph.simulate(ph.library.get("squid_axon"), ph.CurrentClamp.constant(10.0, 5.0))
    path = found.save(tmp_path / "a.npz")
    with np.load(path) as file:
        arrays = dict(file)
    for name in ("steps/t", "steps/h", "steps/element"):
        wrong = np.repeat(arrays[name][:, None], 5, axis=1)
        np.savez(path, **{**arrays, name: wrong})
        refused(lambda: ph.Solution.load(path), "voltage steps", InputError)


HEADERS = [b"{", b"[]", b"\xff\xfe", b'{"__metadata__": 3}', b'{"__metadata__": {"json": "[]"}}',
           b'{"__metadata__": {"json": "{"}}', b'{"a": {"dtype": "F8_E4M3", "shape": [1], '
           b'"data_offsets": [0, 1]}}']  # fmt: skip


@pytest.mark.parametrize("header", HEADERS)
def test_a_checkpoint_that_is_whole_but_not_as_a_run_writes_it(tmp_path, header):
    payload = len(header).to_bytes(8, "little") + header + b"\0"
    head = f"pyhodgkin checkpoint 2 {hashlib.sha256(payload).hexdigest()}\n".encode()
    (tmp_path / "a.ckpt").write_bytes(head + payload)
    refused(
        lambda: checkpoints.read(tmp_path / "a.ckpt"), "not as a run writes it", CheckpointError
    )


# -- Axon Binary Format ------------------------------------------------------------------------


@pytest.mark.parametrize("place", [84, 100, 116, 132, 164, 244, 260, 292, 324])
@pytest.mark.parametrize("count", [2**31 - 1, -1, 2**40])
def test_a_section_that_is_larger_than_the_file(tmp_path, place, count):
    pytest.importorskip("pyabf")
    waves = np.zeros((2, 1, 64))
    path = abf2(tmp_path / "a.abf", waves, epochs=[epoch(0, 0, 1, 50.0, 40)], changes=1)
    data = bytearray(path.read_bytes())
    struct.pack_into("<q", data, place, count)
    path.write_bytes(data)
    refused(lambda: ph.read(path), "cannot be read as ABF")


def test_a_protocol_of_very_many_samples(tmp_path):
    pytest.importorskip("pyabf")
    path = abf2(tmp_path / "a.abf", np.zeros((2, 1, 64)), epochs=[epoch(0, 0, 1, 50.0, 40)])
    data = bytearray(path.read_bytes())
    struct.pack_into("<i", data, 512 + 22, 2**31 - 1)
    path.write_bytes(data)
    refused(lambda: ph.read(path), "has 64 samples, the protocol in the header 2147483647")


# -- NWB ----------------------------------------------------------------------------------------


@pytest.fixture
def nwb(tmp_path):
    pytest.importorskip("pynwb")
    from nwb_files import Rig, step

    rig = Rig()
    rig.add("a", np.linspace(-0.07, -0.06, 200), step(1e-10, 200))
    return rig.write(tmp_path / "a.nwb")


def _of(path, change):
    import h5py

    with h5py.File(path, "r+") as file:
        group = file["acquisition/a"]
        attributes = dict(group["data"].attrs)
        del group["data"]
        change(h5py, group)
        if isinstance(group.get("data", getlink=True), h5py.HardLink):
            group["data"].attrs.update(attributes)


def test_data_that_nothing_is_stored_for(nwb):
    _of(
        nwb,
        lambda h5py, g: g.create_dataset("data", (10**12,), "f8", chunks=(1024,), fillvalue=1.0),
    )
    refused(lambda: ph.read(nwb), "states 1000000000000 values")


def test_data_in_other_files(nwb):
    import h5py

    with h5py.File(nwb.with_name("other.h5"), "w") as file:
        file["data"] = np.zeros(200)

    def virtual(h5py, group):
        layout = h5py.VirtualLayout((200,), "f8")
        layout[:] = h5py.VirtualSource("other.h5", "data", (200,))
        group.create_virtual_dataset("data", layout)

    def link(h5py, group):
        group["data"] = h5py.ExternalLink("other.h5", "/data")

    def raw(h5py, group):
        group.create_dataset("data", (200,), "f8", external=[("other.h5", 0, 1600)])

    for change, text in (
        (virtual, "another file"),
        (link, "link to another file"),
        (raw, "another"),
    ):
        _of(nwb, change)
        refused(lambda: ph.read(nwb), text)
