"""The parts of the bridge that need no Julia: arguments as numbers in memory, and the watcher."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import threading
import time

import numpy as np
import pytest

from pyhodgkin.backends.julia.abi import ELEMENTS, Packer, Piece, _by_interface, _by_structure
from pyhodgkin.backends.julia.arrays import julia_view
from pyhodgkin.backends.julia.interrupt import Watcher, python_keeps_its_signals
from pyhodgkin.errors import InputError


def words(packer: Packer, n: int) -> list[int]:
    return list((ctypes.c_int64 * n).from_address(packer.address))


def write(packer: Packer, *values: int) -> None:
    (ctypes.c_int64 * len(values)).from_address(packer.address)[:] = values


def test_arguments_as_words():
    packer, array = Packer([]), np.zeros((2, 3), np.float32).T
    alive = packer.pack((7, -1.5, True, None, "µ", array))
    found = words(packer, 15)
    assert found[:2] == [0, 7] and found[4:6] == [2, 1] and found[6:8] == [4, 0]
    assert found[2] == 1 and np.array(found[3]).view(np.float64) == -1.5
    assert found[8] == 3 and ctypes.string_at(found[9], found[10]) == "µ".encode()
    assert found[11:] == [16 * 5 + 2, array.ctypes.data, 3, 2] and len(alive) == 1


@pytest.mark.parametrize("array", [np.zeros(0), np.ones((2, 3, 4))[1:].T, np.broadcast_to(1.0, 3)])
def test_the_quick_way_to_an_address_is_right(array):
    assert _by_structure(array) == _by_interface(array) == array.ctypes.data


def test_too_many_arguments_are_refused():
    with pytest.raises(InputError, match="arguments of a Julia function"):
        Packer([]).pack((1,) * 1000)


def test_each_thread_has_its_own_memory():
    packer, found = Packer([]), []
    thread = threading.Thread(target=lambda: found.append(packer.address))
    thread.start()
    thread.join()
    assert found[0] != packer.address


@pytest.mark.parametrize("element", ELEMENTS)
def test_an_array_that_comes_back_is_a_view(element):
    released: list[int] = []
    packer = Packer(released)
    memory = np.arange(6).astype(element)
    kind = 16 * (1 + ELEMENTS.index(element)) + 2
    write(packer, kind, 5, memory.ctypes.data, 3, 2)
    view = julia_view(packer.unpack())
    assert view.dtype == memory.dtype and np.array_equal(view, memory.reshape(2, 3))
    assert view.flags.c_contiguous and np.shares_memory(view, memory) and not released
    del view
    assert released == [5]


def test_other_results():
    released: list[int] = []
    packer = Packer(released)
    for written, value in (((0, -3), -3), ((2, 1), True), ((4, 0), None)):
        write(packer, *written)
        assert packer.unpack() is value or packer.unpack() == value
    text = "h∞".encode()
    write(packer, 3, 8, ctypes.cast(ctypes.c_char_p(text), ctypes.c_void_p).value or 0, len(text))
    assert packer.unpack() == "h∞" and released == [8]
    write(packer, 5, 9)
    piece = packer.unpack()
    assert type(piece) is Piece and repr(piece) == "<Julia object 9>" and released == [8]


posix = pytest.mark.skipif(os.name == "nt", reason="signals are sent with os.kill")


def waited_for(condition) -> bool:
    end = time.monotonic() + 10.0
    while not condition() and time.monotonic() < end:
        time.sleep(0.001)
    return condition()


@pytest.fixture
def interrupts(monkeypatch):
    """Interrupts that are only counted."""
    seen: list[int] = []
    before = signal.signal(signal.SIGINT, lambda *_: seen.append(1))
    yield seen
    signal.signal(signal.SIGINT, before)


@posix
def test_the_flag_is_set_by_an_interrupt_and_only_meanwhile(interrupts):
    watcher = Watcher()
    os.kill(os.getpid(), signal.SIGINT)
    assert waited_for(lambda: interrupts == [1]) and watcher.flag[0] == 0
    assert watcher.begin()
    os.kill(os.getpid(), signal.SIGINT)
    assert waited_for(lambda: watcher.flag[0] == 1)
    watcher.end()
    assert watcher.flag[0] == 0 and signal.set_wakeup_fd(-1) == -1


@posix
def test_others_who_watch_are_told_too(interrupts):
    read, write_end = socket.socketpair()
    read.settimeout(10.0)
    write_end.setblocking(False)
    signal.set_wakeup_fd(write_end.fileno())
    try:
        watcher = Watcher()
        watcher.begin()
        os.kill(os.getpid(), signal.SIGINT)
        assert read.recv(1) == bytes([signal.SIGINT])
        watcher.end()
    finally:
        assert signal.set_wakeup_fd(-1) == write_end.fileno()


def test_in_other_threads_the_watcher_does_nothing():
    watcher, found = Watcher(), []
    thread = threading.Thread(target=lambda: found.append(watcher.begin()))
    thread.start()
    thread.join()
    assert found == [False]


@posix
def test_signals_that_a_start_blocks_are_freed_again():
    blocked = {signal.SIGINT, signal.SIGTERM, signal.SIGUSR1}
    with python_keeps_its_signals():
        signal.pthread_sigmask(signal.SIG_BLOCK, blocked)
    left = signal.pthread_sigmask(signal.SIG_BLOCK, ()) & blocked
    signal.pthread_sigmask(signal.SIG_UNBLOCK, blocked)
    assert left == {signal.SIGUSR1}
