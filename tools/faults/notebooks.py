"""Ctrl-C in a notebook: a kernel interrupted at random moments, which is then used again."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .interrupts import LONGEST, PATIENCE, SECONDS
from .outcome import Row

HERE = Path(__file__).resolve().parent
WORKS = ("simulate", "batch", "fit", "fit_default")
TIMES = 25  # interrupts of each kind of work
START = """
import sys
if sys.executable != {python!r}:
    raise RuntimeError(f"the kernel runs {{sys.executable}}")
sys.path[:0] = [{root!r}, {here!r}]
import work
w = work.Work({engine!r})
"""


def rows(engine: str, every: int = 1) -> Iterator[Row]:
    """25 interrupts of each kind of work, so 100 in all; one of each for a sample."""
    chance = random.Random(1)
    row, seconds = Row("Ctrl-C in a notebook", engine), []
    kernel = Kernel(engine)
    try:
        for work in WORKS:
            for _ in range(TIMES if every == 1 else 1):
                found, spent = kernel.interrupted(work, 0.2 + LONGEST * chance.random())
                row.add(work, f"{found}" if found.startswith("FAILED") else f"{work}: {found}")
                seconds.append(spent)
    finally:
        kernel.close()
    seconds.sort()
    row.fault += f" (median {seconds[len(seconds) // 2]:.2f} s, longest {seconds[-1]:.2f} s)"
    yield row


class Kernel:
    """A kernel with the work of `work.py` in it."""

    def __init__(self, engine: str) -> None:
        from jupyter_client.manager import start_new_kernel

        self.manager, self.client = start_new_kernel(kernel_name="python3")
        code = START.format(
            root=str(HERE.parents[1]), here=str(HERE), engine=engine, python=sys.executable
        )
        found = self.reply(self.client.execute(code))
        if found["status"] != "ok":
            raise RuntimeError(f"the kernel could not start the work: {found.get('evalue')}")

    def reply(self, message: str) -> dict[str, Any]:
        """The answer to a message."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            found = self.client.get_shell_msg(timeout=PATIENCE)
            if found["parent_header"].get("msg_id") == message:
                return found["content"]
        raise TimeoutError

    def interrupted(self, work: str, after: float) -> tuple[str, float]:
        """How a cell ended, and in how many seconds; then a cell that checks."""
        # With stop_on_error a kernel refuses cells that come right after one that failed.
        message = self.client.execute(f"found = w.{work}()", stop_on_error=False)
        time.sleep(after)
        began = time.monotonic()
        self.manager.interrupt_kernel()
        try:
            answer = self.reply(message)
        except Exception:
            return "FAILED: no answer", time.monotonic() - began
        spent = time.monotonic() - began
        if spent > SECONDS:
            return f"FAILED: stopped after {spent:.1f} s", spent
        how = answer.get("ename", "stopped, with a result")
        check = "ok = work.kept(found) if w.same() else 'different'"
        if how == "KeyboardInterrupt":
            check = "ok = 'stopped' if w.same() else 'different'"
        elif answer["status"] != "ok":
            return f"FAILED: {how}", spent
        message = self.client.execute(check, user_expressions={"ok": "ok"})
        found = self.reply(message)
        said = found.get("user_expressions", {}).get("ok", {}).get("data", {})
        if "stopped" not in str(said):
            return f"FAILED: {how}, then {found['status']} {found.get('ename', said)}", spent
        return how, spent

    def close(self) -> None:
        """End the kernel."""
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
