"""How errors show a value that somebody else wrote: on one line, escaped, and short."""

from __future__ import annotations

from typing import Final

_LONGEST: Final = 100


def shown(value: object) -> str:
    """Return a text as a quoted literal, cut after 100 characters; of anything else the type only."""
    if not isinstance(value, str):
        return type(value).__name__
    return ascii(value if len(value) <= _LONGEST else f"{value[:_LONGEST]}...")
