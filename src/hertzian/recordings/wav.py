"""WAV files as SDR programs write them: two channels, I left and Q right."""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from hertzian.recordings.errors import RecordingError

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_TYPES = {
    (_PCM, 8): "cu8",
    (_PCM, 16): "ci16",
    (_PCM, 24): "ci24",
    (_PCM, 32): "ci32",
    (_FLOAT, 32): "cf32",
    (_FLOAT, 64): "cf64",
}
_IN_DS64 = 0xFFFFFFFF
_MOST_CHUNKS = 1000
_MOST_AUXI_BYTES = 1 << 16


@dataclass(frozen=True)
class WavHeader:
    """What a WAV file's chunks say.

    Attributes:
        format: name of the sample type.
        sample_rate_hz: from `fmt `, as it stands there.
        center_frequency_hz: from `auxi`, or None.
        data_offset_bytes: where the samples begin.
        data_bytes: how many bytes of samples there are.
    """

    format: str
    sample_rate_hz: float
    center_frequency_hz: float | None
    data_offset_bytes: int
    data_bytes: int


@dataclass(frozen=True)
class _Chunk:
    name: bytes
    offset: int
    size: int


def is_wav(path: Path) -> bool:
    """Whether a file begins as a WAV file does."""
    with path.open("rb") as file:
        start = file.read(12)
    return start[:4] in (b"RIFF", b"RF64", b"BW64") and start[8:] == b"WAVE"


def read_wav_header(path: Path) -> WavHeader:
    """Read the chunks of a RIFF, RF64 or BW64 file; the samples are not read.

    Raises:
        RecordingError: not a WAV file, not two channels, an encoding that is not read, or sizes
            that contradict the file's.
    """
    file_bytes = path.stat().st_size
    with path.open("rb") as file:
        if not is_wav(path):
            raise RecordingError(f"{path} is not a WAV file: it does not begin with RIFF and WAVE")
        chunks: dict[bytes, _Chunk] = {}
        for chunk in _walk(path, file, file_bytes):
            chunks.setdefault(chunk.name, chunk)
        if b"fmt " not in chunks:
            raise RecordingError(f"{path} has no 'fmt ' chunk; it is not a usable WAV file")
        if b"data" not in chunks:
            raise RecordingError(f"{path} has no 'data' chunk, so it holds no samples")
        sample_format, rate = _parse_format(path, _payload(file, chunks[b"fmt "], 64))
        center = None
        if b"auxi" in chunks:
            center = center_of_auxi(_payload(file, chunks[b"auxi"], _MOST_AUXI_BYTES))
    data = chunks[b"data"]
    return WavHeader(sample_format, rate, center, data.offset, data.size)


def _payload(file: BinaryIO, chunk: _Chunk, most: int) -> bytes:
    file.seek(chunk.offset)
    return file.read(min(chunk.size, most))


def _walk(path: Path, file: BinaryIO, file_bytes: int) -> Iterator[_Chunk]:
    """Yield the chunks; the data chunk's size comes from `ds64` where it is said to."""
    position = 12
    long_data_bytes: int | None = None
    data_end = 0
    for _ in range(_MOST_CHUNKS):
        file.seek(position)
        head = file.read(8)
        if len(head) < 8:
            return
        name, size = head[:4], int.from_bytes(head[4:], "little")
        if not all(0x20 <= letter < 0x7F for letter in name):
            _refuse_unknown_bytes(path, position, data_end, file_bytes)
        if name == b"ds64" and size >= 16:
            long_data_bytes = int.from_bytes(file.read(16)[8:], "little")
        if name == b"data":
            if size == _IN_DS64 and long_data_bytes is not None:
                size = long_data_bytes
            _check_data_size(path, size, file_bytes - position - 8)
            data_end = position + 8 + size
        yield _Chunk(name, position + 8, size)
        position += 8 + size + size % 2
    raise RecordingError(f"{path} has more than {_MOST_CHUNKS} chunks; it is not a usable WAV file")


def _check_data_size(path: Path, size: int, available: int) -> None:
    if size > available:
        raise RecordingError(
            f"{path} is truncated: its header promises {size} bytes of samples, {available} follow"
        )
    if size == 0 and available > 0:
        raise RecordingError(
            f"{path} was not closed properly: its header promises no samples, but {available} bytes"
            " follow; repair the header, or give the samples as a raw file"
        )


def _refuse_unknown_bytes(path: Path, position: int, data_end: int, file_bytes: int) -> None:
    left = file_bytes - position
    if data_end:
        raise RecordingError(
            f"{path} has wrong sizes in its header: {left} bytes follow the samples that it"
            " promises and are no chunk; repair the header, or give the samples as a raw file"
        )
    raise RecordingError(f"{path} is damaged: no chunk begins at byte {position}")


def _parse_format(path: Path, payload: bytes) -> tuple[str, float]:
    if len(payload) < 16:
        raise RecordingError(f"{path} has a 'fmt ' chunk of {len(payload)} bytes instead of 16")
    tag, channels, rate, _, block, bits = struct.unpack("<HHIIHH", payload[:16])
    if tag == _EXTENSIBLE and len(payload) >= 26:
        tag = int.from_bytes(payload[24:26], "little")
    if channels != 2:
        found = "1 channel" if channels == 1 else f"{channels} channels"
        raise RecordingError(f"{path} has {found}; IQ needs 2: I left, Q right")
    if (tag, bits) not in _TYPES:
        raise RecordingError(
            f"{path} holds {bits}-bit samples in WAV encoding {tag}; PCM of 8, 16, 24 or 32 bits"
            " and float of 32 or 64 bits are read"
        )
    if block != 2 * bits // 8:
        raise RecordingError(
            f"{path} has wrong sizes in its header: {block} bytes a sample for 2 x {bits} bits"
        )
    return _TYPES[tag, bits], float(rate)


def center_of_auxi(payload: bytes) -> float | None:
    """Return the centre frequency in hertz of an `auxi` chunk, or None.

    SpectraVue's user guide gives the binary form, which HDSDR and SDRuno write too: two SYSTEMTIMEs
    of 16 bytes (start, stop), then 32-bit words of which the first is the centre frequency. SDR
    Console writes XML in UTF-16 with an attribute `RadioCenterFreq`.
    """
    text = payload.decode("utf-16-le", errors="ignore").lstrip("\ufeff")
    if text.startswith("<"):
        found = re.search(r'\bRadioCenterFreq\s*=\s*"(\d{1,12})"', text, re.ASCII)
        center = int(found[1]) if found else 0
    else:
        center = int.from_bytes(payload[32:36], "little") if len(payload) >= 36 else 0
    return float(center) or None
