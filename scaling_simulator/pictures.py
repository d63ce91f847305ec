"""Runs as pictures: arrivals, backlog, instances and killed jobs over time.

Matplotlib is loaded only when a picture is drawn, so that figures need nothing but the standard library.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from scaling_simulator.exceptions import SimulationError
from scaling_simulator.outcome import Fate

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from scaling_simulator.outcome import Run

_HOUR: Final = 3_600.0
_BINS: Final = 200
_MANY: Final = 100
"""Requests from which their axis is logarithmic, so that few are still seen."""

_WIDTH, _HEIGHT = 10.0, 6.0


def require_drawable(path: Path) -> None:
    """Require, before anything is simulated, that a picture can be drawn and written to ``path``.

    Raises:
        SimulationError: Matplotlib is not installed, or the file cannot be written there.
    """
    if find_spec("matplotlib") is None:
        raise SimulationError("a picture needs Matplotlib: pip install 'async-inference[pictures]'")
    if path.is_dir():
        raise SimulationError(f"picture {path}: is a directory, name a file in it")
    if not path.parent.is_dir():
        raise SimulationError(f"picture {path}: there is no directory {path.parent}, make it first")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise SimulationError(f"picture {path}: may not be written there")


def draw(runs: Mapping[str, Run], path: Path) -> None:
    """Write a PNG of ``runs``, one column for each, on the same scales.

    Raises:
        SimulationError: the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - needed for pictures alone
    from matplotlib.figure import Figure  # noqa: PLC0415 - likewise

    figure: Any = Figure(figsize=(_WIDTH + _WIDTH / 2 * (len(runs) - 1), _HEIGHT), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(3, len(runs), sharex=True, sharey="row", squeeze=False)
    for column, (name, run) in enumerate(runs.items()):
        _column(axes[:, column], name, run)
    for axis in axes[:, 0]:
        axis.set_ylim(bottom=0)
    if max(minute.waiting for run in runs.values() for minute in run.minutes) > _MANY:
        for axis in axes[1]:
            axis.set_yscale("symlog", linthresh=10)
    for axis, label in zip(axes[:, 0], ("arrivals", "requests", "instances"), strict=True):
        axis.set_ylabel(label)
    try:
        figure.savefig(path, format="png", metadata={"Software": None})
    except OSError as error:
        raise SimulationError(f"picture {path}: {error.strerror}") from error


def _column(axes: Any, name: str, run: Run) -> None:  # noqa: ANN401 - Matplotlib's axes in a row
    arrivals, requests, instances = axes
    hours = [minute.time / _HOUR for minute in run.minutes]
    arrivals.set_title(name)
    span = (0.0, run.horizon / _HOUR)
    arrivals.hist([job.arrived / _HOUR for job in run.jobs], bins=_BINS, range=span, color="tab:grey")
    requests.plot(hours, [minute.waiting for minute in run.minutes], color="tab:orange", label="waiting")
    requests.plot(hours, [minute.running for minute in run.minutes], color="tab:blue", label="running")
    _marks(requests, run, Fate.KILLED, "x", "killed by scale-in")
    _marks(requests, run, Fate.EXPIRED, "v", "expired")
    instances.step(hours, [minute.desired for minute in run.minutes], color="tab:green", label="wanted", where="post")
    instances.step(
        hours, [minute.in_service for minute in run.minutes], color="black", label="in service", where="post", lw=0.8
    )
    instances.set_xlabel("hours")
    for axis in (requests, instances):
        axis.legend(loc="upper right", fontsize="small")


def _marks(axis: Any, run: Run, fate: Fate, marker: str, label: str) -> None:  # noqa: ANN401 - Matplotlib's axis
    ends = [(job.ended or 0.0) / _HOUR for job in run.with_fate(fate)]
    if ends:
        axis.plot(ends, [0.3] * len(ends), marker, color="tab:red", label=f"{label} ({len(ends)})")
