"""Which program stands for which container image: the local cloud runs no containers, it runs what is in them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

REPOSITORY: Final = Path(__file__).resolve().parent.parent
"""The folder in which the programs run."""

REFERENCE_IMAGE: Final = "000000000000.dkr.ecr.us-east-1.amazonaws.com/async-inference/ocr:1"
"""The image of the reference model in the ``local`` stage."""

DEFAULT_COMMANDS: Final[Mapping[str, tuple[str, ...]]] = {
    REFERENCE_IMAGE: (str(REPOSITORY / ".venv-model-server" / "bin" / "python"), "-m", "model_server")
}
"""What is known without ``--container``."""
