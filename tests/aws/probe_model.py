"""The model of the probes, on AWS: the script of a scikit-learn container, which needs no image of its own.

A request's text says what it wants: ``work 30`` for so many seconds of work, ``fail`` for an error, ``large 200000``
for so many bytes; anything else is answered with ``echo`` and the text. The local cloud's container does the same.
"""

from __future__ import annotations

import time


def model_fn(_model_dir: str) -> str:
    """Return a model: there is none."""
    return "echo"


def input_fn(body: bytes | str, _content_type: str) -> str:
    """Return the request's text."""
    return body.decode() if isinstance(body, bytes) else body


def predict_fn(text: str, model: str) -> str:
    """Do what the text says."""
    match text.split():
        case ["work", seconds]:
            time.sleep(float(seconds))
        case ["fail", *_]:
            raise ValueError("raw error")
        case ["large", size]:
            return "x" * int(size)
    return f"{model} {text}"


def output_fn(answer: str, _accept: str) -> tuple[str, str]:
    """Return the answer as text."""
    return answer, "text/plain"
