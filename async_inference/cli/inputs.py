"""The inputs of a batch as somebody names them in a shell: a directory, a pattern, files, or a manifest."""

from __future__ import annotations

import errno
import glob
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from async_inference.batches.inputs import BatchItem
from async_inference.batches.sinks import MARKER
from async_inference.cli.manifest import read_manifest
from async_inference.exceptions import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_MANIFEST = ".jsonl"


def find_inputs(sources: tuple[str, ...]) -> Iterable[BatchItem]:
    """Return what ``sources`` name, in the order of their names: a list, or the lines of a manifest as they are read.

    Each input is called by its path: relative to the directory, to the part of the pattern before its first wildcard,
    or to the folder that all files have in common. Hidden files and folders are left out, so are folders with the
    results of an earlier batch; links to folders are not followed. Whether a file can be read is not looked at here:
    one that cannot is a failed item of the batch, and so is a folder that cannot.

    Args:
        sources: One directory, one pattern, one manifest ending in ``.jsonl``, or any number of files.

    Raises:
        InvalidRequest: there is nothing of that name, or nothing in it, or it cannot be read.
    """
    try:
        found = list(_found(sources)) if not _is_manifest(sources) else None
    except OSError as error:
        raise InvalidRequest(f"{error.filename}: cannot be read: {error.strerror}") from error
    if found is None:
        return read_manifest(Path(sources[0]))
    if not found:
        raise InvalidRequest(f"{sources[0]}: there is no input")
    return [BatchItem(name, path) for name, path in found]


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
    errors: list[OSError] = []
    for folder, folders, files in os.walk(directory, onerror=errors.append):
        yield from _unreadable(directory, errors)
        if MARKER in files and Path(folder) != directory:
            folders.clear()
            continue
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from _regular(directory, (Path(folder, name) for name in sorted(files) if not name.startswith(".")))
    yield from _unreadable(directory, errors)


def _matching(pattern: str) -> Iterator[tuple[str, Path]]:
    fixed = Path(pattern)
    while glob.has_magic(str(fixed)):
        fixed = fixed.parent
    names = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
    return _regular(fixed, map(Path, names))


def _regular(root: Path, paths: Iterable[Path]) -> Iterator[tuple[str, Path]]:
    """Yield files, and of each folder that can be listed but not entered one, which fails in the folder's name."""
    locked: set[Path] = set()
    for path in paths:
        try:
            is_file = _is_file(path)
        except OSError:
            if path.parent == root:
                raise
            if path.parent not in locked:
                locked.add(path.parent)
                yield path.parent.relative_to(root).as_posix(), path
        else:
            if is_file:
                yield path.relative_to(root).as_posix(), path


def _is_file(path: Path) -> bool:
    """Whether there is a file: a pipe would wait for a writer, and a dead link is nobody's input.

    Raises:
        OSError: that cannot be said. Path.is_file() tells of this or not, as Python's version has it.
    """
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}:
            return False
        raise


def _unreadable(root: Path, errors: list[OSError]) -> Iterator[tuple[str, Path]]:
    """Yield folders that could not be listed, as inputs that fail, and forget them."""
    while errors:
        error = errors.pop(0)
        folder = Path(error.filename)
        if folder == root:
            raise error
        yield folder.relative_to(root).as_posix(), folder


def _files(sources: tuple[str, ...]) -> Iterator[tuple[str, Path]]:
    paths = [Path(source) for source in sources]
    for path in paths:
        if not path.is_file():
            raise InvalidRequest(f"{path}: is no file; expected one directory, one pattern in quotes, or files")
    common = Path(os.path.commonpath([path.absolute().parent for path in paths]))
    return iter([(path.absolute().relative_to(common).as_posix(), path) for path in paths])
