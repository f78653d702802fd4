"""Batched optimizers, which know no neuron: AdamW, L-BFGS, Levenberg-Marquardt."""
