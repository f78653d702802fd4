"""Neurons as code of other simulators: one printer for each."""
