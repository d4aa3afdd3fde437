"""An opened recording: what is known of it, and its samples read lazily."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from hertzian.recordings.errors import RecordingError
from hertzian.recordings.samples import SAMPLE_TYPES, Bytes, Complex, SampleType

FEWEST_SAMPLES = 64


@dataclass(frozen=True)
class Annotation:
    """A remark on a stretch of a recording, as SigMF has them.

    Attributes:
        start: first sample, counted from the beginning of the file.
        count: number of samples, or None: until the end.
        lower_hz: lower edge, an absolute radio frequency, or None.
        upper_hz: upper edge, an absolute radio frequency, or None.
        label: short name, or None.
        comment: free text, or None.
        generator: the program that wrote it, or None.
    """

    start: int
    count: int | None = None
    lower_hz: float | None = None
    upper_hz: float | None = None
    label: str | None = None
    comment: str | None = None
    generator: str | None = None


@dataclass(frozen=True)
class Recording:
    """IQ samples in a file. Nothing is read before it is asked for; memory is one chunk.

    Attributes:
        path: the file as it was asked for; of a SigMF pair either one.
        format: how samples are stored, a name in `SAMPLE_TYPES`.
        sample_rate_hz: complex samples per second.
        center_frequency_hz: radio frequency at the centre of the band; 0 if it is not known.
        samples: number of complex samples.
        annotations: what the metadata says of stretches of it.
        data_path: the file that holds the samples.
        data_offset_bytes: where in it they begin.
        metadata_path: SigMF metadata, or None.
        first_sample: SigMF's `core:offset`, the index that metadata gives the file's first sample.
    """

    path: Path
    format: str
    sample_rate_hz: float
    center_frequency_hz: float
    samples: int
    annotations: tuple[Annotation, ...]
    data_path: Path
    data_offset_bytes: int = 0
    metadata_path: Path | None = None
    first_sample: int = 0

    @property
    def sample_type(self) -> SampleType:
        """How samples are stored."""
        return SAMPLE_TYPES[self.format]

    def chunks(self, samples: int = 65536) -> Iterator[Complex]:
        """Yield the recording as complex64 arrays of `samples`, the last one possibly shorter.

        Integer formats have a full scale of one: cu8 is (v - 127.5)/127.5, ci8 v/128, ci16 v/32768.

        Raises:
            RecordingError: a sample is not finite, the file became shorter or unreadable, or, after
                the last chunk, every sample was zero.
            ValueError: `samples` is not positive.
        """
        if samples < 1:
            raise ValueError(f"a chunk has at least one sample, not {samples}")
        return self._chunks(samples)

    def read(self, start: int, count: int) -> Complex:
        """Return `count` samples from `start` on, complex64 [count].

        Raises:
            RecordingError: they are not all within the recording, or as `chunks` does; that every
                sample is zero is said when the whole recording is read.
        """
        if start < 0 or count < 0 or start + count > self.samples:
            raise RecordingError(
                f"{self.path} has {self.samples} samples; {count} from {start} on are not in it"
            )
        if count == 0:
            return np.empty(0, dtype=np.complex64)
        with self._open() as file:
            file.seek(self.data_offset_bytes + start * self.sample_type.sample_bytes)
            raw = self._read(file, count)
        if count == self.samples:
            silence = _Silence(self.sample_type)
            silence.push(raw)
            self._refuse(silence)
        return self._decode(raw, start)

    def stored_bytes(self, most: int = 1 << 20) -> Iterator[bytes]:
        """Yield the samples as they are stored, in blocks of at most `most` bytes.

        Raises:
            RecordingError: the file became shorter or unreadable.
        """
        samples = max(1, most // self.sample_type.sample_bytes)
        with self._open() as file:
            file.seek(self.data_offset_bytes)
            for start in range(0, self.samples, samples):
                yield self._read(file, min(samples, self.samples - start)).tobytes()

    def _chunks(self, samples: int) -> Iterator[Complex]:
        silence = _Silence(self.sample_type)
        with self._open() as file:
            file.seek(self.data_offset_bytes)
            for start in range(0, self.samples, samples):
                raw = self._read(file, min(samples, self.samples - start))
                silence.push(raw)
                yield self._decode(raw, start)
        self._refuse(silence)

    def _open(self) -> BinaryIO:
        try:
            return self.data_path.open("rb", buffering=0)
        except OSError as error:
            raise RecordingError(f"cannot read {self.data_path}: {error.strerror}") from error

    def _read(self, file: BinaryIO, count: int) -> Bytes:
        wanted = count * self.sample_type.sample_bytes
        try:
            raw = np.fromfile(file, dtype=np.uint8, count=wanted)
        except OSError as error:
            raise RecordingError(f"cannot read {self.data_path}: {error}") from error
        if raw.size < wanted:
            raise RecordingError(f"{self.data_path} became shorter while it was read")
        return raw

    def _decode(self, raw: Bytes, start: int) -> Complex:
        iq = self.sample_type.decode(raw)
        if self.sample_type.floating:
            finite = np.isfinite(iq.view(np.float32))
            if not finite.all():
                position = start + int(np.argmin(finite)) // 2
                raise RecordingError(
                    f"{self.path} has a value that is not finite (NaN or infinity) at sample"
                    f" {position}; is the format really {self.format}?"
                )
        return iq

    def _refuse(self, silence: "_Silence") -> None:
        if silence.lasts:
            raise RecordingError(
                f"{self.path} holds no signal: every one of its {self.samples} samples is zero"
            )


class _Silence:
    """Watches raw samples for the first that is not the one idle code all others were."""

    def __init__(self, sample_type: SampleType) -> None:
        self.lasts = True
        self._type = sample_type
        self._first: tuple[object, object] | None = None

    def push(self, raw: Bytes) -> None:
        if not self.lasts:
            return
        pairs = self._type.codes(raw).reshape(-1, 2)
        if self._first is None:
            self._first = (pairs[0, 0], pairs[0, 1])
        idle = all(code in self._type.idle for code in self._first)
        self.lasts = idle and bool((pairs == np.array(self._first)).all())
