import numpy as np
import pytest

from hertzian.datasets import shards
from hertzian.datasets.scenes import Scene
from hertzian.datasets.shards import read_shards, write_shards
from hertzian.datasets.windows import field_windows
from hertzian.signal import CORE

CLASSES = (*CORE, "unknown")
SCENE = Scene(samples=(20_000, 24_000), emitters=(1, 2), snr_db=(15.0, 25.0))


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Four recordings in two shards, by two workers; and what was told of the progress."""
    directory = tmp_path_factory.mktemp("shards")
    told = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "SHARD_RECORDINGS", 2)
        write(directory, workers=2, progress=lambda done, of: told.append((done, of)))
    return directory, told


def write(directory, workers, progress=None):
    write_shards(
        directory,
        seed=17,
        recordings=4,
        classes=CLASSES,
        scene=SCENE,
        workers=workers,
        per_detection=4,
        progress=progress,
    )


def contents(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_shards_hold_the_windows_of_their_recordings(written):
    directory, told = written
    assert told == [(1, 2), (2, 2)]
    found = read_shards(directory)
    assert len(found) == 2
    for number, shard in enumerate(found):
        expected = field_windows(17, 2 * number, 2, CLASSES, SCENE, 4)
        np.testing.assert_array_equal(shard.x, expected.x)
        np.testing.assert_array_equal(shard.label, expected.label)
        np.testing.assert_array_equal(shard.detection, expected.detection)
        np.testing.assert_array_equal(shard.snr_db, expected.snr_db)
    assert len(found[0].x) > 0


def test_windows_are_read_from_the_file_not_into_memory(written):
    assert all(isinstance(shard.x, np.memmap) for shard in read_shards(written[0]))


def test_one_worker_makes_again_what_is_missing_and_nothing_else(written, monkeypatch):
    directory, _ = written
    monkeypatch.setattr(shards, "SHARD_RECORDINGS", 2)
    before = contents(directory)
    times = {path.name: path.stat().st_mtime_ns for path in directory.iterdir()}
    for path in directory.glob("0000002.*"):
        path.unlink()
    # as after a crash: the part that is written last is not there
    (directory / "0000002.x.npy").write_bytes(b"half")
    write(directory, workers=1)
    assert contents(directory) == before
    for name, time in times.items():
        changed = (directory / name).stat().st_mtime_ns != time
        assert changed == name.startswith("0000002.")


def test_an_empty_folder_has_no_shards(tmp_path):
    assert read_shards(tmp_path) == []
