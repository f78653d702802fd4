"""The cases of ``tools/frozen_behaviour.py``: what the package computes, to be compared."""
