"""What a kernel writes down of its steps: samples, the steps themselves, those in which v rises."""

from __future__ import annotations

from collections.abc import Sequence

from .methods import Calls, Tableau, dense, polynomial, powers

PLACES = 8  # a polynomial is looked at in so many parts of its step


def store_sample(calls: Calls, held: str, state: str) -> list[str]:
    """Write the states in the variables `state` where `held`, and go on to the next sample."""
    row = f"samples + place * {calls.states} * elements + i"
    return [
        f"write_states({row}, elements, {calls.names(state)}, {held}, PTX)",
        f"place += {held}.to(tl.int64)",
        "due = read_time(times, place, n_samples, PTX)",
    ]


def record(tableau: Tableau, calls: Calls, bounded: Sequence[bool]) -> list[str]:
    """Write down the accepted steps; nothing where nothing is asked for."""
    return [
        "if KEEP:",
        *(f"    {line}" for line in _keep(calls)),
        "if WATCH:",
        *(f"    {line}" for line in _watch(tableau, calls)),
        "if tl.max((accepted & (due <= t_next)).to(tl.int32), 0) > 0:",
        *(f"    {line}" for line in _sample(tableau, calls, bounded)),
    ]


def _sample(tableau: Tableau, calls: Calls, bounded: Sequence[bool]) -> list[str]:
    """Samples inside the steps, from their polynomials."""
    inner = ["inside_step = accepted & (due <= t_next)", "part = ((due - t) / step).to(F)"]
    for j in range(calls.states):
        inner.append(f"found{j} = y{j} + {polynomial(j, powers(tableau), 'part')}")
        if bounded[j]:
            inner.append(f"found{j} = within(found{j}, 0.0, 1.0)")
    inner += store_sample(calls, "inside_step", "found")
    loop = "while tl.max((accepted & (due <= t_next)).to(tl.int32), 0) > 0:"
    return [*dense(tableau, calls, calls.states), loop, *(f"    {line}" for line in inner)]


def _keep(calls: Calls) -> list[str]:
    """The accepted steps as rows: piece; t, h, the end and the state at the start."""
    numbers = "tape_numbers + n_steps.to(tl.int64) * 3 * elements + i"
    state = f"tape_states + n_steps.to(tl.int64) * {calls.states} * elements + i"
    return [
        "put = accepted & (n_steps < room)",
        f"write_step({numbers}, elements, t, step, t_next, put, PTX)",
        f"write_states({state}, elements, {calls.names('y')}, put, PTX)",
        "write(tape_pieces + n_steps.to(tl.int64) * elements + i, piece, put, PTX)",
    ]


def _watch(tableau: Tableau, calls: Calls) -> list[str]:
    """The accepted steps in which v rises as rows: t, h and the coefficients of v."""
    count = powers(tableau)
    text = [*dense(tableau, calls, 1), "rises = accepted & (norm < 0.0)", "passed = rises"]
    for place in range(PLACES + 1):
        value = "0.0 * y0" if place == 0 else polynomial(0, count, repr(place / PLACES))
        text.append(f"v_part{place} = {value}")
        if place:
            before = f"v_part{place - 1}"
            after = f"v_part{place}"
            text.append(f"rises = rises | (accepted & ({after} > {before}))")
            end = f"y0 + {after}" if place < PLACES else "new0"
            text.append(f"passed = passed | (accepted & (y0 + {before} < 0.0) & ({end} >= 0.0))")
    row = f"rising + n_rising.to(tl.int64) * {count + 3} * elements + i"
    values = ", ".join(["t", "step", "y0", *(f"dense{p}_0" for p in range(count))])
    return [
        *text,
        "if CROSSING:",
        "    rises = passed",
        "put = rises & (n_rising < room)",
        f"write_rising({row}, elements, {values}, put, PTX)",
        "n_rising += rises.to(tl.int32)",
    ]
