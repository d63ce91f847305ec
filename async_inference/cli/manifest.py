r"""A manifest: the inputs of a batch, one a line.

The first line is ``{"schema": 1}``. Each other line is an object with one of

* ``input``: a file, relative to the manifest's own folder, or ``s3://bucket/key`` below the endpoint's input prefix;
* ``payload``: the input itself: a text is sent as it is, anything else as JSON.

and, if wanted, ``name`` (what the result is called; by default the file's name, or ``line-2`` by its number) and
``content_type``::

    {"schema": 1}
    {"input": "pages/1.png"}
    {"input": "s3://my-bucket/input/page-2", "name": "page-2", "content_type": "image/png"}
    {"payload": {"inputs": "I love this."}, "name": "greeting"}
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from async_inference.batches.inputs import BatchItem
from async_inference.exceptions import InvalidRequest
from async_inference.locations import S3Location
from async_inference.messages import shown
from async_inference.submitting.payloads import TEXT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from async_inference.submitting.payloads import Payload

SCHEMA: Final = 1
"""The newest form of a manifest that this code reads."""

_MEMBERS: Final = frozenset({"input", "payload", "name", "content_type"})


def read_manifest(path: Path) -> Iterator[BatchItem]:
    """Yield the inputs that a manifest lists.

    Raises:
        InvalidRequest: it cannot be read, is of another schema, or a line is malformed; the message names the line.
    """
    try:
        with path.open(encoding="utf-8-sig") as lines:
            _check_head(path, next(lines, ""))
            for number, line in enumerate(lines, 2):
                if line.strip():
                    yield _item(path, number, line)
    except OSError as error:
        raise InvalidRequest(f"manifest {path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"manifest {path}: is no text in UTF-8") from error


def _check_head(path: Path, line: str) -> None:
    try:
        head = json.loads(line)
    except ValueError:
        head = None
    if not isinstance(head, dict) or set(head) != {"schema"}:
        # Without the line itself: in a manifest that lacks its head it is an input.
        raise InvalidRequest(f'manifest {path}, line 1: is not {{"schema": {SCHEMA}}}, expected it above the inputs')
    if type(head["schema"]) is not int or head["schema"] != SCHEMA:
        raise InvalidRequest(
            f"manifest {path}, line 1: has schema {shown(str(head['schema']))}, this version of async_inference reads "
            f"{SCHEMA}"
        )


def _item(path: Path, number: int, line: str) -> BatchItem:
    members = _members(path, number, line)
    if "payload" in members:
        payload, name = members["payload"], f"line-{number}"
        if isinstance(payload, str):
            # As bytes, a text is always the input itself, also one that looks like a place in S3.
            return BatchItem(
                members.get("name", name), payload.encode(errors="replace"), members.get("content_type", TEXT)
            )
    else:
        payload, name = _input(path, number, members["input"])
    return BatchItem(members.get("name", name), payload, members.get("content_type"))


def _input(path: Path, number: int, text: str) -> tuple[Payload, str]:
    if text.startswith("s3://"):
        location = S3Location.parse(text, field=f"manifest {path}, line {number}: input")
        return location, location.key.rpartition("/")[2]
    file = path.parent / text
    return file, file.name


def _members(path: Path, number: int, line: str) -> dict[str, Any]:
    where = f"manifest {path}, line {number}"
    try:
        members = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(f"{where}: is no JSON") from error
    if not isinstance(members, dict):
        raise InvalidRequest(f"{where}: is no object")
    if unknown := set(members) - _MEMBERS:
        raise InvalidRequest(f"{where}: the member {shown(min(unknown))} is unknown")
    if ("input" in members) == ("payload" in members):
        raise InvalidRequest(f"{where}: expected either input or payload")
    for name in ("input", "name", "content_type"):
        if name in members and not isinstance(members[name], str):
            raise InvalidRequest(f"{where}: {name} is of type {type(members[name]).__name__}, expected a text")
    return members
