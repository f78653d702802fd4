"""Kernels of networks of neurons, over those of one neuron in `kernels`.

They lie in a folder of their own, so that a change here compiles no integrator anew.
"""
