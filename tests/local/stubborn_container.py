"""The echo container, which does not start while the file that its argument names is there."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

if Path(sys.argv[1]).exists():
    sys.exit("told not to start")
runpy.run_path(str(Path(__file__).with_name("echo_container.py")), run_name="__main__")
