"""Reads what the options of the command ``simulate`` name: requests, templates, and how long things take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scaling_engine.assumptions import Assumptions
from scaling_simulator.exceptions import SimulationError
from scaling_simulator.options import Options
from scaling_simulator.patterns import HOUR, PATTERNS, pattern
from scaling_simulator.template import read_template
from scaling_simulator.traces import read_trace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from scaling_simulator.template import Deployment
    from scaling_simulator.traces import Request


def options_of(given: Mapping[str, Any]) -> Options:
    """Return the options of the simulation, by the names of the command's."""
    return Options(
        assumptions=Assumptions(**dict(given["assume"])),
        launch=given["launch"],
        model_load=given["model_load"],
        request_ttl_seconds=given["ttl"],
        invocation_timeout_seconds=given["timeout"],
        max_concurrency=given["concurrency"],
        clients_publish_in_flight=given["in_flight"],
        horizon_seconds=None if given["hours"] is None else given["hours"] * HOUR,
        seed=given["seed"],
    )


def requests_of(trace: Path | None, pattern_name: str | None, options: Options) -> list[Request]:
    """Return the requests of the trace or of the pattern that arrive while the simulation lasts.

    Raises:
        SimulationError: neither is given, or both, or nothing arrives in that time.
    """
    requests = _requests(trace, pattern_name, options.seed)
    end = options.horizon(requests[-1].time)
    within = [request for request in requests if request.time < end]
    if not within:
        first = requests[0].time / HOUR
        raise SimulationError(f"--hours {end / HOUR:g}: the first request comes after {first:.1f} hours")
    return within


def _requests(trace: Path | None, pattern_name: str | None, seed: int) -> list[Request]:
    if trace is not None and pattern_name is not None:
        raise SimulationError("--trace and --pattern exclude each other: give one of them")
    if trace is not None:
        return read_trace(trace)
    if pattern_name is not None:
        return pattern(pattern_name, seed)
    raise SimulationError(f"no requests: give --trace FILE, or --pattern with one of {', '.join(PATTERNS)}")


def deployments_of(
    paths: Sequence[Path], targets: Sequence[str], parameters: Mapping[str, str]
) -> dict[str, Deployment]:
    """Return what the templates declare, by the shortest names that tell their files apart.

    Raises:
        SimulationError: one of them cannot be read, or none has a target or parameter of a name that is given.
    """
    stems = [path.name.split(".")[0] for path in paths]
    deployments = {
        stem if stems.count(stem) == 1 else str(path): read_template(path, targets=targets, parameters=parameters)
        for stem, path in zip(stems, paths, strict=True)
    }
    _require_known("--target", targets, {one.target for one in deployments.values()})
    _require_known("--parameter", list(parameters), {name for one in deployments.values() for name in one.parameters})
    return deployments


def _require_known(option: str, names: Sequence[str], known: set[str]) -> None:
    if unknown := [name for name in names if name not in known]:
        there = ", ".join(sorted(known)) or "none"
        raise SimulationError(f"{option} {unknown[0]}: no template has it, there is {there}")
