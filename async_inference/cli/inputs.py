"""The inputs of a batch as somebody names them in a shell: a directory, a pattern, files, or a manifest."""

from __future__ import annotations

import glob
import os
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from async_inference.batches.inputs import BatchItem
from async_inference.batches.sinks import MARKER
from async_inference.cli.manifest import read_manifest
from async_inference.exceptions import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_MANIFEST = ".jsonl"


def find_inputs(sources: tuple[str, ...]) -> Iterator[BatchItem]:
    """Yield what ``sources`` name, in the order of their names.

    Each input is called by its path: relative to the directory, to the part of the pattern before its first wildcard,
    or to the folder that all files have in common. Hidden files and folders are left out, so are folders with the
    results of an earlier batch; links to folders are not followed. Whether a file can be read is not looked at here:
    one that cannot is a failed item of the batch.

    Args:
        sources: One directory, one pattern, one manifest ending in ``.jsonl``, or any number of files.

    Raises:
        InvalidRequest: there is nothing of that name, or nothing in it.
    """
    found = list(_found(sources)) if not _is_manifest(sources) else None
    if found is None:
        yield from read_manifest(Path(sources[0]))
    elif not found:
        raise InvalidRequest(f"{sources[0]}: there is no input")
    else:
        yield from (BatchItem(name, path) for name, path in found)


def _is_manifest(sources: tuple[str, ...]) -> bool:
    return len(sources) == 1 and sources[0].endswith(_MANIFEST) and Path(sources[0]).is_file()


def _found(sources: tuple[str, ...]) -> Iterable[tuple[str, Path]]:
    if len(sources) > 1:
        return _files(sources)
    source = sources[0]
    if Path(source).is_dir():
        return _in_directory(Path(source))
    if not Path(source).exists() and glob.has_magic(source):
        return _matching(source)
    return _files(sources)


def _in_directory(directory: Path) -> Iterator[tuple[str, Path]]:
    for folder, folders, files in os.walk(directory, onerror=_refuse):
        if MARKER in files and Path(folder) != directory:
            folders.clear()
            continue
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(folder, name)
            # A pipe would wait for a writer, and a dead link is nobody's input.
            if not name.startswith(".") and path.is_file():
                yield path.relative_to(directory).as_posix(), path


def _matching(pattern: str) -> Iterator[tuple[str, Path]]:
    fixed = Path(pattern)
    while glob.has_magic(str(fixed)):
        fixed = fixed.parent
    for name in sorted(glob.glob(pattern, recursive=True)):  # noqa: PTH207 - Path.glob takes no absolute pattern
        if Path(name).is_file():
            yield Path(name).relative_to(fixed).as_posix(), Path(name)


def _files(sources: tuple[str, ...]) -> Iterator[tuple[str, Path]]:
    paths = [Path(source) for source in sources]
    for path in paths:
        if not path.is_file():
            raise InvalidRequest(f"{path}: is no file; expected one directory, one pattern in quotes, or files")
    common = Path(os.path.commonpath([path.absolute().parent for path in paths]))
    return iter([(path.absolute().relative_to(common).as_posix(), path) for path in paths])


def _refuse(error: OSError) -> NoReturn:
    raise InvalidRequest(f"{error.filename}: cannot be read: {error.strerror}") from error
