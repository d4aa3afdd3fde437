import json
import os
import struct
from pathlib import Path

import numpy as np
import pytest

from hertzian.recordings import RecordingError, find_recordings, open_recording
from hertzian.signal import HertzianError

pytestmark = pytest.mark.base

NOISE = np.random.default_rng(7).integers(0, 256, 400, dtype=np.uint8).tobytes()


def save(path: Path, content: bytes = NOISE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_name_tells_rate_and_frequency(tmp_path: Path) -> None:
    recording = open_recording(save(tmp_path / "g001_433.92M_250k.cu8"))
    assert recording.format == "cu8"
    assert recording.sample_rate_hz == 250e3
    assert recording.center_frequency_hz == 433.92e6
    assert recording.samples == 200
    assert recording.annotations == ()


def test_what_is_given_counts_before_the_name(tmp_path: Path) -> None:
    recording = open_recording(
        str(save(tmp_path / "g001_433.92M_250k.cu8")),
        format="CS8",
        sample_rate_hz=1_000_000,
        center_frequency_hz=868e6,
    )
    assert recording.format == "ci8"
    assert (recording.sample_rate_hz, recording.center_frequency_hz) == (1e6, 868e6)


def test_center_that_nothing_tells_is_zero(tmp_path: Path) -> None:
    assert open_recording(save(tmp_path / "a.cu8"), sample_rate_hz=1e6).center_frequency_hz == 0.0


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.cu8", b"", "is empty"),
        ("a.sigmf-data", b"", "is empty"),
        ("a.wav", b"", "is empty"),
        ("a.cu8", NOISE[:-1], "truncated or not cu8: 399 bytes are not a whole number of samples"),
        ("a.ci16", NOISE[:-2], "398 bytes are not a whole number of samples of 4 bytes"),
        ("a.cf64", NOISE[:-8], "392 bytes are not a whole number of samples of 16 bytes"),
        ("a.cu8", NOISE[:20], "has 10 samples; at least 64 are needed"),
        ("a.cu8", NOISE[:2], "has 1 sample; at least 64 are needed"),
        ("a.cu8", NOISE[:126], "has 63 samples"),
        ("a.cu8", NOISE, r"sample rate of .*a\.cu8 is not known; give --sample-rate HZ"),
        ("a_20MHz.cu8", NOISE, "sample rate of .* is not known"),
        ("a.txt", NOISE, "is of unknown format; give --format with one of cu8, ci8, ci16, cf32"),
        ("a.iq", NOISE, "is of unknown format; give --format"),
        ("a.raw", NOISE, "is of unknown format; give --format"),
        ("a", NOISE, "is of unknown format; give --format"),
        ("a.sigmf", NOISE, r"SigMF archive or collection; unpack it first \(tar -xf\)"),
    ],
)
def test_bad_files(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = save(tmp_path / name, content)
    with pytest.raises(RecordingError, match=message) as caught:
        open_recording(path)
    assert str(path) in str(caught.value)
    assert isinstance(caught.value, HertzianError)


def test_64_samples_are_enough(tmp_path: Path) -> None:
    assert open_recording(save(tmp_path / "a.cu8", NOISE[:128]), sample_rate_hz=1e6).samples == 64


@pytest.mark.parametrize("name", ["a.cu8", "a.sigmf-meta", "a.sigmf-data", "a.wav", "x\ny.cu8"])
def test_missing(tmp_path: Path, name: str) -> None:
    with pytest.raises(RecordingError, match="does not exist") as caught:
        open_recording(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_neither_folders_nor_pipes_are_recordings(tmp_path: Path) -> None:
    (tmp_path / "d.cu8").mkdir()
    with pytest.raises(RecordingError, match="is a folder"):
        open_recording(tmp_path / "d.cu8")
    os.mkfifo(tmp_path / "p.cu8")
    with pytest.raises(RecordingError, match="is not a regular file"):
        open_recording(tmp_path / "p.cu8")
    with pytest.raises(RecordingError, match="cannot read"):
        open_recording("a\0b.cu8")


@pytest.mark.parametrize("rate_hz", [0.0, -1.0, float("nan"), float("inf"), 1e13, 1e-6])
def test_impossible_rates(tmp_path: Path, rate_hz: float) -> None:
    with pytest.raises(RecordingError, match=r"a sample rate of .* Hz is not possible"):
        open_recording(save(tmp_path / "a.cu8"), sample_rate_hz=rate_hz)


@pytest.mark.parametrize("center_hz", [float("nan"), float("-inf"), 1e13])
def test_impossible_frequencies(tmp_path: Path, center_hz: float) -> None:
    with pytest.raises(RecordingError, match=r"a centre frequency of .* Hz is not possible"):
        open_recording(save(tmp_path / "a.cu8"), sample_rate_hz=1e6, center_frequency_hz=center_hz)


def test_impossible_rate_in_a_name(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="sample rate of 0 Hz"):
        open_recording(save(tmp_path / "gqrx_20180520_101530_433920000_0_fc.raw", NOISE * 2))


def test_unknown_format_given(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="unknown format 'mp3'"):
        open_recording(save(tmp_path / "a.cu8"), format="mp3", sample_rate_hz=1e6)


def test_finding_in_a_folder(tmp_path: Path) -> None:
    meta = {"global": {"core:datatype": "cu8", "core:dataset": "named.cu8"}}
    save(tmp_path / "b.cu8")
    save(tmp_path / "sub" / "a.wav", b"RIFF" + struct.pack("<I", 4) + b"WAVE")
    save(tmp_path / "sub" / "p.sigmf-meta", b"{}")
    save(tmp_path / "sub" / "p.sigmf-data")
    save(tmp_path / "sub" / "n.sigmf-meta", json.dumps(meta).encode())
    save(tmp_path / "sub" / "named.cu8")
    save(tmp_path / "sub" / "orphan.sigmf-data")
    save(tmp_path / "gqrx_20180520_101530_433920000_2000000_fc.raw")
    save(tmp_path / "a.IQ")
    for other in ("notes.txt", "photo.raw", ".b.cu8", ".git/c.cu8", "cu8"):
        save(tmp_path / other)
    found = [str(path.relative_to(tmp_path)) for path in find_recordings(tmp_path)]
    assert found == [
        "a.IQ",
        "b.cu8",
        "gqrx_20180520_101530_433920000_2000000_fc.raw",
        "sub/a.wav",
        "sub/n.sigmf-meta",
        "sub/orphan.sigmf-data",
        "sub/p.sigmf-meta",
    ]


def test_a_file_is_itself(tmp_path: Path) -> None:
    path = save(tmp_path / "notes.txt")
    assert find_recordings(str(path)) == [path]


def test_nothing_to_find(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="has no recordings in it"):
        find_recordings(tmp_path)
    with pytest.raises(RecordingError, match="does not exist"):
        find_recordings(tmp_path / "x")
