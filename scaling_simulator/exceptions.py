"""The one error of this package, apart so that every other module may use it."""

from __future__ import annotations


class SimulationError(ValueError):
    """A template, trace or option cannot be simulated. The message is one line that says what to change."""
