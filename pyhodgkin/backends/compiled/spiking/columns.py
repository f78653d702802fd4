"""Columns of the tables of a network of neurons, as its kernels read them.

Arrays of cells are in blocks of `w` cells side by side; offsets of them count such blocks.
"""

from __future__ import annotations

# -- columns of the integers of a group ----------------------------------------------------
(
    M,  # where its tables begin: integers, numbers, and the slots of its workspace
    C,
    X,
    STATE,  # blocks of S slots
    BLOCKS,
    CELLS,
    FIRST_BLOCK,  # among all groups
    VARIED,  # parameters that differ between its cells: how many, their slots, their values
    VARIED_SLOTS,
    VARIED_VALUES,
    RECEPTORS,  # its first receptor, and the one after the last
    RECEPTORS_END,
    STIMULUS,  # a column of the stimulus, or (for cells of their own) where the columns are listed
    STIMULUS_KIND,
    BIAS,  # a constant current of each cell, or -1
    LINEAR,  # whether its current is linear in v at held gates
    GAP,  # the sum of the gap conductances of each cell, or -1
    GAP_ROWS,
    RECORDED,  # where the bounds of its recorded cells begin, or -1
    N_GROUP,
) = range(20)
# Its numbers.
THRESHOLD, REFRACTORY = range(2)
NO_STIMULUS, ONE_STIMULUS, OWN_STIMULI = range(3)

# -- columns of a receptor: a synaptic conductance of a group -------------------------------
KIND, COMPONENTS, CONDUCTANCE, RING, DEPTH, RECEPTOR_BLOCKS, N_RECEPTOR = range(7)
EXPONENTIAL, DOUBLE_EXPONENTIAL, ALPHA = range(3)
REVERSAL, DECAY, DECAY_2, MEAN, MEAN_2, RATIO, TAU, TAU_2, N_RECEPTOR_NUMBERS = range(9)

# -- columns of a projection: the synapses of one kind from a node to a group ----------------
NODE, GROUP, RECEPTOR, ROWS, ONE_DELAY, DELAYS, N_PROJECTION = range(7)
# Conductances below are zero: arithmetic on numbers that small is slow.
SMALLEST = 1e-150
