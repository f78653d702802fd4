"""The parts of the code of a kernel that are the same for all neurons."""

from __future__ import annotations

HEADER = '''"""{title}"""

import triton
import triton.language as tl

from pyhodgkin.backends.gpu.elementary import (
    below, choose, exponential, hyperbolic_tangent, inside, larger, linoid, linoid_slope,
    logarithm, logistic, power, softplus, within,
)
from pyhodgkin.backends.gpu.memory import read, read_piece, read_time, write
from pyhodgkin.backends.gpu.stimulus import line, sinusoids


'''

ARGUMENTS = (
    # Elements, steps there is room for, pieces, sinusoids, samples, strides of y0 and of saveat.
    "sizes",
    "settings",  # rtol, atol, atol of v, longest step, exponent, most steps
    "rows",
    "set_of",
    "protocol_of",
    "lines",
    "sines",
    "v_start",
    "y_start",
    "saveat",
    "stops",
    "samples",
    "results",
    "tableau",  # of a method whose stages are a loop
    "tape_numbers",
    "tape_states",
    "tape_pieces",
    "rising",
    "rising_count",
    "F: tl.constexpr",
    "BLOCK: tl.constexpr",
    "PTX: tl.constexpr",  # whether single instructions of PTX may be in the code
    "GIVEN: tl.constexpr",  # whether there are states to start from
    "KEEP: tl.constexpr",  # whether all accepted steps are written down
    "WATCH: tl.constexpr",  # whether those are in which v rises
    "CROSSING: tl.constexpr",  # whether only those are kept in which v rises through 0 mV
)

ADJOINT_ARGUMENTS = (
    "sizes",
    "rows",
    "set_of",
    "protocol_of",
    "lines",
    "sines",
    "saveat",
    "tableau",
    "tape_numbers",
    "tape_states",
    "tape_pieces",
    "counts",
    "cotangent",
    "gradients",
    "start_gradient",
    "F: tl.constexpr",
    "BLOCK: tl.constexpr",
    "PTX: tl.constexpr",
)

LOAD = """
elements = tl.load(sizes)
room = tl.load(sizes + 1)
pieces = tl.load(sizes + 2)
n_sines = tl.load(sizes + 3)
n_samples = tl.load(sizes + 4)
y_stride = tl.load(sizes + 5)
saveat_stride = tl.load(sizes + 6)
i = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
mask = i < elements
i = tl.where(mask, i, elements - 1)
own_set = tl.load(set_of + i).to(tl.int64)
WEIGHTS
protocol = tl.load(protocol_of + i).to(tl.int64)
times = saveat + i * saveat_stride
"""

SETTINGS = """
rtol = tl.load(settings).to(F)
atol = tl.load(settings + 1).to(F)
atol_v = tl.load(settings + 2).to(F)
longest = tl.load(settings + 3)
exponent = tl.load(settings + 4).to(F)
most_steps = tl.load(settings + 5)
"""

BEGIN = """
live = mask
stop = read(stops + i, PTX)
t = tl.zeros([BLOCK], tl.float64)
piece = tl.zeros([BLOCK], tl.int64)
end, start, offset, rate = read_piece(lines, protocol, piece, pieces, t + 1.0, PTX)
while tl.max((end <= 0.0).to(tl.int32), 0) > 0:
    piece += (end <= 0.0).to(tl.int64)
    end, start, offset, rate = read_piece(lines, protocol, piece, pieces, t + 1.0, PTX)
status = tl.zeros([BLOCK], tl.int32)
n_steps = tl.zeros([BLOCK], tl.int32)
n_rejected = tl.zeros([BLOCK], tl.int32)
n_rising = tl.zeros([BLOCK], tl.int32)
place = tl.zeros([BLOCK], tl.int64)
due = read_time(times, place, n_samples, PTX)
"""

# A first step in the spirit of Hairer, Nørsett & Wanner, Solving ODEs I, section II.4.
FIRST = """
d1 = tl.where(d1 > 1e-12, d1, 1e-12)
by_order = exponential(exponent * tl.log(d1))
h_first = 0.01 * d0 / d1
h_first = tl.where(h_first < by_order, h_first, by_order)
h_first = tl.where((h_first > 0.0) & (h_first < float("inf")), h_first, 1e-6)
h = h_first.to(tl.float64)
h = tl.where(h > longest, longest, h)
h = tl.where(h < 1e-28, 1e-28, h)
left = tl.where(stop - t < 1e-12, 1e-12, stop - t)
h = tl.where(h < left, h, left)
"""

STEP = """
left = end - t
crossed = h >= left * (1.0 - 1e-6)
step = tl.where(live, tl.where(crossed, left, h), 1.0)
h_step = step.to(F)
"""

PROPOSE = """
accepted = (norm <= 1.0) & live
held = tl.where(norm > 1e-10, norm, 1e-10)
change = exponential(exponent * tl.log(held))
factor = 0.9 * change
PREDICT
factor = tl.where(factor < 0.2, 0.2, factor)
factor = tl.where(norm < float("inf"), tl.where(factor > 5.0, 5.0, factor), 0.2)
proposed = step * factor.to(tl.float64)
# A step cut short by a breakpoint says little about the next one: never shrink for it.
h = tl.where(accepted & crossed & (h > proposed), h, proposed)
h = tl.where(h > longest, longest, h)
t_next = tl.where(crossed, end, t + step)
"""

# What the errors of the last two steps made of their sizes goes on, as on the CPU.
PREDICT = """
ahead = factor * (h_step * past.to(F) * change)
factor = tl.where(accepted & (past > 0.0) & (ahead < factor), ahead, factor)
most = exponential(exponent * -4.605170185988091 + tl.zeros([BLOCK], F))
known = 1.0 / (h_step * tl.where(change > most, most, change))
past = tl.where(accepted, tl.where(crossed, 0.0, known.to(tl.float64)), past)
"""

TAKE = """
t = tl.where(accepted, t_next, t)
n_steps += accepted.to(tl.int32)
n_rejected += (live & ~accepted).to(tl.int32)
smallest = 3.552713678800501e-15 * tl.abs(t)
smallest = tl.where(smallest > 1e-32, smallest, 1e-32)
spent = (n_steps + n_rejected).to(tl.float64) >= most_steps
event = live & ((accepted & crossed) | ((h <= smallest) & ~accepted) | spent)
if tl.max(event.to(tl.int32), 0) > 0:
"""

ATTEND = """
live = live & ~(event & (t >= stop))
event = event & live
moved = event & (t >= end)
piece += moved.to(tl.int64)
ENTER
stuck = event & ~moved & (h <= smallest)
status = tl.where(stuck, tl.where(norm < float("inf"), {underflow}, {nonfinite}), status)
live = live & ~stuck
parts = 1.0 + tl.floor(t / 1000.0) + (piece // 100).to(tl.float64)
late = event & live & ((n_steps + n_rejected).to(tl.float64) >= most_steps * parts)
status = tl.where(late, {too_many}, status)
live = live & ~late
"""

# Where the way back begins: at the last step, and at the last sample that was reached.
ADJOINT_BEGIN = """
stop = tl.zeros([BLOCK], tl.float64) + float("inf")
n = tl.where(mask, tl.load(counts + i).to(tl.int64) - 1, -1)
last = read(tape_numbers + (tl.where(n >= 0, n, 0) * 3 + 2) * elements + i, PTX)
last = tl.where(n >= 0, last, 0.0)
place = tl.zeros([BLOCK], tl.int64) + (n_samples - 1)
due = read(times + place, PTX)
while tl.max(((place >= 0) & (due > last)).to(tl.int32), 0) > 0:
    place = tl.where((place >= 0) & (due > last), place - 1, place)
    due = tl.where(place >= 0, read(times + tl.where(place >= 0, place, 0), PTX), -1.0)
sums = gradients + (i // WIDTH) * (ROWS * WIDTH) + i % WIDTH
adds = sums
"""
