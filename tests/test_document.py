"""Documents: bit for bit there and back, whole or not at all, one clear error each."""

from __future__ import annotations

import hashlib
import json
import pickle

import numpy as np
import pytest
from neurons import ALL, learned_neuron
from numpy_rhs import rhs

import pyhodgkin as ph
from pyhodgkin import Network, NeuralKinetics, document
from pyhodgkin.errors import DocumentError, InputError
from pyhodgkin.storage import atomic

LEARNED = learned_neuron()


@pytest.fixture
def saved(tmp_path):
    """A document with networks in it, and its fields."""
    path = document.save(LEARNED, tmp_path / "model.json", {"history": "history.csv"})
    return path, json.loads(path.read_text("utf-8"))


def rewrite(path, fields) -> None:
    path.write_text(json.dumps(fields), "utf-8")


@pytest.mark.parametrize("name", ALL)
def test_neuron_comes_back_bit_for_bit(name, tmp_path):
    neuron = ALL[name]
    # Numbers that no decimal of few digits holds.
    neuron = neuron.with_theta(neuron.theta * (1 + 1e-3 * np.sin(np.arange(len(neuron.theta)))))
    document.save(neuron, tmp_path)
    again = document.load(tmp_path)
    assert again == neuron
    assert again.theta.tobytes() == neuron.theta.tobytes()
    assert again.initial_state().tobytes() == neuron.initial_state().tobytes()
    y = neuron.initial_state() * 0.9 + 0.02
    assert rhs(again, 3.0)(0.0, y).tobytes() == rhs(neuron, 3.0)(0.0, y).tobytes()
    assert str(again) == str(neuron)


def test_path_is_a_file_or_a_folder(tmp_path):
    squid = ph.library.get("squid_axon")
    assert document.save(squid, tmp_path / "new" / "run") == tmp_path / "new" / "run" / "model.json"
    assert document.save(squid, tmp_path / "cell.json") == tmp_path / "cell.json"
    assert [p.name for p in (tmp_path / "new" / "run").iterdir()] == ["model.json"]
    assert document.load(tmp_path / "cell.json") == document.load(str(tmp_path / "new" / "run"))


def test_metadata_is_kept(tmp_path):
    seen = {"v_seen": np.array([-120.0, 40.0]), "seed": np.int64(3), "history": tmp_path / "h.csv"}
    document.save(LEARNED, tmp_path, seen)
    metadata = document.load_metadata(tmp_path)
    assert metadata["v_seen"] == [-120.0, 40.0] and metadata["seed"] == 3
    assert metadata["history"] == str(tmp_path / "h.csv")
    assert metadata["written_by"] == f"pyhodgkin {ph.__version__}"


def test_weights_lie_beside_the_json_under_their_hash(saved):
    path, fields = saved
    entry = fields["tensors"]
    weights = path.with_name(entry["file"])
    assert hashlib.sha256(weights.read_bytes()).hexdigest() == entry["sha256"]
    assert weights.name.startswith(f"model-{entry['sha256'][:12]}")


def test_saving_again_leaves_no_old_weights(saved):
    path, fields = saved
    document.save(LEARNED, path)  # the same weights
    assert path.with_name(fields["tensors"]["file"]).exists()
    moved = LEARNED.with_theta(LEARNED.theta * 1.01)
    document.save(moved, path)
    assert len(list(path.parent.iterdir())) == 2
    assert document.load(path) == moved
    document.save(ph.library.get("squid_axon"), path)
    assert [p.name for p in path.parent.iterdir()] == ["model.json"]


def test_saving_again_spares_the_weights_of_a_copy(saved):
    path, _ = saved
    copy = path.with_name("copy.json")
    copy.write_bytes(path.read_bytes())
    document.save(LEARNED.with_theta(LEARNED.theta * 1.01), path)
    assert document.load(copy) == LEARNED


@pytest.mark.parametrize("crash_at", [".safetensors", ".json"])
def test_a_crash_while_saving_leaves_the_old_document(saved, crash_at, monkeypatch):
    path, _ = saved
    replace = atomic.os.replace

    def crashing(source, target):
        if str(target).endswith(crash_at):
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr(atomic.os, "replace", crashing)
    with pytest.raises(KeyboardInterrupt):
        document.save(LEARNED.with_theta(LEARNED.theta * 1.01), path)
    assert document.load(path) == LEARNED


def refused(path, match) -> None:
    with pytest.raises(DocumentError, match=match) as caught:
        document.load(path)
    assert "\n" not in str(caught.value)
    assert "model.json" in str(caught.value) or str(path) in str(caught.value)


def test_missing_document(tmp_path):
    refused(tmp_path / "nowhere.json", "no document there")
    refused(tmp_path, "no document there")


def test_newer_version(saved):
    path, fields = saved
    rewrite(path, fields | {"version": 2, "written_by": "pyhodgkin 9.0"})
    refused(path, r"version 2, written by pyhodgkin 9\.0; .* reads up to version 1: update")


def test_version_that_never_was(saved):
    path, fields = saved
    rewrite(path, fields | {"version": 0})
    refused(path, "versions start at 1")


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_pickle_in_place_of_a_document(tmp_path, protocol):
    path = tmp_path / "model.json"
    path.write_bytes(pickle.dumps({"format": "pyhodgkin neuron"}, protocol))
    refused(path, "a pickle or torch checkpoint")


def test_zip_archive_as_torch_writes_it(tmp_path):
    path = tmp_path / "model.json"
    path.write_bytes(b"PK\x03\x04" + bytes(100))
    refused(path, "a pickle or torch checkpoint")


@pytest.mark.parametrize("content", [b"\xff\xfe\x00binary", b"[" * 100_000])
def test_bytes_that_are_no_json(tmp_path, content):
    path = tmp_path / "model.json"
    path.write_bytes(content)
    refused(path, "not JSON")


@pytest.mark.parametrize("kept", [0, 1, 100, -3])
def test_truncated_json(saved, kept):
    path, _ = saved
    path.write_bytes(path.read_bytes()[:kept])
    refused(path, "not JSON, or cut short")


@pytest.mark.parametrize("content", ["[]", "3", '{"format": "something else"}', "{}"])
def test_json_that_is_no_document(tmp_path, content):
    path = tmp_path / "model.json"
    path.write_text(content)
    refused(path, "not a document")


def test_truncated_weights(saved):
    path, fields = saved
    weights = path.with_name(fields["tensors"]["file"])
    weights.write_bytes(weights.read_bytes()[:-8])
    refused(path, "cut short or were changed: wrong SHA-256")


def test_weights_of_another_document(saved, tmp_path):
    path, fields = saved
    other = document.save(LEARNED.with_theta(LEARNED.theta * 1.01), tmp_path / "other.json")
    entry = json.loads(other.read_text("utf-8"))["tensors"]
    rewrite(path, fields | {"tensors": fields["tensors"] | {"file": entry["file"]}})
    refused(path, "wrong SHA-256")


def test_missing_weights(saved):
    path, fields = saved
    path.with_name(fields["tensors"]["file"]).unlink()
    refused(path, "cannot be read")
    rewrite(path, fields | {"tensors": None})
    refused(path, r"tensor k\.n\.network\.weight0 is missing")


def write_weights(path, fields, content: bytes) -> None:
    digest = hashlib.sha256(content).hexdigest()
    path.with_name("w.safetensors").write_bytes(content)
    rewrite(path, fields | {"tensors": {"file": "w.safetensors", "sha256": digest}})


def test_pickled_weights(saved):
    path, fields = saved
    write_weights(path, fields, pickle.dumps([1.0]))
    refused(path, "not safetensors")


def test_weights_in_single_precision(saved):
    from safetensors.numpy import save

    path, fields = saved
    write_weights(path, fields, save({"k.n.network.weight0": np.ones((5, 1), np.float32)}))
    refused(path, "is float32, not float64")


def test_weights_of_another_shape(saved):
    from safetensors.numpy import save

    path, fields = saved
    write_weights(path, fields, save({"k.n.network.weight0": np.ones((4, 1))}))
    refused(path, r"shape \(4, 1\); layers say \(5, 1\)")


def test_weights_outside_the_folder(saved):
    path, fields = saved
    entry = fields["tensors"] | {"file": "../elsewhere.safetensors"}
    rewrite(path, fields | {"tensors": entry})
    refused(path, "must be a file beside the document")


def changed(fields, place, value):
    """`fields` with the entry at `place` (keys and indices) set, or removed where value is ..."""
    fields = json.loads(json.dumps(fields))
    parent = fields
    for key in place[:-1]:
        parent = parent[key]
    if value is ...:
        del parent[place[-1]]
    else:
        parent[place[-1]] = value
    return fields


GATE = ("neuron", "channels", 1, "gates", 1)


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("neuron",), ..., 'field "neuron" is missing'),
        (("neuron", "c_m"), ..., 'neuron: field "c_m" is missing'),
        (("neuron", "c_m"), "one", 'field "c_m" is "one"; it must be a number'),
        (("neuron", "c_m"), float("nan"), 'field "c_m" is nan; it must be a number'),
        (("neuron", "c_m"), -1.0, "c_m = -1 µF/cm² must be positive"),
        (("neuron", "c_M"), 1.0, 'unknown field "c_M"; did you mean "c_m"'),
        (("neuron", "temperature"), "warm", "must be a number or null"),
        (("neuron", "channels"), {}, "it must be a list"),
        (("neuron", "initial"), {"n": "half"}, "an object of numbers"),
        (("neuron", "initial"), {"q": 0.5}, 'unknown gate in `initial` "q"'),
        (("neuron", "channels", 0, "kind"), "chanel", 'did you mean "channel"'),
        (("neuron", "channels", 0, "g"), ..., r'neuron\.channels\[0\]: field "g" is missing'),
        (("neuron", "channels", 0, "g"), -36.0, r"channels\[0\]: .*zero or positive"),
        ((*GATE, "power"), 1.5, "it must be a whole number"),
        ((*GATE, "kinetics"), None, r"gates\[1\]\.kinetics is null; it must be an object"),
        ((*GATE, "kinetics", "kind"), "rate", 'unknown kind of kinetics "rate"; .*"rates"'),
        ((*GATE, "kinetics", "alpha", "form"), "expo", 'unknown form of curve "expo"'),
        ((*GATE, "kinetics", "alpha", "k"), 0.0, r"kinetics\.alpha: Exponential: k = 0"),
        ((*GATE, "kinetics", "alpha"), 7, "alpha is 7; it must be an object"),
    ],
)
def test_damaged_fields_say_where(saved, place, value, message):
    path, fields = saved
    rewrite(path, changed(fields, place, value))
    refused(path, message)


def test_unknown_form_of_network_kinetics(saved):
    path, fields = saved
    place = ("neuron", "channels", 0, "gates", 0, "kinetics", "form")
    rewrite(path, changed(fields, place, "steady"))
    refused(path, 'unknown form of NeuralKinetics "steady"; .*"steady_state"')


@pytest.mark.parametrize("ending", ["pt", "pkl", "safetensors"])
def test_saving_under_the_ending_of_another_format(tmp_path, ending):
    with pytest.raises(InputError, match=r"a document is a \.json file or a folder"):
        document.save(LEARNED, tmp_path / f"model.{ending}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("metadata", [{"f": print}, {"loss": float("nan")}])
def test_metadata_that_json_cannot_hold(tmp_path, metadata):
    with pytest.raises(InputError, match="metadata"):
        document.save(LEARNED, tmp_path, metadata)
    assert list(tmp_path.iterdir()) == []


def test_free_network_is_kept(tmp_path):
    free = NeuralKinetics("free", Network.create((2, 4, 1), "silu", seed=2), tau_max=None)
    cell = ph.library.get("squid_axon").replace_gate("n", free)
    document.save(cell, tmp_path)
    assert document.load(tmp_path) == cell
