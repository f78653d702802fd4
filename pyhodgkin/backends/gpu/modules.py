"""Kernels as modules: their code is kept in a folder of the user, where Triton can read it."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import tempfile
from functools import lru_cache
from pathlib import Path
from types import ModuleType

from ...neuron.tables import Tables
from ..tableau import ExplicitTableau, RosenbrockTableau
from .adjoint import AdjointKernel
from .kernel import Kernel
from .variant import Variant

FOLDER = "PYHODGKIN_CACHE"


@lru_cache(maxsize=64)
def kernel(
    tables: Tables, tableau: ExplicitTableau | RosenbrockTableau, variant: Variant
) -> ModuleType:
    """The module of the kernel for a neuron and a method; its function is `solve`."""
    return load(Kernel(tables, tableau, variant).text)


@lru_cache(maxsize=64)
def adjoint_kernel(tables: Tables, tableau: ExplicitTableau, variant: Variant) -> ModuleType:
    """The module of the adjoint kernel for a neuron and a method; its function is `adjoint`."""
    return load(AdjointKernel(tables, tableau, variant).text)


@lru_cache(maxsize=256)
def load(text: str) -> ModuleType:
    """The module with the code `text`, from a file that is named by its digest."""
    name = f"kernel_{hashlib.sha256(text.encode()).hexdigest()[:32]}"
    path = _folder() / f"{name}.py"
    if not (path.is_file() and path.read_text(encoding="utf-8") == text):
        _write(path, text)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _folder() -> Path:
    """``PYHODGKIN_CACHE``, the user's folder for caches, or a new one for this process."""
    asked = os.environ.get(FOLDER) or os.environ.get("XDG_CACHE_HOME")
    base = Path(asked) if asked else Path.home() / ".cache"
    folder = base / "pyhodgkin" / "kernels"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    except OSError:
        pass
    return _temporary()


@lru_cache(maxsize=1)
def _temporary() -> Path:
    return Path(tempfile.mkdtemp(prefix="pyhodgkin-kernels-"))


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=path.stem, suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(part, path)
    finally:
        Path(part).unlink(missing_ok=True)
