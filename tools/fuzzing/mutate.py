"""Mutations of bytes and of text: what disks, networks, editors and attackers do to a file."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable

import numpy as np

Rng = np.random.Generator
Mutation = Callable[[bytes, Rng], bytes]

INTEGERS = (0, 1, -1, 2, 127, 128, 255, 2**15 - 1, 2**15, 2**31 - 1, -(2**31), 2**32 - 1, 10**9)
LONG = (2**63 - 1, -(2**63), 2**40, 10**12)
FLOATS = (0.0, -0.0, 1e-300, 1e300, -1e38, 3e38, float("inf"), float("-inf"), float("nan"))
NUMBERS = (
    *("0", "-1", "1e308", "1e400", "-1e999", "nan", "inf", "-inf", "1e-320", "9" * 400, "0x10"),
    *("1_000", "٣", "1e", "--1", "1.2.3", "2147483648", "9223372036854775808", "true", "", "+"),
)
_NUMBER = re.compile(rb"-?\d+\.?\d*(?:[eE][-+]?\d+)?")
_TOKEN = re.compile(rb"\w+|\s+|[^\w\s]")


def _place(data: bytes, rng: Rng) -> int:
    """Somewhere in `data`; every second time in the first 600 bytes, where headers are."""
    end = len(data) if rng.random() < 0.5 else min(len(data), 600)
    return int(rng.integers(max(end, 1)))


def _span(data: bytes, rng: Rng) -> tuple[int, int]:
    start = _place(data, rng)
    return start, min(len(data), start + int(2 ** rng.uniform(0, 10)))


def flip(data: bytes, rng: Rng) -> bytes:
    """One to eight bits."""
    out = bytearray(data)
    for _ in range(int(rng.integers(1, 9)) if out else 0):
        out[_place(data, rng)] ^= 1 << int(rng.integers(8))
    return bytes(out)


def truncate(data: bytes, rng: Rng) -> bytes:
    return data[: int(rng.integers(max(len(data), 1)))]


def delete(data: bytes, rng: Rng) -> bytes:
    start, stop = _span(data, rng)
    return data[:start] + data[stop:]


def duplicate(data: bytes, rng: Rng) -> bytes:
    start, stop = _span(data, rng)
    return data[:stop] + data[start:stop] * int(rng.integers(1, 4)) + data[stop:]


def insert(data: bytes, rng: Rng) -> bytes:
    start = _place(data, rng)
    more = rng.bytes(int(2 ** rng.uniform(0, 10)))
    return data[:start] + (more if rng.random() < 0.5 else bytes(len(more))) + data[start:]


def exchange(data: bytes, rng: Rng) -> bytes:
    """Two blocks change places."""
    (a, b), (c, d) = sorted((_span(data, rng), _span(data, rng)))
    return data if c < b else data[:a] + data[c:d] + data[b:c] + data[a:b] + data[d:]


def number(data: bytes, rng: Rng) -> bytes:
    """A binary number, little- or big-endian, is replaced by an extreme one."""
    form, values = (("b", INTEGERS), ("h", INTEGERS), ("i", INTEGERS), ("q", INTEGERS + LONG),
                    ("f", FLOATS), ("d", FLOATS))[int(rng.integers(6))]  # fmt: skip
    value, size = values[int(rng.integers(len(values)))], struct.calcsize(form)
    order = "<" if rng.random() < 0.8 else ">"
    if form in "bhiq":
        packed = (int(value) % 256**size).to_bytes(size, "little" if order == "<" else "big")
    else:
        packed = struct.pack(order + form, np.clip(value, -3e38, 3e38) if form == "f" else value)
    start = _place(data, rng) // 2 * 2
    return data[:start] + packed + data[start + size :]


BYTES: tuple[Mutation, ...] = (
    *(flip, flip, truncate, delete, duplicate, insert, exchange, number, number, number),
)


def text_number(data: bytes, rng: Rng) -> bytes:
    """A printed number is replaced by an extreme one, or by what is none."""
    found = list(_NUMBER.finditer(data[: 1 << 20]))
    if not found:
        return flip(data, rng)
    at = found[int(rng.integers(len(found)))]
    new = NUMBERS[int(rng.integers(len(NUMBERS)))].encode()
    return data[: at.start()] + new + data[at.end() :]


def tokens(data: bytes, rng: Rng) -> bytes:
    """A word or sign is left out, doubled, or takes the place of another."""
    found = _TOKEN.findall(data)
    if len(found) < 2:
        return insert(data, rng)
    i, j = (int(x) for x in rng.integers(len(found), size=2))
    found[i] = (b"", found[i] * 2, found[j], found[j] + b" " + found[i])[int(rng.integers(4))]
    return b"".join(found)


def lines(data: bytes, rng: Rng) -> bytes:
    """Lines are left out, doubled or moved."""
    found = data.splitlines(keepends=True)
    if len(found) < 2:
        return tokens(data, rng)
    i, j = (int(x) for x in rng.integers(len(found), size=2))
    what = rng.random()
    if what < 0.3:
        del found[i : i + 1 + int(rng.integers(3))]
    elif what < 0.6:
        found[j:j] = found[i : i + 3]
    else:
        found[i], found[j] = found[j], found[i]
    return b"".join(found)


def nested(data: bytes, rng: Rng) -> bytes:
    """Brackets or signs, many times."""
    start, count = _place(data, rng), int(10 ** rng.uniform(0.5, 5))
    sign = (b"(", b"[", b"{", b"-", b"<a>", b"1+", b"exp(", b'"', b"not ")[int(rng.integers(9))]
    close = {b"(": b")", b"[": b"]", b"{": b"}", b"<a>": b"</a>", b"exp(": b")"}.get(sign, b"")
    stop = start + 1
    return data[:start] + sign * count + data[start:stop] + close * count + data[stop:]


def controls(data: bytes, rng: Rng) -> bytes:
    """Bytes with a meaning: zeros, marks of byte order, carriage returns, half a character."""
    signs = (b"\0", b"\xef\xbb\xbf", b"\xff\xfe", b"\r", b"\x1a", b"\xc3", b"\x0b", b"\x7f",
             b"\xe2\x80\xae", b"\\u0000", b"%s%n", b"../../", b"#", b"//", b"$(id)")  # fmt: skip
    start = _place(data, rng)
    return data[:start] + signs[int(rng.integers(len(signs)))] + data[start:]


TEXT: tuple[Mutation, ...] = (
    *(text_number, text_number, text_number, tokens, tokens, tokens, lines, lines, nested),
    *(controls, flip, truncate, delete, duplicate),
)


def several(data: bytes, rng: Rng, kinds: tuple[Mutation, ...]) -> tuple[bytes, str]:
    """One to four mutations in a row, and their names; mostly one."""
    names = []
    for _ in range(1 + int(rng.random() < 0.4) * int(rng.integers(1, 4))):
        kind = kinds[int(rng.integers(len(kinds)))]
        data = kind(data, rng)
        names.append(kind.__name__)
    return data, "+".join(names)
