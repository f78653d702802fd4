"""Interpolation, spike times and their matching: numpy only, no neuron."""
