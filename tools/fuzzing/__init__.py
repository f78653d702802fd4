"""Mutated and generated files for each reader, and the worker processes that read them."""
