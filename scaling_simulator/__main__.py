"""``python -m scaling_simulator``: the command ``simulate``."""

from __future__ import annotations

from scaling_simulator.commands import simulate_command

simulate_command(prog_name="python -m scaling_simulator")
