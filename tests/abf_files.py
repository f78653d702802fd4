"""Small Axon Binary Format files, written field by field from the published layout."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

BLOCK = 512


def output(name="Cmd 0", unit="mV", enabled=True, source=1, holding=0.0, **more):
    """An analog output of `abf2`.

    `more`: keep, file, scale, offset, episode, channel, train, pn.
    """
    return {"name": name, "unit": unit, "enabled": enabled, "source": source} | {
        "holding": holding,
        **more,
    }


def epoch(dac, number, kind, level, samples, **more):
    """A column of the epoch table; `more`: level_step, samples_step, period, width."""
    return {"dac": dac, "number": number, "kind": kind, "level": level, "samples": samples, **more}


def abf2(
    path: Path,
    data,
    inputs=(("IN 0", "mV"),),
    outputs=None,
    epochs=(),
    lists=(),
    interval=100.0,
    mode=5,
    version=(2, 6, 0, 0),
    per_run=None,
    alternating=0,
    changes=0,
    telegraph=None,
    compressed=0,
):
    """Write `data`, shape (sweeps, channels, samples), as a file of version 2 with floats.

    `lists` holds (output, parameter, text, repeat); `telegraph` (instrument, mode, capacitance)
    is that of the first input; `interval` in µs for each channel.
    """
    data = np.asarray(data, dtype=np.float32)
    sweeps, channels, samples = data.shape
    outputs = [output(unit="pA")] if outputs is None else outputs
    strings: list[str] = ["tests"]

    def text(value):
        strings.append(value or " ")
        return len(strings)

    protocol = bytearray(BLOCK)
    struct.pack_into("<hfB", protocol, 0, mode, interval, compressed)
    per_run = sweeps if per_run is None else per_run
    struct.pack_into("<iii", protocol, 22, samples * channels, 0, per_run)
    struct.pack_into("<ff", protocol, 110, 10.0, 10.0)
    struct.pack_into("<ii", protocol, 118, 32768, 32768)
    struct.pack_into("<h", protocol, 182, alternating)

    adc = bytearray(128 * channels)
    for i, (name, unit, *more) in enumerate(inputs):
        at = 128 * i
        struct.pack_into("<h", adc, at, more[0] if more else i)
        struct.pack_into("<f", adc, at + 6, 1.0)
        for offset in (28, 40, 48):
            struct.pack_into("<f", adc, at + offset, 1.0)
        struct.pack_into("<ii", adc, at + 74, text(name), text(unit))
    if telegraph is not None:
        instrument, clamp, capacitance = telegraph
        struct.pack_into("<hhff", adc, 2, 1, instrument, 1.0, 0.0)
        struct.pack_into("<fhf", adc, 14, capacitance, clamp, 0.0)

    dac = bytearray(256 * len(outputs))
    for i, x in enumerate(outputs):
        at = 256 * i
        struct.pack_into("<h", dac, at, i)
        struct.pack_into("<f", dac, at + 12, x["holding"])
        struct.pack_into("<ii", dac, at + 24, text(x["name"]), text(x["unit"]))
        struct.pack_into("<hhh", dac, at + 40, x["enabled"], x["source"], x.get("keep", 0))
        file = (x.get("scale", 1.0), x.get("offset", 0.0), x.get("episode", 0), x.get("channel", 0))
        struct.pack_into("<ffih", dac, at + 46, *file)
        if "train" in x:
            struct.pack_into("<h", dac, at + 60, 1)
            struct.pack_into("<ff", dac, at + 82, 1.0, x["train"])
        struct.pack_into("<h", dac, at + 92, x.get("pn", 0))
        struct.pack_into("<i", dac, at + 118, text(x["file"]) if "file" in x else 0)

    table = bytearray(48 * len(epochs))
    for i, x in enumerate(epochs):
        struct.pack_into("<hhh", table, 48 * i, x["number"], x["dac"], x["kind"])
        struct.pack_into("<ff", table, 48 * i + 6, x["level"], x.get("level_step", 0.0))
        more = (x.get("samples_step", 0), x.get("period", 0), x.get("width", 0))
        struct.pack_into("<iiii", table, 48 * i + 14, x["samples"], *more)

    listed = bytearray(64 * len(lists))
    for i, (number, parameter, values, *repeat) in enumerate(lists):
        fields = (number, 0, parameter, repeat[0] if repeat else 0)
        struct.pack_into("<hhhhi", listed, 64 * i, *fields, text(values))

    packed = b"SSCH" + struct.pack("<II", 1, len(strings)) + bytes(32)
    packed += b"".join(x.encode("latin-1") + b"\0" for x in strings)
    synch = b"".join(
        struct.pack("<ii", i * samples * channels, samples * channels) for i in range(sweeps)
    )
    sections = [  # place in the section table, bytes, size of an entry, number of entries
        (76, bytes(protocol), 512, 1),
        (92, bytes(adc), 128, channels),
        (108, bytes(dac), 256, len(outputs)),
        (124, bytes(32 * len(epochs)), 32, len(epochs)),
        (156, bytes(table), 48, len(epochs)),
        (172, bytes(listed), 64, len(lists)),
        (220, packed, len(packed), 1),
        (236, data.transpose(0, 2, 1).tobytes(), 4, data.size),
        (284, bytes(12 * changes), 12, changes),
        (316, synch, 8, sweeps),
    ]
    header = bytearray(BLOCK)
    struct.pack_into("<4s4B", header, 0, b"ABF2", *version[::-1])
    struct.pack_into("<II", header, 8, BLOCK, sweeps)
    struct.pack_into("<II", header, 16, 20200101, 0)
    struct.pack_into("<H", header, 30, 1)  # floats
    body = b""
    for place, content, size, count in sections:
        if count:
            struct.pack_into("<IIq", header, place, 1 + len(body) // BLOCK, size, count)
            body += content + bytes(-len(content) % BLOCK)
    path.write_bytes(bytes(header) + body)
    return path


def abf1(path: Path, data, fields=(), old=False, interval=100.0, unit="mV", command_unit="pA"):
    """Write `data`, shape (sweeps, samples), as a file of version 1 with whole numbers / 100.

    `fields` holds (offset, format, values); `old`: the header of 2048 bytes, version 1.5.
    """
    data = np.round(np.asarray(data) * 100).astype("<i2")
    size = 2048 if old else 6144
    header = bytearray(size)
    struct.pack_into("<4sf", header, 0, b"ABF ", 1.5 if old else 1.83)
    struct.pack_into("<hi", header, 8, 5, data.size)
    struct.pack_into("<i", header, 16, len(data))
    struct.pack_into("<f", header, 32, 1.5 if old else 1.83)
    struct.pack_into("<i", header, 40, size // BLOCK)
    struct.pack_into("<hf", header, 120, 1, interval)
    struct.pack_into("<i", header, 138, data.shape[1])
    struct.pack_into("<i", header, 146, len(data))
    struct.pack_into("<ff", header, 244, 10.0, 10.0)
    struct.pack_into("<ii", header, 252, 1000, 1000)
    for i in range(16):
        struct.pack_into("<h", header, 410 + 2 * i, i)
        struct.pack_into("8s", header, 602 + 8 * i, unit.ljust(8).encode())
        for at in (730, 922, 1050):
            struct.pack_into("<f", header, at + 4 * i, 1.0)
    for i in range(4):
        struct.pack_into("10s", header, 1306 + 10 * i, f"Cmd {i}".ljust(10).encode())
        struct.pack_into("8s", header, 1346 + 8 * i, command_unit.ljust(8).encode())
    for at, form, values in fields:
        struct.pack_into("<" + form, header, at, *values)
    path.write_bytes(bytes(header) + data.tobytes() + bytes(6144 if old else 0))
    return path
