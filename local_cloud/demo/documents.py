"""The documents that the demo sends: real images with text in them, and one that is broken on purpose."""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass
from typing import Final

CONTENT_TYPE: Final = "image/png"
_DISTRIBUTION: Final = "scikit-image"


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """One image to be read.

    Attributes:
        name: The file's name.
        content: The file.
        expected: What the text that is read, or the model's error, must contain.
        broken: Whether the model must refuse it.
    """

    name: str
    content: bytes
    expected: str
    broken: bool = False


def scanned_page() -> Document:
    """Return a scanned page of print, small enough to travel in the request."""
    return Document(name="page.png", content=_shipped("page.png"), expected="Region-based segmentation")


def photograph() -> Document:
    """Return a photograph of a motorcycle with its maker's name on it, which has to go by way of S3."""
    return Document(name="motorcycle.png", content=_shipped("motorcycle_left.png"), expected="YAMAHA")


def broken_page() -> Document:
    """Return the first half of the scanned page's file, which is no image."""
    page = _shipped("page.png")
    return Document(name="broken.png", content=page[: len(page) // 2], expected="cannot be decoded", broken=True)


def _shipped(name: str) -> bytes:
    """Read an image that a package ships, without importing the package."""
    for file in importlib.metadata.files(_DISTRIBUTION) or ():
        if file.as_posix() == f"skimage/data/{name}":
            return file.read_binary()
    raise FileNotFoundError(f"the distribution {_DISTRIBUTION} has no {name}: run make setup")
