import contextlib
import struct
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.io import wavfile

from hertzian.recordings import RecordingError, RecordingWarning, open_recording
from hertzian.recordings.wav import center_of_auxi, read_wav_header

pytestmark = pytest.mark.base

RATE = 250_000
CODES = np.random.default_rng(3).integers(-(2**31), 2**31, size=(500, 2), dtype=np.int64)


def chunk(name: bytes, payload: bytes) -> bytes:
    return name + struct.pack("<I", len(payload)) + payload + b"\0" * (len(payload) % 2)


def fmt(tag: int = 1, channels: int = 2, bits: int = 16, block: int | None = None) -> bytes:
    block = channels * bits // 8 if block is None else block
    return chunk(b"fmt ", struct.pack("<HHIIHH", tag, channels, RATE, RATE * block, block, bits))


def riff(*chunks: bytes) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def auxi(center_hz: int) -> bytes:
    times = struct.pack("<16H", *(2017, 1, 0, 1, 12, 0, 0, 0) * 2)
    return chunk(b"auxi", times + struct.pack("<9I", center_hz, RATE, 0, RATE, 0, 0, 0, 0, 0))


DATA = (CODES >> 16).astype("<i2").tobytes()


def save(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("stored", "name", "scaled"),
    [
        (((CODES >> 24) + 128).astype(np.uint8), "cu8", ((CODES >> 24) + 0.5) / 127.5),
        ((CODES >> 16).astype(np.int16), "ci16", (CODES >> 16) / 2**15),
        (CODES.astype(np.int32), "ci32", CODES / 2**31),
        ((CODES / 2**31).astype(np.float32), "cf32", CODES / 2**31),
        (CODES / 2**31, "cf64", CODES / 2**31),
    ],
)
def test_what_scipy_writes(
    tmp_path: Path, stored: np.ndarray, name: str, scaled: np.ndarray
) -> None:
    wavfile.write(tmp_path / "a.wav", RATE, stored)
    recording = open_recording(tmp_path / "a.wav")
    assert (recording.format, recording.sample_rate_hz) == (name, RATE)
    expected = scaled.astype(np.float32)
    found = recording.read(0, recording.samples)
    np.testing.assert_allclose(found.real, expected[:, 0], rtol=2e-7, atol=1e-9)
    np.testing.assert_allclose(found.imag, expected[:, 1], rtol=2e-7, atol=1e-9)


def test_24_bits_as_the_standard_library_writes_them(tmp_path: Path) -> None:
    values = CODES >> 8
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((2, 3, RATE, 0, "NONE", ""))
        file.writeframes(b"".join(int(v).to_bytes(3, "little", signed=True) for v in values.flat))
    recording = open_recording(tmp_path / "a.wav")
    assert recording.format == "ci24"
    found = recording.read(0, 500).view(np.float32)
    np.testing.assert_array_equal(found, (values / 2**23).astype(np.float32).ravel())


def test_extensible_float(tmp_path: Path) -> None:
    head = struct.pack("<HHIIHH", 0xFFFE, 2, RATE, RATE * 8, 8, 32)
    head += struct.pack("<HHI", 22, 32, 3) + b"\3\0" + bytes.fromhex("000000001000800000aa00389b71")
    data = chunk(b"data", np.ones(200, dtype="<f4").tobytes())
    path = save(tmp_path / "a.wav", riff(chunk(b"fmt ", head), data))
    assert read_wav_header(path).format == "cf32"


@pytest.mark.parametrize("magic", [b"RF64", b"BW64"])
def test_rf64_takes_the_size_from_ds64(tmp_path: Path, magic: bytes) -> None:
    ds64 = chunk(b"ds64", struct.pack("<QQQI", 0, len(DATA), 500, 0))
    data = b"data" + b"\xff" * 4 + DATA
    path = save(tmp_path / "a.wav", magic + b"\xff" * 4 + b"WAVE" + ds64 + fmt() + data)
    assert open_recording(path).samples == 500


def test_auxi_of_spectravue_and_its_followers(tmp_path: Path) -> None:
    path = save(tmp_path / "a.wav", riff(fmt(), auxi(3_400_000_000), chunk(b"data", DATA)))
    assert open_recording(path).center_frequency_hz == 3.4e9


def test_auxi_after_the_data_and_odd_chunks_between(tmp_path: Path) -> None:
    odd = chunk(b"LIST", b"abc")
    path = save(tmp_path / "a.wav", riff(odd, fmt(), odd, chunk(b"data", DATA), odd, auxi(7_100)))
    recording = open_recording(path)
    assert (recording.center_frequency_hz, recording.samples) == (7100.0, 500)


@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_auxi_of_sdr_console(start: str) -> None:
    text = (
        '<?xml version="1.0"?><SDR-XML-Root xml:lang="EN" Description="Saved recording data">'
        '<Definition RadioModel="RSP" XRadioCenterFreq="1" RadioCenterFreq="97900000"'
        ' SampleRate="250000"/></SDR-XML-Root>'
    )
    assert center_of_auxi((start + text).encode("utf-16-le")) == 97.9e6
    assert center_of_auxi((start + "<SDR-XML-Root/>").encode("utf-16-le")) is None


@pytest.mark.parametrize("payload", [b"", b"\0" * 35, b"\0" * 68])
def test_auxi_without_a_frequency(payload: bytes) -> None:
    assert center_of_auxi(payload) is None


def test_auxi_counts_before_the_name_and_the_name_before_nothing(tmp_path: Path) -> None:
    name = "HDSDR_20170101_120000Z_7100kHz_RF.wav"
    path = save(tmp_path / name, riff(fmt(), auxi(7_050_000), chunk(b"data", DATA)))
    assert open_recording(path).center_frequency_hz == 7.05e6
    with pytest.warns(RecordingWarning, match="1,000,000 Hz is taken as given"):
        assert open_recording(path, center_frequency_hz=1e6).center_frequency_hz == 1e6
    save(path, riff(fmt(), auxi(0), chunk(b"data", DATA)))
    assert open_recording(path).center_frequency_hz == 7.1e6


FITTING = chunk(b"data", DATA)
ENDLESS = b"data" + struct.pack("<I", len(DATA) + 4) + DATA
SHORT = b"data" + struct.pack("<I", len(DATA) - 400) + DATA


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"RIFX" + riff(fmt(), FITTING)[4:], "is not a WAV file"),
        (b"\0" * 200, "is not a WAV file"),
        (riff(fmt(channels=1), FITTING), "has 1 channel; IQ needs 2"),
        (riff(fmt(channels=4), FITTING), "has 4 channels; IQ needs 2"),
        (riff(fmt(bits=12, block=4), FITTING), "12-bit samples in WAV encoding 1"),
        (riff(fmt(tag=2, bits=4, block=4), FITTING), "4-bit samples in WAV encoding 2"),
        (riff(fmt(block=6), FITTING), "wrong sizes in its header: 6 bytes a sample"),
        (riff(FITTING), "no 'fmt ' chunk"),
        (riff(fmt()), "no 'data' chunk"),
        (riff(chunk(b"fmt ", b"\1\0"), FITTING), "a 'fmt ' chunk of 2 bytes"),
        (riff(fmt(), ENDLESS), "is truncated: its header promises 2004 bytes of samples, 2000"),
        (riff(fmt(), b"data\xff\xff\xff\xff" + DATA), "is truncated: its header promises"),
        (riff(fmt(), b"data\0\0\0\0" + DATA), "was not closed properly"),
        (riff(fmt(), SHORT), "wrong sizes in its header: 400 bytes follow"),
        (riff(b"\1\2\3\4\0\0\0\0", fmt(), FITTING), "is damaged: no chunk begins at byte 12"),
        (riff(fmt(), chunk(b"data", DATA[:-2])), "not a whole number"),
        (riff(fmt(), chunk(b"data", b"")), "is empty"),
        (riff(fmt(), chunk(b"data", DATA[:40])), "has 10 samples; at least 64"),
        (riff(b"junk\0\0\0\0" * 2000, fmt(), FITTING), "more than 1000 chunks"),
    ],
)
def test_bad_files(tmp_path: Path, content: bytes, message: str) -> None:
    path = save(tmp_path / "a.wav", content)
    with pytest.raises(RecordingError, match=message) as caught:
        open_recording(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_rate_of_zero_needs_one_given(tmp_path: Path) -> None:
    head = chunk(b"fmt ", struct.pack("<HHIIHH", 1, 2, 0, 0, 4, 16))
    path = save(tmp_path / "a.wav", riff(head, FITTING))
    with pytest.raises(RecordingError, match="sample rate of 0 Hz"):
        open_recording(path)
    assert open_recording(path, sample_rate_hz=5e4).sample_rate_hz == 5e4


def test_explicit_format(tmp_path: Path) -> None:
    path = save(tmp_path / "a.wav", riff(fmt(), FITTING))
    assert open_recording(path, format="ci16").samples == 500
    with pytest.raises(RecordingError, match="WAV file of ci16 samples, not cu8"):
        open_recording(path, format="cu8")
    save(path, DATA)
    assert open_recording(path, format="ci16", sample_rate_hz=1e6).samples == 500


GOOD = riff(fmt(), auxi(7_100_000), FITTING, chunk(b"LIST", b"abc"))


@given(
    st.dictionaries(st.integers(0, 130), st.integers(0, 255), max_size=8),
    st.integers(0, len(GOOD)),
)
def test_damaged_headers_are_errors_of_ours(
    tmp_path_factory: pytest.TempPathFactory, changes: dict[int, int], length: int
) -> None:
    content = bytearray(GOOD)
    for position, value in changes.items():
        content[position] = value
    path = save(tmp_path_factory.getbasetemp() / "damaged.wav", bytes(content[:length]))
    with contextlib.suppress(RecordingError):
        recording = open_recording(path)
        assert sum(chunk.size for chunk in recording.chunks()) == recording.samples
