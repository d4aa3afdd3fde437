"""Fetching of published datasets: downloaded, checked and unpacked."""

import hashlib
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from hertzian.datasets.dataset import DatasetError
from hertzian.datasets.downloading import (
    PageError,
    Show,
    check_space,
    download,
    forget,
    show_nothing,
)
from hertzian.datasets.locations import Location
from hertzian.datasets.unpacking import unpack
from hertzian.recordings import atomic_path

Trust = Literal["known", "kept", "first use"]
"""Whose digest a file agrees with: the table's, that of an earlier download, or nobody's yet."""

_BLOCK_BYTES = 1 << 20
_LONGEST_DIGEST_FILE = 4096
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Fetched:
    """A published dataset in a folder.

    Attributes:
        archive: the downloaded file.
        size: of it, in bytes.
        sha256: of it, 64 hexadecimal digits.
        trust: what that digest agrees with.
        arrived: bytes that were downloaded now.
        unpacked: the files that came out of it; empty where nothing was unpacked.
    """

    archive: Path
    size: int
    sha256: str
    trust: Trust
    arrived: int
    unpacked: tuple[Path, ...]


def fetch_dataset(
    location: Location,
    folder: Path,
    *,
    url: str | None = None,
    unpacked: bool = True,
    trusting: bool = False,
    show: Show = show_nothing,
) -> Fetched:
    """Fetch a published dataset: download what is missing, check its digest, unpack it.

    An archive that is already in the folder, from whatever source, is checked and unpacked only.
    `NAME.sha256` keeps the digest of an archive for which none is known; a later one must agree.

    Args:
        location: from `find_location`.
        folder: where everything goes; made if it does not exist.
        url: where the file is, instead of the table's place; a personal link, for instance.
        unpacked: whether to unpack, beside the archive.
        trusting: whether to take a file whose size and digest are not those of the table.
        show: shows progress, in bytes.

    Raises:
        DatasetError: it cannot be fetched without a person, not downloaded, or is not what is
            expected; a download with a wrong digest is removed.
        RecordingError: something cannot be written.
    """
    if trusting:
        location = replace(location, size=None, sha256=None, sha256_from=None)
    archive = folder / location.file
    arrived = 0
    if archive.is_file():
        sha256 = _digest(archive, show)
        trust = _check(location, archive, archive, sha256)
    else:
        partial = archive.with_name(f"{archive.name}.partial")
        arrived = _download(location, folder, partial, url, unpacked, show)
        sha256 = _digest(partial, show)
        try:
            trust = _check(location, archive, partial, sha256)
        except DatasetError:
            forget(partial)
            raise
        partial.replace(archive)
        forget(partial)
    if trust == "first use":
        with atomic_path(_kept_path(archive)) as path:
            path.write_text(f"{sha256}  {archive.name}\n", encoding="utf-8")
    files = _unpack(location, archive, folder, show) if unpacked else ()
    return Fetched(archive, archive.stat().st_size, sha256, trust, arrived, files)


def _download(
    location: Location, folder: Path, partial: Path, url: str | None, unpacked: bool, show: Show
) -> int:
    by_hand = (
        f"open {location.page}, {location.access}; then run again with --url LINK, or save it as "
        f"{folder / location.file} and run again"
    )
    place = url or location.url
    if place is None:
        raise DatasetError(f"{location.name} cannot be fetched without an account: {by_hand}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatasetError(f"cannot make the folder {folder}: {error.strerror}") from None
    spare = (location.unpacked_size or 0) if unpacked else 0
    try:
        return download(place, partial, size=location.size, spare=spare, show=show)
    except PageError as error:
        raise DatasetError(f"{error}: {by_hand}") from None


def _digest(file: Path, show: Show) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as opened, show("checking", file.stat().st_size) as advance:
        while block := opened.read(_BLOCK_BYTES):
            digest.update(block)
            advance(len(block))
    return digest.hexdigest()


def _check(location: Location, archive: Path, file: Path, sha256: str) -> Trust:
    """Return what a file's digest agrees with.

    Raises:
        DatasetError: it does not agree.
    """
    kept = _kept(_kept_path(archive))
    expected = location.sha256 or kept
    if expected in (None, sha256):
        return "first use" if expected is None else "known" if location.sha256 else "kept"
    fate = "remove it" if file == archive else "it is removed"
    if location.sha256 is None:
        raise DatasetError(
            f"{file}: SHA-256 is {sha256}, but {_kept_path(archive)} says {kept}: the publisher "
            f"changed the file, or something else did; {fate}, and remove {archive.name}.sha256 to "
            "take the new one"
        )
    raise DatasetError(
        f"{file}: SHA-256 is {sha256}, expected {expected} ({location.sha256_from}); {fate} and "
        "run again, or take the file as it is with --trust"
    )


def _kept_path(archive: Path) -> Path:
    return archive.with_name(f"{archive.name}.sha256")


def _kept(path: Path) -> str | None:
    """Return the digest that an earlier download left, or None."""
    if not path.exists():
        return None
    try:
        with path.open(encoding="utf-8") as opened:
            words = opened.read(_LONGEST_DIGEST_FILE).split()
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path}: cannot be read ({error}); remove it") from None
    if not words or not _SHA256.fullmatch(words[0].lower()):
        raise DatasetError(f"{path}: expected a SHA-256 of 64 hexadecimal digits; remove it")
    return words[0].lower()


def _unpack(location: Location, archive: Path, folder: Path, show: Show) -> tuple[Path, ...]:
    files = tuple(folder / name for name in location.members)
    if all(file.is_file() and file.stat().st_mtime >= archive.stat().st_mtime for file in files):
        return files
    check_space(folder, location.unpacked_size or 0)
    with show("unpacking", location.unpacked_size) as advance:
        return unpack(archive, folder, location.members, location.unpacked_limit, advance)
