"""The faults: each does one trial, the k-th of n."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

from calls import NUMBERS, Calls
from processes import begun, finished, in_child
from writing import Trials

NOBODY = 65534
_BTRFS = 1 << 18  # what it reserves for its own trees while a few files are written


def kill(trials: Trials, k: int, n: int) -> None:
    """SIGKILL at a random moment; every second time of a run that replaces an old one."""
    replaces = k % 2 == 1
    folder = trials.fresh(replaces)
    trials.runs.begin(folder, replaces)
    time.sleep(trials.random.uniform(0.0, 1.1 * trials.seconds))
    ended = trials.runs.kill()
    trials.counts["killed" if ended[0] == -9 else "had ended"] += 1
    trials.judge(folder, replaces, ended)


def full_disk(trials: Trials, k: int, n: int) -> None:
    """A disk (tmpfs) of too few bytes, which is enlarged for the next run; needs root."""
    replaces = k % 2 == 1
    place = trials.work / "disk"
    place.mkdir(exist_ok=True)
    _mount(place, "64m")
    try:
        folder = trials.fresh(replaces, place)
        used = sum(p.stat().st_blocks * 512 for p in place.rglob("*"))
        whole = trials.job.new and max(trials.seconds, 0) and _size_of_run(trials)
        room = used + int(whole * (k + 0.5) / n) // 4096 * 4096 + 4096
        _mount(place, str(room), again=True)
        ended = in_child(trials.job.run, folder, replaces)
        trials.counts[f"{ended[1].split(':')[0]}" if ended[0] else "had room"] += 1
        _mount(place, "64m", again=True)
        trials.judge(folder, replaces, ended)
    finally:
        subprocess.run(["umount", str(place)], check=True)


def quota(trials: Trials, k: int, n: int) -> None:
    """A quota (of a btrfs subvolume) of too few bytes, lifted for the next run; needs root."""
    replaces = k % 2 == 1
    image, disk = trials.work / "image", trials.work / "quota"
    if not image.exists():
        with image.open("wb") as file:
            file.truncate(256 << 20)
        _run("mkfs.btrfs", "-q", image)
    disk.mkdir(exist_ok=True)
    _run("mount", "-o", "loop", image, disk)
    place = disk / f"volume-{k}"
    try:
        _run("btrfs", "quota", "enable", disk)
        _run("btrfs", "subvolume", "create", place)
        folder = trials.fresh(replaces, place)
        _run("btrfs", "filesystem", "sync", disk)
        used = sum(p.stat().st_blocks * 512 + 512 for p in place.rglob("*"))
        whole = _size_of_run(trials) + _BTRFS
        room = used + whole * (2 * k + 1) // (2 * n)
        group = f"0/{_run('btrfs', 'inspect-internal', 'rootid', place).strip()}"
        _run("btrfs", "qgroup", "limit", room, group, disk)
        ended = in_child(trials.job.run, folder, replaces)
        trials.counts[f"{ended[1].split(':')[0]}" if ended[0] else "had room"] += 1
        _run("btrfs", "qgroup", "limit", "none", group, disk)
        trials.judge(folder, replaces, ended)
        _run("btrfs", "subvolume", "delete", place)
    finally:
        _run("umount", disk)


def file_limit(trials: Trials, k: int, n: int) -> None:
    """A limit on the size of files (ulimit -f), lifted for the next run."""
    replaces = k % 2 == 1
    folder = trials.fresh(replaces)
    size = 256 * 4 ** (k % 8)

    def limited() -> None:
        import resource

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        trials.job.run(folder, replaces)

    ended = in_child(limited)
    trials.counts[f"{ended[1].split(':')[0]}" if ended[0] else "had room"] += 1
    trials.judge(folder, replaces, ended)


def read_only(trials: Trials, k: int, n: int) -> None:
    """A folder that becomes read-only at a random moment, for a user who is not root."""
    replaces = k % 2 == 1
    folder = trials.fresh(replaces)
    subprocess.run(["chown", "-R", str(NOBODY), str(folder)], check=True)

    def as_nobody() -> None:
        os.setuid(NOBODY)
        os.environ["HOME"] = "/tmp"
        trials.job.run(folder, replaces)

    pid, read = begun(as_nobody)
    time.sleep(trials.random.uniform(0.0, 1.0) * trials.seconds * (k % 5 > 0))
    _modes(folder, "a-w")
    ended = finished(pid, read)
    _modes(folder, "u+w")
    trials.counts[f"{ended[1].split(':')[0]}" if ended[0] else "had ended"] += 1
    trials.judge(folder, replaces, ended)


def two(trials: Trials, k: int, n: int) -> None:
    """Two processes begin in one folder at the same time."""
    replaces = k % 2 == 1
    folder = trials.fresh(replaces)
    both = [begun(trials.job.run, folder, replaces) for _ in range(2)]
    ended = [finished(*one) for one in both]
    refused = [text for code, text in ended if code]
    for text in refused:
        trials.counts[f"one refused ({text.split(':')[0]})"] += 1
        if not text.startswith("InputError"):
            trials.lost.append(text)
    trials.counts["both ended"] += not refused
    trials.judge(folder, replaces, ended[0])


def clock(trials: Trials, k: int, n: int) -> None:
    """The clock goes backwards, by an hour at every look."""
    replaces = k % 2 == 1
    folder = trials.fresh(replaces)

    def backwards() -> None:
        now = [time.time()]

        def earlier() -> float:
            now[0] -= 3600.0
            return now[0]

        time.time = earlier
        time.time_ns = lambda: int(earlier() * 1e9)
        trials.job.run(folder, replaces)

    ended = in_child(backwards)
    trials.counts[f"{ended[1].split(':')[0]}" if ended[0] else "ended"] += 1
    trials.judge(folder, replaces, ended)


def vanishes(trials: Trials, k: int, n: int) -> None:
    """The disk (tmpfs) with the folder is taken away at a random moment, and comes back; root."""
    replaces = k % 2 == 1
    place, other = trials.work / "share", trials.work / "kept"
    place.mkdir(exist_ok=True)
    other.mkdir(exist_ok=True)
    _mount(place, "64m")
    subprocess.run(["mount", "--bind", str(place), str(other)], check=True)
    try:
        folder = trials.fresh(replaces, place)
        pid, read = begun(trials.job.run, folder, replaces)
        time.sleep(trials.random.uniform(0.0, 1.0) * trials.seconds)
        subprocess.run(["umount", "-l", str(place)], check=True)
        ended = finished(pid, read)
        trials.counts[f"{ended[1].split(':')[0]}" if ended[0] else "ended"] += 1
        trials.judge(other / "trial", replaces, ended)
    finally:
        subprocess.run(["umount", str(other)], check=True)
        subprocess.run(["umount", "-l", str(place)], check=False, stderr=subprocess.DEVNULL)


def renamed(trials: Trials, k: int, n: int) -> None:
    """The folder above is renamed at a random moment, as when a share is mounted elsewhere."""
    replaces = k % 2 == 1
    folder = trials.fresh(replaces)
    away = folder.with_name("away")
    subprocess.run(["rm", "-rf", str(away)], check=True)
    pid, read = begun(trials.job.run, folder, replaces)
    time.sleep(trials.random.uniform(0.0, 1.0) * trials.seconds)
    os.rename(folder, away)
    ended = finished(pid, read)
    trials.counts[f"{ended[1].split(':')[0]}" if ended[0] else "ended"] += 1
    trials.judge(away, replaces, ended)


def error_at_each_call(trials: Trials, k: int, n: int) -> None:
    """An OSError at calls to the file system, evenly spaced (at each of them with --times 0)."""
    replaces = k % 2 == 1
    call = k // 2 * calls_of_run(trials, replaces) // -(-n // 2) + 1
    number = NUMBERS[k // 2 % len(NUMBERS)]
    folder = trials.fresh(replaces)

    def failing() -> str:
        with Calls(folder, call, number) as calls:
            trials.job.run(folder, replaces)
        return calls.failed

    ended = in_child(failing)
    trials.counts[f"{ended[1].split(':')[0]}" if ended[0] else "went on"] += 1
    trials.judge(folder, replaces, (*ended, f"call {call} of {calls_of_run(trials, replaces)}"))


def calls_of_run(trials: Trials, replaces: bool) -> int:
    """How many calls to the file system an unbroken run makes."""
    if replaces not in trials.calls:
        folder = trials.fresh(replaces)

        def counted() -> int:
            with Calls(folder) as calls:
                trials.job.run(folder, replaces)
            return calls.count

        trials.calls[replaces] = int(in_child(counted)[1])
    return trials.calls[replaces]


def _size_of_run(trials: Trials) -> int:
    if not trials.size:
        folder = trials.fresh(False)
        trials.job.run(folder)
        # With what is written beside before it takes its name.
        trials.size = 2 * sum(p.stat().st_blocks * 512 + 512 for p in folder.rglob("*"))
    return trials.size


def _mount(place: Path, size: str, again: bool = False) -> None:
    options = f"remount,size={size}" if again else f"size={size}"
    _run("mount", "-t", "tmpfs", "-o", options, "none", place)


def _run(*command: object) -> str:
    words = [str(x) for x in command]
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout


def _modes(folder: Path, mode: str) -> None:
    for path in [folder, *folder.rglob("*")]:
        if path.is_dir():
            subprocess.run(["chmod", mode, str(path)], check=False, stderr=subprocess.DEVNULL)


FAULTS = {
    "kill": kill,
    "full-disk": full_disk,
    "quota": quota,
    "file-limit": file_limit,
    "read-only": read_only,
    "two": two,
    "clock": clock,
    "vanishes": vanishes,
    "renamed": renamed,
    "error-at-each-call": error_at_each_call,
}
