"""What a result says of the curves that were learned."""

from __future__ import annotations

from collections.abc import Callable

from ..errors import InputError
from .learned_curves import LearnedCurves


class HasCurves:
    """A result with `curves`: learned curves with bands, what finds them, or None."""

    curves: LearnedCurves | Callable[[], LearnedCurves | None] | None

    def curve_bands(self) -> LearnedCurves:
        """Every learned curve of the best start with its credible bands.

        They are found when they are first asked for, which takes as many predictions of the
        training recordings as there are directions, some forty for each gate; after a fit of
        currents under voltage clamp they are there already.

        Raises
        ------
        InputError
            If no network of the voltage was trained, or the result was read from a folder that
            was written before bands were found (see `pyhodgkin.curve_bands`).

        Examples
        --------
        ``result.curve_bands()["n.tau"].band(0.9)`` has ``v``, ``value``, ``low`` and ``high``.
        """
        found = self._learned()
        if found is None or not len(found):
            raise InputError(
                "curve_bands: this result has no curves with bands; train a network of the "
                "voltage, or call pyhodgkin.curve_bands(result, recordings)"
            )
        return found

    @property
    def voltage_support(self) -> dict[str, tuple[tuple[float, float], ...]]:
        """Of each learned curve the ranges of voltage, mV, that the recordings determine.

        Outside of them a curve follows its prior. Empty where no network was trained. See
        `curve_bands`.
        """
        found = self._learned()
        return {} if found is None else found.support

    def _learned(self) -> LearnedCurves | None:
        if callable(self.curves):
            object.__setattr__(self, "curves", self.curves())
        return self.curves  # type: ignore[return-value]
