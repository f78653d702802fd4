"""Mutations of containers of arrays: npz, safetensors, checkpoints; their checksums stay right."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zipfile

from .mutate import BYTES, TEXT, Rng, several
from .mutate_json import JSON

_SHAPES = (
    *(
        "(0,)",
        "()",
        "(-1,)",
        "(1000000000000,)",
        "(9223372036854775807,)",
        "(4294967296, 4294967296)",
    ),
    *(
        "(1, 1, 1, 1, 1, 1, 1, 1, 1)",
        "(1e3,)",
        "(True,)",
        "('a',)",
        "(" * 150,
        "(100000000,)",
        "(2,)",
    ),
)
_KINDS = (
    "|O",
    "<f2",
    ">f8",
    "<c16",
    "|S1",
    "<U1000000",
    "<U9",
    "|V8",
    "<M8[ms]",
    "|b1",
    "<i8",
    "f",
)
_KINDS += ("[('a', '|O')]", "|S99999999999", "<f16", "__import__('os')")


def npz(data: bytes, rng: Rng) -> bytes:
    """Members with other headers, changed bytes, other names, bombs; the archive is whole."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            members = {name: file.read(name) for name in file.namelist()}
    except (zipfile.BadZipFile, OSError):
        return data
    names = list(members)
    name = names[int(rng.integers(len(names)))]
    what, out = rng.random(), io.BytesIO()
    if what < 0.45:
        members[name] = _header(members[name], rng)
    elif what < 0.65:
        members[name] = several(members[name], rng, BYTES)[0]
    elif what < 0.75:
        del members[name]
    elif what < 0.85:
        other = ("../x.npy", "/tmp/x.npy", "x.npy", "x", "head.npy", "a/../b.npy", "t", "x\0.npy")
        members[other[int(rng.integers(len(other)))]] = members.pop(name)
    elif what < 0.92:
        members[name] = _bomb(int(10 ** rng.uniform(5, 8.5)))
    else:
        members[name] = members[names[int(rng.integers(len(names)))]]
    packed = zipfile.ZIP_DEFLATED if rng.random() < 0.7 or 0.85 <= what < 0.92 else 0
    with zipfile.ZipFile(out, "w", packed) as file:
        for key, value in members.items():
            file.writestr(key, value)
    return out.getvalue()


def _header(content: bytes, rng: Rng) -> bytes:
    """The header of an npy file says something else."""
    if len(content) < 12:
        return content
    size = struct.unpack("<H", content[8:10])[0]
    head, body = content[10 : 10 + size].decode("latin-1"), content[10 + size :]
    shape, kind = head[head.find("(") : head.find(")") + 1], head.split("'")[3]
    if rng.random() < 0.6:
        head = head.replace(shape, _SHAPES[int(rng.integers(len(_SHAPES)))])
    elif rng.random() < 0.7:
        head = head.replace(f"'{kind}'", repr(_KINDS[int(rng.integers(len(_KINDS)))]))
    else:
        head = several(head.encode("latin-1"), rng, TEXT)[0].decode("latin-1")
    raw = head.encode("latin-1", "replace")
    version = bytes([1, 0]) if len(raw) < 65536 else bytes([2, 0])
    length = struct.pack("<H" if version[0] == 1 else "<I", len(raw))
    return content[:6] + version + length + raw + body


def _bomb(size: int) -> bytes:
    head = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({size},), }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + bytes(size)


def safetensors(data: bytes, rng: Rng) -> bytes:
    """The header, or its length, says something else."""
    if len(data) < 8:
        return data
    size = int.from_bytes(data[:8], "little")
    head, body = data[8 : 8 + size], data[8 + size :]
    if rng.random() < 0.15:
        claims = (0, 1, 2**63, 2**64 - 1, 10**8, len(data), len(data) - 8, 99_999_999)
        return claims[int(rng.integers(len(claims)))].to_bytes(8, "little") + data[8:]
    if rng.random() < 0.3:
        return data[:8] + several(data[8:], rng, BYTES)[0]
    head = several(head, rng, JSON)[0]
    return len(head).to_bytes(8, "little") + head + body


def checkpoint(data: bytes, rng: Rng) -> bytes:
    """A checkpoint whose content was changed, and whose sha256 is right again."""
    head, _, payload = data.partition(b"\n")
    if rng.random() < 0.5:
        size = int.from_bytes(payload[:8], "little")
        outer = json.loads(payload[8 : 8 + size])
        inner = several(outer["__metadata__"]["json"].encode(), rng, JSON)[0]
        outer["__metadata__"]["json"] = inner.decode("utf-8", "replace")
        text = json.dumps(outer).encode()
        payload = len(text).to_bytes(8, "little") + text + payload[8 + size :]
    else:
        payload = safetensors(payload, rng)
    return (
        b" ".join([*head.split()[:-1], hashlib.sha256(payload).hexdigest().encode()])
        + b"\n"
        + payload
    )
