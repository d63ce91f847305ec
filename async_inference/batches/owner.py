"""Who works on a batch."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from typing import Self
from uuid import uuid4


@dataclass(frozen=True, slots=True)
class Owner:
    """One run of a batch in one process."""

    id: str
    host: str
    process: int

    @classmethod
    def new(cls) -> Self:
        """Return an owner that there was never before, of this process."""
        return cls(uuid4().hex, socket.gethostname(), os.getpid())

    def __str__(self) -> str:
        return f"process {self.process} on {self.host}"
