"""Channels read from files of other simulators: NMODL and NeuroML 2."""
