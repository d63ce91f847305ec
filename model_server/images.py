"""From untrusted bytes to pages ready to be read: decoded within limits, upright, opaque, in a size the model likes."""

from __future__ import annotations

import io
import math
import struct
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from PIL import Image, ImageOps

from model_server.errors import InvalidImageError, TooLargeError

if TYPE_CHECKING:
    from collections.abc import Iterator

FORMATS: Final = ("PNG", "JPEG", "TIFF")
"""No other decoder of Pillow ever sees a request: each one is more surface to attack."""

MAX_PIXELS: Final = 80_000_000
"""Of one page; an A3 page at 600 dots per inch has 70 million. Decoded, that is 240 MB."""

MAX_PAGES: Final = 100
"""Of one TIFF document."""

SHORT_SIDE: Final = 736
"""Pixels that a page's short side is enlarged to: what the text detector works on at least, so that the recognizer
sees the same pixels instead of letters 10 pixels high. Measured on the page in scikit-image (191 pixels high), it is
what makes the underscore of ``np.zeros_like`` readable."""

LONG_SIDE: Final = 2000
"""Pixels that a page's long side is reduced to; bounds memory and time of the detector."""

MAX_ASPECT_RATIO: Final = 8
"""Narrower images are padded to this: the detector enlarges the short side and would turn a hair into gigabytes."""

TOO_MANY_PIXELS: Final = f"a page has more than {MAX_PIXELS} pixels: scan it at a lower resolution"

DECODING_ERRORS: Final = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    EOFError,
    OverflowError,
    struct.error,
)
"""What Pillow's decoders are known to raise on damaged data; only opening and loading is guarded by it."""

# Pillow warns above its limit and fails only above twice the limit. Here both are refusals.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
warnings.simplefilter("error", Image.DecompressionBombWarning)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a document, prepared for recognition.

    Attributes:
        image: RGB pixels, scaled and padded at the right and bottom edges.
        width: Of the page as it came (upright), in pixels.
        height: Likewise.
        scale: Pixels of ``image`` per pixel of the page.
    """

    image: Image.Image
    width: int
    height: int
    scale: float


def decode(content: bytes) -> Iterator[Page]:
    """Yield the pages of a document one at a time, so that memory holds one. All but TIFF have one.

    Raises:
        InvalidImageError: the content is empty, not PNG, JPEG or TIFF, or damaged.
        TooLargeError: a page has too many pixels, or there are too many pages.
    """
    with _refusals():
        image = Image.open(io.BytesIO(content), formats=FORMATS)
        count = _count_pages(image)
    for number in range(count):
        yield _prepare(_load(image, number))


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn what Pillow raises on damaged and hostile data into the errors of this package."""
    try:
        yield
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise TooLargeError(TOO_MANY_PIXELS) from error
    except DECODING_ERRORS as error:
        raise InvalidImageError("the body cannot be decoded: send an undamaged PNG, JPEG or TIFF image") from error


def _count_pages(image: Image.Image) -> int:
    if image.format != "TIFF":
        # The further frames of other formats are animations and previews.
        return 1
    # One by one, not by n_frames: that would go through a million of them.
    for number in range(MAX_PAGES + 1):
        try:
            image.seek(number)
        except EOFError:
            return number
    raise TooLargeError(f"the document has more than {MAX_PAGES} pages: send it in parts")


def _load(image: Image.Image, number: int) -> Image.Image:
    """Decode one page and turn it upright."""
    with _refusals():
        image.seek(number)
        # Pillow itself checks the first page only.
        if image.width * image.height > MAX_PIXELS:
            raise TooLargeError(TOO_MANY_PIXELS)
        ImageOps.exif_transpose(image, in_place=True)
    return image


def _prepare(image: Image.Image) -> Page:
    scale = min(max(1.0, SHORT_SIDE / min(image.size)), LONG_SIDE / max(image.size))
    size = [max(1, round(side * scale)) for side in image.size]
    scaled = _opaque(image).resize(size, Image.Resampling.BICUBIC)
    return Page(_padded(scaled), image.width, image.height, scale)


def _opaque(image: Image.Image) -> Image.Image:
    """Return RGB pixels, with white where the image is transparent: text is mostly dark."""
    if image.mode in ("I", "F"):
        raise InvalidImageError("the pixels have 32 bits: send an image with 1, 8 or 16 bits per channel")
    if image.mode.startswith("I;16"):
        # Pillow converts 16 bits by clipping, which would leave a white page.
        return image.point(lambda value: value / 256).convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")


def _padded(image: Image.Image) -> Image.Image:
    least = math.ceil(max(image.size) / MAX_ASPECT_RATIO)
    size = (max(image.width, least), max(image.height, least))
    if size == image.size:
        return image
    canvas = Image.new("RGB", size, "white")
    canvas.paste(image)
    return canvas
