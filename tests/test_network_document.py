"""A network on disk: the same network after a round trip, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
from network_references import KINETICS
from neurons import learned_neuron
from scipy import sparse

import pyhodgkin as ph
from pyhodgkin.errors import DocumentError
from pyhodgkin.network.document import from_document, to_document

CELL = ph.library.get("traub_miles")
LEARNED = learned_neuron()


def everything() -> ph.SpikingNetwork:
    """Every field of every part, with numbers that decimals do not hold."""
    rng = np.random.default_rng(1)
    clamps = ph.CurrentClamp.family(rng.random(3), 1.0, 4.0, 5.0)
    e, double, alpha = KINETICS.values()
    return ph.SpikingNetwork(
        groups={
            "e": ph.NeuronGroup(
                CELL, 4, {"l.g": rng.random(4), "na.g": 99.9}, v0=rng.random(4) - 65.0,
                current=rng.random(4), threshold=-20.0, refractory=2.5,
            ),
            "i": ph.NeuronGroup(CELL, 3, v0=-64.3, protocol=clamps, current=0.1),
            "learned": ph.NeuronGroup(LEARNED, 2, protocol=ph.CurrentClamp.constant(1.0, 9.0)),
        },
        synapses=[
            ph.Synapses("e", "i", e, 0.1, 1.5, p=0.3, autapses=False, initial=rng.random(3)),
            ph.Synapses("i", "e", double, rng.random(2), rng.random(2), i=[2, 0], j=[1, 3]),
            ph.Synapses("p", "learned", alpha, sparse.random(5, 2, 0.5, random_state=1)),
            ph.Synapses("t", "learned", alpha, np.ones((2, 2)), 0.7),
        ],
        gap_junctions=[
            ph.GapJunctions("i", "i", 0.1, p=0.5), ph.GapJunctions("e", "i", [0.1], [0], [2])
        ],
        sources={
            "p": ph.PoissonSource(5, rng.random(5) * 100.0, start=1.0, stop=np.inf),
            "t": ph.SpikeTimes(2, rng.random(4) * 5.0, [1, 0, 1, 1]),
        },
        seed=12,
        name="all of it",
    )  # fmt: skip


def same(a, b) -> bool:
    """Whether two networks have the same documents, bit for bit."""
    (data, arrays), (others, other_arrays) = to_document(a), to_document(b)
    return (
        data == others
        and arrays.keys() == other_arrays.keys()
        and all(arrays[k].tobytes() == other_arrays[k].tobytes() for k in arrays)
    )


def test_a_round_trip_changes_no_bit(tmp_path):
    network = everything()
    assert network.save(tmp_path / "net.json", {"by": "me"}) == tmp_path / "net.json"
    read = ph.SpikingNetwork.load(tmp_path / "net.json")
    assert same(network, read) and read.name == "all of it"
    runs = [
        x.simulate(6.0, record={"e": "all", "learned": "all"}, engine="numpy")
        for x in (network, read)
    ]
    for name in ("e", "learned"):
        assert runs[0].v[name].tobytes() == runs[1].v[name].tobytes()
    assert read.groups["learned"].neuron == LEARNED
    assert json.loads((tmp_path / "net.json").read_text())["metadata"] == {"by": "me"}


def test_a_folder_and_a_network_without_arrays(tmp_path):
    plain = ph.SpikingNetwork({"a": (CELL, 2)}, [ph.Synapses("a", "a", KINETICS["alpha"], 1, p=1)])
    assert plain.save(tmp_path / "deep" / "net").name == "model.json"
    assert [x.name for x in (tmp_path / "deep" / "net").iterdir()] == ["model.json"]
    assert same(plain, ph.SpikingNetwork.load(tmp_path / "deep" / "net"))
    data, arrays = to_document(plain)
    assert arrays == {} and same(from_document(json.loads(json.dumps(data)), arrays), plain)


def test_a_document_written_over_leaves_no_old_arrays(tmp_path):
    for _ in range(2):
        everything().save(tmp_path)
    other = ph.SpikingNetwork({"a": ph.NeuronGroup(CELL, 2, v0=[-60.0, -61.0])})
    other.save(tmp_path)
    assert same(other, ph.SpikingNetwork.load(tmp_path))
    assert len(list(tmp_path.iterdir())) == 2


def change(data, *path, to):
    for key in path[:-1]:
        data = data[key]
    if to is None:
        del data[path[-1]]
    else:
        data[path[-1]] = to


@pytest.mark.parametrize(
    ("path", "to", "message"),
    [
        (("format",), "pyhodgkin neuron", r'not a network: field "format"'),
        (("version",), 99, r"version 99; pyhodgkin .* reads 1"),
        (("network", "seed"), None, r'network: field "seed" is missing'),
        (("network", "color"), "red", r'network: unknown field "color"'),
        (("network", "groups", "e", "n"), "four", r'groups.e: field "n" is "four"'),
        (("network", "groups", "e", "parameters", "na.g"), -1.0, r"na.g = -1 mS/cm²"),
        (("network", "synapses", 0, "pre"), "x", r'unknown group or source "x"'),
        (("network", "synapses", 0, "p"), 1.5, r"p = 1.5 is a probability"),
        (("network", "synapses", 0, "kinetics", "kind"), "nmda", r'kind "nmda" is not one of'),
        (("network", "synapses", 1, "weight"), {"array": "x"}, r'array "x" is missing'),
        (("network", "sources", "p", "kind"), "gamma", r'kind "gamma" is not one of'),
        (("tensors", "sha256"), "0", r"cut short or were changed: wrong SHA-256"),
        (("tensors", "file"), "../x.safetensors", r"must be a file beside the document"),
    ],
)
def test_a_damaged_document_is_refused(tmp_path, path, to, message):
    target = everything().save(tmp_path)
    data = json.loads(target.read_text("utf-8"))
    change(data, *path, to=to)
    target.write_text(json.dumps(data), "utf-8")
    with pytest.raises(DocumentError, match=message):
        ph.SpikingNetwork.load(tmp_path)


def test_what_is_no_network(tmp_path):
    ph.document.save(CELL, tmp_path / "cell.json")
    with pytest.raises(DocumentError, match="not a network"):
        ph.SpikingNetwork.load(tmp_path / "cell.json")
    with pytest.raises(DocumentError, match="no document there"):
        ph.SpikingNetwork.load(tmp_path / "none.json")
    everything().save(tmp_path / "net.json")
    with pytest.raises(DocumentError, match=r"SpikingNetwork\.load"):
        ph.document.load(tmp_path / "net.json")
    (tmp_path / "cut.json").write_text('{"format": "pyhodgkin network", "ver')
    with pytest.raises(DocumentError, match="not JSON, or cut short"):
        ph.SpikingNetwork.load(tmp_path / "cut.json")
