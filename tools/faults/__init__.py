"""Faults, tried on purpose: what becomes of them."""
