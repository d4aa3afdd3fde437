"""A folder for temporary files that has the space they need."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hertzian.report import engineering
from hertzian.signal import HertzianError

_SPARE_SPACE = 1.02


@contextmanager
def temporary_folder(size: int) -> Iterator[Path]:
    """Make a folder for so many bytes, and remove it in the end.

    Raises:
        HertzianError: there is less space.
    """
    with tempfile.TemporaryDirectory(prefix="hertzian-bench-") as name:
        folder = Path(name)
        free = shutil.disk_usage(folder).free
        if free < _SPARE_SPACE * size:
            raise HertzianError(
                f"{folder.parent} has {engineering(free, 'B')} free, but "
                f"{engineering(size, 'B')} are needed; name another folder in TMPDIR"
            )
        yield folder
