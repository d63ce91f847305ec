"""``python -m async_inference``: the command line, where its own command is not on the path."""

from __future__ import annotations

from async_inference.cli import main

if __name__ == "__main__":
    main()
