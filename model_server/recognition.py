"""The model itself: RapidOCR with the ONNX models that its wheel carries, offline."""

from __future__ import annotations

import os
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from PIL import Image, ImageDraw, ImageFont
from rapidocr import RapidOCR

from model_server import images

if TYPE_CHECKING:
    from collections.abc import Iterable

DETECTION_MODEL: Final = "PP-OCRv6_det_small.onnx"
RECOGNITION_MODEL: Final = "PP-OCRv6_rec_small.onnx"
SELF_TEST: Final = "ready"


class Recognizer:
    """Reads the text of scanned pages. Safe to call from several threads."""

    def __init__(self, workers: int) -> None:
        """Load the models and read one word with them, so that the first document does not pay for it.

        Args:
            workers: Documents that will be recognized at the same time; they share the processors.

        Raises:
            RuntimeError: the models do not work.
        """
        self._ocr = RapidOCR(params=_parameters(workers))
        self._check()

    def __call__(self, content: bytes) -> dict[str, Any]:
        """Return the lines of text in an image, from top to bottom, and their confidence and place.

        Raises:
            InvalidImageError: the content cannot be decoded.
            TooLargeError: it is beyond the limits of :mod:`model_server.images`.
        """
        pages = []
        lines: list[dict[str, Any]] = []
        for number, page in enumerate(images.decode(content), start=1):
            pages.append({"width": page.width, "height": page.height})
            lines.extend(self._read(page, number))
        return {"text": "\n".join(line["text"] for line in lines), "lines": lines, "pages": pages}

    def _read(self, page: images.Page, number: int) -> Iterable[dict[str, Any]]:
        found = self._ocr(page.image)
        if found.txts is None:
            return
        for text, confidence, box in zip(found.txts, found.scores, found.boxes, strict=True):
            yield {
                "text": text,
                "confidence": round(float(confidence), 4),
                "page": number,
                "box": [[round(float(coordinate) / page.scale, 1) for coordinate in corner] for corner in box],
            }

    def _check(self) -> None:
        """RapidOCR loads each model at its first use: this is it."""
        image = Image.new("RGB", (images.SHORT_SIDE, images.SHORT_SIDE), "white")
        ImageDraw.Draw(image).text((100, 300), SELF_TEST, "black", ImageFont.load_default(size=100))
        found = self._ocr(image)
        if found.txts != (SELF_TEST,):
            raise RuntimeError(
                f"the models read {found.txts} in a picture of {SELF_TEST!r}: reinstall requirements.txt"
            )


def _parameters(workers: int) -> dict[str, Any]:
    models = resources.files("rapidocr") / "models"
    return {
        "Global.log_level": "error",
        # images.py scales and pads.
        "Global.use_preprocess_img": False,
        "Global.use_vertical_padding": False,
        # The classifier that turns lines by 180 degrees turns upright lines of an upright page, which then read as
        # nonsense, and does not turn all lines of an upside-down one. Pages have to be upright; EXIF is honoured.
        "Global.use_cls": False,
        # With explicit paths RapidOCR has no code path that downloads.
        "Det.model_path": str(models / DETECTION_MODEL),
        "Rec.model_path": str(models / RECOGNITION_MODEL),
        "EngineConfig.onnxruntime.intra_op_num_threads": max(1, _processors() // workers),
    }


def _processors() -> int:
    """Return how many processors this process may use, which in a container can be fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
