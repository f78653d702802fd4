"""Figures of traces, gates, currents, kinetics and training."""
