import contextlib
import itertools
import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hertzian.recordings import FORMATS, Recording, RecordingError, open_recording

pytestmark = pytest.mark.base

NUMPY = {"cu8": "u1", "ci8": "i1", "ci16": "<i2", "cf32": "<f4", "cf64": "<f8"}


def write(path: Path, codes: np.ndarray) -> Recording:
    codes.tofile(path)
    return open_recording(path, sample_rate_hz=1e6)


@pytest.mark.parametrize("name", FORMATS)
def test_reading_matches_numpy(tmp_path: Path, name: str) -> None:
    rng = np.random.default_rng(5)
    codes = (rng.uniform(-1, 1, 2000) * 100 + (name == "cu8") * 128).astype(NUMPY[name])
    recording = write(tmp_path / f"a.{name}", codes)
    middle, full = {"cu8": (127.5, 127.5), "ci8": (0, 128), "ci16": (0, 32768)}.get(name, (0, 1))
    expected = (codes.astype(np.float64) - middle) / full
    expected = (expected[::2] + 1j * expected[1::2]).astype(np.complex64)
    assert recording.samples == 1000
    found = np.concatenate(list(recording.chunks(300)))
    assert found.dtype == np.complex64
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(recording.read(17, 400), expected[17:417])
    assert b"".join(recording.stored_bytes(999)) == codes.tobytes()


@pytest.fixture(scope="module")
def each_format(tmp_path_factory: pytest.TempPathFactory) -> list[Recording]:
    folder = tmp_path_factory.mktemp("formats")
    codes = np.random.default_rng(6).integers(1, 100, 2 * 333)
    return [write(folder / f"a.{name}", codes.astype(NUMPY[name])) for name in FORMATS]


@given(size=st.integers(1, 1000), which=st.integers(0, len(FORMATS) - 1))
def test_any_chunking_gives_the_same_samples(
    each_format: list[Recording], size: int, which: int
) -> None:
    recording = each_format[which]
    chunks = list(recording.chunks(size))
    assert {chunk.size for chunk in chunks[:-1]} <= {size}
    np.testing.assert_array_equal(np.concatenate(chunks), recording.read(0, 333))


@given(start=st.integers(-5, 400), count=st.integers(-5, 400))
def test_read_gives_what_is_there_or_an_error(
    each_format: list[Recording], start: int, count: int
) -> None:
    recording = each_format[0]
    if min(start, count) >= 0 and start + count <= 333:
        whole = recording.read(0, 333)
        np.testing.assert_array_equal(recording.read(start, count), whole[start : start + count])
    else:
        with pytest.raises(RecordingError, match=r"has 333 samples; .* are not in it"):
            recording.read(start, count)


def test_a_chunk_has_a_sample(each_format: list[Recording]) -> None:
    with pytest.raises(ValueError, match="at least one sample, not 0"):
        each_format[0].chunks(0)


def test_chunks_do_not_share_memory(each_format: list[Recording]) -> None:
    first, second = list(each_format[3].chunks(100))[:2]
    before = second.copy()
    first[:] = 7
    np.testing.assert_array_equal(second, before)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("size", [10, 64, 1000])
def test_all_zero_is_said_at_the_end(tmp_path: Path, name: str, size: int) -> None:
    recording = write(tmp_path / f"a.{name}", np.zeros(400, dtype=NUMPY[name]))
    chunks = recording.chunks(size)
    assert sum(chunk.size for chunk in itertools.islice(chunks, -(-200 // size))) == 200
    with pytest.raises(RecordingError, match="holds no signal: every one of its 200 samples"):
        next(chunks)
    with pytest.raises(RecordingError, match="holds no signal"):
        recording.read(0, 200)
    assert recording.read(0, 100).size == 100


@pytest.mark.parametrize("code", [127, 128])
def test_cu8_that_never_leaves_its_middle_is_all_zero(tmp_path: Path, code: int) -> None:
    recording = write(tmp_path / "a.cu8", np.full(400, code, dtype=np.uint8))
    with pytest.raises(RecordingError, match="holds no signal"):
        list(recording.chunks(64))


@pytest.mark.parametrize("name", FORMATS)
def test_one_sample_that_is_not_zero_is_enough(tmp_path: Path, name: str) -> None:
    codes = np.zeros(400, dtype=NUMPY[name])
    codes[-1] = 1
    assert sum(chunk.size for chunk in write(tmp_path / f"a.{name}", codes).chunks(64)) == 200


def test_a_constant_is_not_silence(tmp_path: Path) -> None:
    recording = write(tmp_path / "a.cf32", np.full(400, 0.5, dtype="<f4"))
    assert recording.read(0, 200)[0] == 0.5 + 0.5j


@pytest.mark.parametrize("name", ["cf32", "cf64"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("position", [0, 150, 399])
def test_values_that_are_not_finite(tmp_path: Path, name: str, bad: float, position: int) -> None:
    codes = np.ones(400, dtype=NUMPY[name])
    codes[position] = bad
    recording = write(tmp_path / f"a.{name}", codes)
    message = rf"not finite \(NaN or infinity\) at sample {position // 2};"
    with pytest.raises(RecordingError, match=message):
        list(recording.chunks(64))
    with pytest.raises(RecordingError, match=message):
        recording.read(0, 200)


def test_double_precision_beyond_single_is_not_finite(tmp_path: Path) -> None:
    codes = np.ones(400)
    codes[8] = 1e300
    with pytest.raises(RecordingError, match="at sample 4;"):
        list(write(tmp_path / "a.cf64", codes).chunks())


def test_file_that_shrinks_or_vanishes(tmp_path: Path) -> None:
    path = tmp_path / "a.cu8"
    recording = write(path, np.arange(250, dtype=np.uint8))
    os.truncate(path, 150)
    with pytest.raises(RecordingError, match="became shorter"):
        list(recording.chunks(50))
    path.unlink()
    with pytest.raises(RecordingError, match=r"cannot read .*No such file"):
        list(recording.chunks(50))


def test_memory_is_one_chunk_whatever_the_file(tmp_path: Path) -> None:
    with (tmp_path / "a.cu8").open("wb") as file:
        file.write(b"\x01\xff")
        file.truncate(200_000_000)
    recording = open_recording(tmp_path / "a.cu8", sample_rate_hz=1e6)
    assert recording.samples == 100_000_000
    tracemalloc.start()
    for number, _ in enumerate(recording.chunks(65536)):
        if number == 40:
            break
    assert tracemalloc.get_traced_memory()[1] < 8 * 65536 * 8
    tracemalloc.stop()


@given(
    content=st.binary(max_size=3000),
    name=st.sampled_from(["a.sigmf-meta", "a.wav", "a.bin", *(f"a.{name}" for name in FORMATS)]),
)
def test_random_bytes_are_samples_or_an_error_of_ours(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, name: str
) -> None:
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(content)
    with contextlib.suppress(RecordingError):
        recording = open_recording(path, sample_rate_hz=1e6)
        assert sum(chunk.size for chunk in recording.chunks(100)) == recording.samples
