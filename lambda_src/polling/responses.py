"""The function's answers: how a job and its result look in JSON, within what Lambda can return."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from async_inference import Job, StoredObject

MAX_RESPONSE_BYTES: Final = 6_000_000
"""Lambda returns 6 MB (its quotas page); what does not fit is returned by reference."""


def in_progress(job: Job) -> dict[str, Any]:
    """Return the answer that there is no outcome yet."""
    return {"status": "IN_PROGRESS", "job": job.to_dict()}


def may_fit(stored: StoredObject) -> bool:
    """Whether it is worth loading the output: JSON never takes less than the bytes themselves."""
    return stored.size <= MAX_RESPONSE_BYTES


def succeeded(job: Job, stored: StoredObject, content: bytes | None = None) -> dict[str, Any]:
    """Return the answer that holds the output, or, if it is binary or too large, says where it is.

    Args:
        job: The job.
        stored: What is known of its output.
        content: The output itself, if it was loaded.
    """
    result: dict[str, Any] = {
        "location": str(stored.location),
        "bytes": stored.size,
        "content_type": stored.content_type,
    }
    response = {"status": "SUCCEEDED", "job": job.to_dict(), "result": result}
    if content is not None:
        inlined = response | {"result": result | _inlined(content, stored.content_type or "")}
        # With everything beyond ASCII escaped, so never less than what the runtime writes.
        if len(json.dumps(inlined)) <= MAX_RESPONSE_BYTES:
            return inlined
    return response


def _inlined(content: bytes, content_type: str) -> dict[str, Any]:
    """Return the content as ``json`` if it is JSON, as ``text`` if it is text, and nothing if it is neither."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return {}
    if not content_type.startswith("text/"):
        try:
            return {"json": _strict_json(text)}
        except (ValueError, RecursionError):
            pass  # models write NaN, half a surrogate pair, or no JSON at all: as text it reaches the caller unchanged
    return {"text": text}


def _strict_json(text: str) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Decode JSON, refusing what cannot be written as JSON again."""
    value = json.loads(text)
    # As Lambda's runtime writes it: half a surrogate pair would stop it after the handler has returned.
    json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    return value
