"""Outputs appear whole or not at all."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hertzian.recordings.errors import RecordingError


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a path to write to; it takes the place of `path` when the block ends well.

    The file is written beside the target (hidden, with the same suffix) and renamed over it. If the
    block raises, it is removed and an existing target stays as it was. A symbolic link is followed;
    a device or pipe, such as /dev/stdout, cannot be replaced and is given as it is.

    Raises:
        RecordingError: the target is a folder, its folder does not exist, or writing failed.
    """
    target = Path(path)
    if target.is_dir():
        raise RecordingError(f"cannot write {target}: it is a folder")
    if target.exists() and not target.is_file():
        yield target
        return
    final = Path(os.path.realpath(target))
    if not final.parent.is_dir():
        raise RecordingError(f"cannot write {target}: the folder {final.parent} does not exist")
    partial = final.with_name(f".{final.stem[:100]}.{secrets.token_hex(4)}.partial{final.suffix}")
    try:
        yield partial
        partial.replace(final)
    except OSError as error:
        raise RecordingError(f"cannot write {target}: {error}") from error
    finally:
        partial.unlink(missing_ok=True)
