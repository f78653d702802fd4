"""The method of a neuron that writes it for other simulators."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


class Exportable:
    """Base of `Neuron`."""

    def export(
        self: Any, to: str, path: str | os.PathLike[str], *, overwrite: bool = False
    ) -> list[Path]:
        """Write the neuron as code of another simulator.

        Networks are written as formulas, all of their weights included; temperature factors as
        the simulator has them. A neuron of a whole cell gets the membrane area that it states,
        or the one at which its capacitance is 1 µF/cm²: its totals stay. Per area and without a
        stated area, the cell has 1000 µm².

        Parameters
        ----------
        to : {"nmodl", "brian2", "jaxley", "neuroml", "julia"}
            NEURON: a mechanism (.mod) for each channel and for a pool of calcium, and ``cell.py``.
            Brian2: a script with ``equations``, ``parameters`` and ``group``. Jaxley: a channel
            class for each channel and ``build``. NeuroML 2: the cell and a LEMS simulation. Julia:
            a module with ``rhs!``, ``parameters`` and ``initial``, without packages. All have an
            example with a step of current that runs.
        path : path
            Folder of the files; made where it is missing.
        overwrite : bool
            Replace files of the same names.

        Returns
        -------
        list of Path
            The files.

        Raises
        ------
        InputError, UnknownNameError
            For what the simulator cannot express (one network as the right-hand side; of NeuroML
            also learned currents, the form "free", pools of calcium and Markov schemes), for an
            unknown simulator, and for files that are there already.

        Examples
        --------
        >>> import pyhodgkin as ph
        >>> folder = getfixture("tmp_path")
        >>> [file.name for file in ph.library.get("squid_axon").export("brian2", folder)]
        ['squid_axon_brian2.py']
        """
        from ..export.write import write

        return write(self, to, path, overwrite=overwrite)
