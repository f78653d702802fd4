"""Batched optimizers, which know no neuron: AdamW, L-BFGS, Levenberg-Marquardt."""

from .adamw import Optimizer
from .registry import OPTIMIZERS, Setting, create, register, unregister

__all__ = ["OPTIMIZERS", "Optimizer", "Setting", "create", "register", "unregister"]
