"""Unpacking of downloaded archives: the expected members, and nothing that an archive may try.

Members are copied to names of our own choice, so no path of the archive is ever written to.
"""

import bz2
import gzip
import io
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from hertzian.datasets.dataset import DatasetError
from hertzian.datasets.downloading import Advance
from hertzian.recordings import atomic_path

_BLOCK_BYTES = 1 << 20
_LONGEST_READ = 64 << 20
_MOST_MEMBERS = 10_000
_ENCRYPTED = 1  # in a zip member's flags

# what the readers raise on bytes that are not theirs; an OSError is also gzip's and bz2's word
_DAMAGE = (
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError),
    *(ValueError, OverflowError, NotImplementedError, RuntimeError),
)

Entry = tuple[str, int, Callable[[], IO[bytes] | None]]
"""A file in an archive: its path there, the bytes it claims, and what opens it."""


class _Guarded(io.BufferedReader):
    """An unpacked stream that refuses the long reads by which a header would fill the memory."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Return up to `size` bytes."""
        if size is None or not 0 <= size <= _LONGEST_READ:
            raise DatasetError(f"holds a header of {size} bytes, which is refused")
        return super().read(size)


def unpack(
    archive: Path,
    folder: Path,
    members: Collection[str],
    limit: int,
    advance: Advance = lambda steps: None,
) -> tuple[Path, ...]:
    """Unpack members of a `.tar.bz2`, `.tar.gz` or `.zip` into a folder, all or none.

    Args:
        archive: the file.
        folder: where they go, flat, under their base names.
        members: base names; the archive must hold each of them once. Others are left out.
        limit: bytes that the archive may claim to hold in all.
        advance: is told the bytes written.

    Raises:
        DatasetError: damaged, a member missing or there twice, a link, a path that leads out, or
            more than `limit`; then nothing is written.
        RecordingError: the folder cannot be written to.
    """
    targets = {name: folder / name for name in members}
    found: set[str] = set()
    total = 0
    with ExitStack() as written:
        places = {name: written.enter_context(atomic_path(path)) for name, path in targets.items()}
        try:
            for path, size, opened in _entries(archive):
                name = PurePosixPath(path).name
                total += size
                if size < 0 or total > limit:
                    raise DatasetError(f"claims more than {limit} bytes, which is refused")
                if name not in targets:
                    continue
                if name in found:
                    raise DatasetError(f"holds {name} twice")
                found.add(name)
                source = opened()
                if source is None:
                    raise DatasetError(f"holds {name} as a folder")
                with source:
                    _copy(source, places[name], size, advance)
            missing = sorted(targets.keys() - found)
            if missing:
                raise DatasetError(f"lacks {', '.join(missing)}")
        except DatasetError as error:
            raise DatasetError(f"{archive}: {error}; nothing is unpacked") from None
        except _DAMAGE as error:
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            raise DatasetError(f"{archive}: cannot be unpacked ({reason})") from None
    return tuple(targets.values())


def _copy(source: IO[bytes], target: Path, size: int, advance: Advance) -> None:
    with target.open("wb") as file:
        while block := source.read(min(_BLOCK_BYTES, size)):
            file.write(block)
            advance(len(block))
            size -= len(block)
    if size:
        raise DatasetError(f"{target.name} ends {size} bytes early")


def _entries(archive: Path) -> Iterator[Entry]:
    """Go through the files of an archive, each checked before the next is looked for."""
    readers = {".bz2": _tar_entries, ".gz": _tar_entries, ".zip": _zip_entries}
    for count, (path, size, opened) in enumerate(readers[archive.suffix](archive)):
        if count >= _MOST_MEMBERS:
            raise DatasetError(f"holds more than {_MOST_MEMBERS} members")
        parts = PurePosixPath(path.replace("\\", "/"))
        if parts.is_absolute() or ".." in parts.parts:
            raise DatasetError(f"holds {path[:100]!r}, a path that leads out of the folder")
        yield path, size, opened


def _tar_entries(archive: Path) -> Iterator[Entry]:
    packed = bz2.BZ2File(archive) if archive.suffix == ".bz2" else gzip.GzipFile(archive)
    with packed, _Guarded(packed) as stream, tarfile.open(fileobj=stream, mode="r:") as tar:
        for info in tar:
            if not (info.isreg() or info.isdir()):
                raise DatasetError(f"holds {info.name[:100]!r}, a link or device")
            yield info.name, info.size, partial(tar.extractfile, info)
        # up to the end, where the stream's own check sum is
        if len(stream.read(_BLOCK_BYTES)) == _BLOCK_BYTES:
            raise DatasetError("goes on after its end")


def _zip_entries(archive: Path) -> Iterator[Entry]:
    with zipfile.ZipFile(archive) as held:
        for info in held.infolist():
            if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise DatasetError(f"holds {info.filename[:100]!r}, a link or device")
            if info.flag_bits & _ENCRYPTED:
                raise DatasetError(f"holds {info.filename[:100]!r} encrypted")
            yield info.filename, info.file_size, partial(held.open, info)
