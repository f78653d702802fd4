"""Keeps the Julia package out of editable installs, which use the one in the checkout.

Without this a second copy of it, and of juliapkg.json, would lie in site-packages, and juliapkg
refuses two packages of one name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class OneJuliaPackage(BuildHookInterface):
    """What is given here replaces the wheel's own list of additional files."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            marker = "pyhodgkin/py.typed"
            build_data["force_include_editable"] = {str(Path(self.root) / marker): marker}
