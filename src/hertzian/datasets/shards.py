"""Windows of many recordings, made by several processes, as memory-mappable shards."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hertzian.datasets.jobs import run_jobs
from hertzian.datasets.scenes import Scene
from hertzian.datasets.windows import Naming, Windows, by_modulation, field_windows

SHARD_RECORDINGS = 200


@dataclass(frozen=True)
class Shard:
    """Windows of consecutive recordings; the fields are those of `Windows`."""

    x: npt.NDArray[np.float16]
    label: npt.NDArray[np.uint8]
    detection: npt.NDArray[np.int32]
    snr_db: npt.NDArray[np.float32]
    bandwidth_hz: npt.NDArray[np.float32]


def write_shards(
    directory: Path,
    *,
    seed: int,
    recordings: int,
    classes: tuple[str, ...],
    scene: Scene,
    workers: int,
    per_detection: int,
    naming: Naming = by_modulation,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write the windows of `recordings` recordings, leaving finished shards as they are.

    The bytes depend on the seed, the scene and the code alone, not on the number of workers.
    `naming` tells which class of `classes` an emission is of.
    """
    directory.mkdir(parents=True, exist_ok=True)
    firsts = range(0, recordings, SHARD_RECORDINGS)
    missing = [first for first in firsts if not has_shard(directory, first)]
    jobs = [
        partial(
            _write_shard,
            *(directory, seed, first, min(SHARD_RECORDINGS, recordings - first), classes, scene),
            *(per_detection, naming),
        )
        for first in missing
    ]
    for number in run_jobs(jobs, workers):
        if progress is not None:
            progress(len(firsts) - len(missing) + number, len(firsts))


def read_shards(directory: Path) -> list[Shard]:
    """Return the shards of a directory in order, windows memory-mapped."""
    return [
        Shard(
            x=np.load(_part(directory, index, "x"), mmap_mode="r"),
            label=np.load(_part(directory, index, "label")),
            detection=np.load(_part(directory, index, "detection")),
            snr_db=np.load(path),
            bandwidth_hz=np.load(_part(directory, index, "bandwidth_hz")),
        )
        for path in sorted(directory.glob("*.snr_db.npy"))
        for index in [int(path.name.split(".")[0])]
    ]


def has_shard(directory: Path, number: int) -> bool:
    """Tell whether a shard is complete."""
    return _part(directory, number, "snr_db").exists()


def write_shard(directory: Path, number: int, found: Windows) -> None:
    """Write windows as the shard of this number, which is that of their first recording."""
    for name, array in (
        ("x", found.x),
        ("label", found.label),
        ("detection", found.detection),
        ("bandwidth_hz", found.bandwidth_hz),
        ("snr_db", found.snr_db),
    ):
        target = _part(directory, number, name)
        partial = target.with_suffix(".partial")
        with partial.open("wb") as file:
            np.save(file, array)
        # the last part to appear marks the shard as complete
        partial.replace(target)


def _part(directory: Path, first: int, name: str) -> Path:
    return directory / f"{first:07d}.{name}.npy"


def _write_shard(
    directory: Path,
    seed: int,
    first: int,
    count: int,
    classes: tuple[str, ...],
    scene: Scene,
    per_detection: int,
    naming: Naming,
) -> None:
    found = field_windows(seed, first, count, classes, scene, per_detection, naming)
    write_shard(directory, first, found)
