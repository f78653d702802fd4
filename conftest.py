"""Modules that are not collected for their examples where what they import is missing."""

import importlib.util

collect_ignore: list[str] = []
if importlib.util.find_spec("triton") is None:
    names = ("bernoulli", "elementary", "memory", "stimulus")
    collect_ignore += [f"pyhodgkin/backends/gpu/{name}.py" for name in names]
