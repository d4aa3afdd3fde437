"""How samples are stored: component types, full scale, and decoding to complex64."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hertzian.recordings.errors import RecordingError

Complex = npt.NDArray[np.complex64]
Bytes = npt.NDArray[np.uint8]

FORMATS: tuple[str, ...] = ("cu8", "ci8", "ci16", "cf32", "cf64")
"""The raw formats, little endian: I and Q interleaved, unsigned, signed or floating point."""


@dataclass(frozen=True)
class SampleType:
    """A stored form of complex samples: x = (code - midpoint) / full_scale for I and for Q.

    Attributes:
        name: SigMF's name; little endian unless it ends in `_be`.
        code: NumPy type of one component, after 24-bit words have been widened to 32.
        midpoint: the code that stands for zero.
        full_scale: codes from the midpoint to an amplitude of one.
        idle: codes that stand for silence; a file of nothing else was never written to.
        packed_bytes: bytes of one component in the file.
    """

    name: str
    code: np.dtype[np.generic]
    midpoint: float
    full_scale: float
    idle: tuple[int, ...]
    packed_bytes: int

    @property
    def sample_bytes(self) -> int:
        """Bytes of one complex sample in the file."""
        return 2 * self.packed_bytes

    @property
    def floating(self) -> bool:
        """Whether the components are floating point, so that NaN and infinity can occur."""
        return self.code.kind == "f"

    @property
    def sigmf_datatype(self) -> str:
        """SigMF's `core:datatype`; 24-bit words, which it lacks, become cf32_le."""
        if self.packed_bytes == 3:
            return "cf32_le"
        return self.name if self.packed_bytes == 1 or "_" in self.name else f"{self.name}_le"

    def codes(self, raw: Bytes) -> npt.NDArray[np.generic]:
        """Return the stored codes [2 * samples] of raw bytes; a view unless words are 24 bits."""
        if self.packed_bytes == self.code.itemsize:
            return raw.view(self.code)
        # the three bytes go to the top of the word, so the sign needs no care
        wide = np.zeros((raw.size // 3, 4), dtype=np.uint8)
        wide[:, 1:] = raw.reshape(-1, 3)
        return wide.reshape(-1).view(self.code)

    def decode(self, raw: Bytes) -> Complex:
        """Return raw bytes as complex64 [samples]; full scale of integer types is one."""
        with np.errstate(over="ignore", invalid="ignore"):
            values = self.codes(raw).astype(np.float32, copy=False)
        if self.midpoint:
            values -= np.float32(self.midpoint)
        if self.full_scale != 1:
            values /= np.float32(self.full_scale)
        return values.view(np.complex64)

    def encode(self, iq: npt.ArrayLike) -> Bytes:
        """Return complex samples as the bytes of this type; integers are rounded and clipped."""
        components = np.ascontiguousarray(iq, dtype=np.complex128).view(np.float64)
        if self.floating:
            return components.astype(self.code).view(np.uint8)
        codes = np.rint(components * self.full_scale + self.midpoint)
        limits = np.iinfo(self.code.name)
        return np.clip(codes, limits.min, limits.max).astype(self.code).view(np.uint8)


def _unsigned(name: str, code: str) -> SampleType:
    dtype = np.dtype(code)
    levels = 256**dtype.itemsize
    middle = (levels - 1) / 2
    idle = (0, levels // 2 - 1, levels // 2)
    return SampleType(name, dtype, middle, middle, idle, dtype.itemsize)


def _signed(name: str, code: str, packed_bytes: int) -> SampleType:
    dtype = np.dtype(code)
    return SampleType(name, dtype, 0.0, 2.0 ** (8 * dtype.itemsize - 1), (0,), packed_bytes)


def _floating(name: str, code: str) -> SampleType:
    dtype = np.dtype(code)
    return SampleType(name, dtype, 0.0, 1.0, (0,), dtype.itemsize)


SAMPLE_TYPES: dict[str, SampleType] = {
    kind.name: kind
    for kind in (
        _unsigned("cu8", "u1"),
        _signed("ci8", "i1", 1),
        _signed("ci16", "<i2", 2),
        _floating("cf32", "<f4"),
        _floating("cf64", "<f8"),
        _unsigned("cu16", "<u2"),
        _signed("ci24", "<i4", 3),
        _signed("ci32", "<i4", 4),
        _unsigned("cu16_be", ">u2"),
        _signed("ci16_be", ">i2", 2),
        _signed("ci32_be", ">i4", 4),
        _floating("cf32_be", ">f4"),
        _floating("cf64_be", ">f8"),
    )
}
"""Every stored form that can be read, by the name that `Recording.format` has."""

_ALIASES: dict[str, str] = {
    **{"complex16u": "cu8", "rtlsdr": "cu8"},
    **{"cs8": "ci8", "sc8": "ci8", "complex16s": "ci8"},
    **{"cs16": "ci16", "sc16": "ci16", "complex32s": "ci16"},
    **{"fc32": "cf32", "cfile": "cf32", "complex": "cf32"},
    **{"fc64": "cf64"},
}


def raw_format(name: str) -> str | None:
    """Return the raw format that a name or file extension without its dot stands for, or None."""
    spelled = name.casefold()
    return spelled if spelled in FORMATS else _ALIASES.get(spelled)


def named_format(name: str) -> str:
    """Return the raw format that the user named.

    Raises:
        RecordingError: no such format.
    """
    known = raw_format(name)
    if known is None:
        raise RecordingError(f"unknown format {name!r}; known are {', '.join(FORMATS)}")
    return known


def datatype_of(text: str) -> SampleType | None:
    """Return the sample type of a SigMF `core:datatype`, or None where it is not one we read."""
    name = text.casefold().removesuffix("_le")
    if name in ("cu8_be", "ci8_be"):
        name = name.removesuffix("_be")
    return None if name == "ci24" else SAMPLE_TYPES.get(name)
