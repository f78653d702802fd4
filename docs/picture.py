"""Draws the picture of the README: `python docs/picture.py` writes docs/learned_gate.png."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt

import pyhodgkin as ph
from pyhodgkin.plot.style import RC

TARGET = Path(__file__).with_name("learned_gate.png")


def learn() -> tuple[ph.Neuron, ph.Neuron, ph.Recording]:
    """The squid axon, the same with a potassium gate learned from one step, and that step."""
    axon = ph.library.get("squid_axon")
    step = ph.CurrentClamp.step(7.0, start=5.0, stop=45.0, t_end=50.0)
    recording = ph.Recording.from_solution(ph.simulate(axon, step), noise=0.2)
    network = ph.Network.create((1, 32, 32, 2), seed=0)
    unknown = axon.replace_gate("n", ph.NeuralKinetics("steady_state", network))
    result = ph.fit(unknown, recording, seeds=3)
    print(result)
    return axon, result.neuron, recording


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
