"""Draws the picture of the README from its first example: `python docs/picture.py`."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt

import pyhodgkin as ph
from pyhodgkin.plot.style import RC

TARGET = Path(__file__).with_name("learned_gate.png")
README = Path(__file__).parents[1] / "README.md"


def first_example() -> str:
    """The code of the first example of the README."""
    return re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), flags=re.DOTALL)[0]


def learn() -> tuple[ph.Neuron, ph.Neuron, ph.Recording]:
    """Run the first example: the neuron, the one learned, and the recording it was trained on."""
    names: dict[str, Any] = {}
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # the example saves what it learned
        try:
            exec(compile(first_example(), str(README), "exec"), names)
        finally:
            os.chdir(before)
    result = names["result"]
    print(result)
    return names["axon"], result.neuron, names["recordings"][1]


def draw(axon: ph.Neuron, learned: ph.Neuron, recording: ph.Recording) -> plt.Figure:
    """Left: an answer to a stimulus it never saw; right: the curves of the gate."""
    unseen = ph.CurrentClamp(
        ph.Step(10.0, 90.0, 8.0) + ph.OrnsteinUhlenbeck(0.0, 3.0, 5.0, 0.1, 100.0, seed=1), 100.0
    )
    truth, answer = (ph.simulate(cell, unseen) for cell in (axon, learned))
    with plt.rc_context(RC):
        figure = plt.figure(figsize=(9.0, 4.0), layout="constrained")
        grid = figure.add_gridspec(4, 2, width_ratios=[1.6, 1.0])
        left = [figure.add_subplot(grid[:3, 0]), figure.add_subplot(grid[3, 0])]
        right = [figure.add_subplot(grid[:2, 1]), figure.add_subplot(grid[2:, 1])]
    left[0].tick_params(labelbottom=False)
    right[0].tick_params(labelbottom=False)
    ph.plot.trace(answer, measured=ph.Recording.from_solution(truth), axes=left)
    ph.plot.kinetics(learned, published=axon, v_seen=recording.v, axes=right)
    names = ("true neuron", "learned gate")
    left[0].legend(left[0].lines, names, loc="upper right", frameon=False, fontsize=8)
    left[0].set_ylim(-85, 62)
    left[0].set_title("noise never seen in training", fontsize=9.5)
    right[0].set_title("the gate, learned from one step", fontsize=9.5)
    right[0].legend(loc="lower right", edgecolor="none", fontsize=8)
    right[1].get_legend().remove()
    right[0].set_xlabel("")
    return figure


if __name__ == "__main__":
    ph.plot.save(draw(*learn()), TARGET)
