"""Arrays that stages leave in their folders, as `.npz`."""

import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hertzian.experiments.stages import ExperimentError


def read_arrays(
    path: Path, what: str, names: Iterable[str] | None = None
) -> dict[str, npt.NDArray[Any]]:
    """Read arrays of an `.npz` by their names; all of them for None. Nothing is unpickled.

    Args:
        path: the file.
        what: that is expected in it, for the error.
        names: which arrays.

    Raises:
        ExperimentError: unreadable, damaged, or one of the names is not there.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            return {name: file[name] for name in (file.files if names is None else names)}
    # a lone .npy gives an array, which has none of an archive's attributes
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _wrong(path, what, error) from None
    except (zipfile.BadZipFile, zlib.error) as error:
        raise _wrong(path, what, error) from None


def _wrong(path: Path, what: str, error: Exception) -> ExperimentError:
    said = " ".join(str(error).split())
    return ExperimentError(f"{path}: expected {what} ({said}); delete it, or write it again")
