import numpy as np
import pytest

from hertzian.recordings import FORMATS, RecordingError
from hertzian.recordings.samples import SAMPLE_TYPES, datatype_of, named_format

pytestmark = pytest.mark.base


def decoded(name: str, codes: list[float], dtype: str) -> list[complex]:
    raw = np.array(codes, dtype=dtype).view(np.uint8)
    return [complex(x) for x in SAMPLE_TYPES[name].decode(raw)]


def test_full_scale_is_one() -> None:
    assert decoded("cu8", [0, 255], "u1") == [-1 + 1j]
    assert decoded("ci8", [-128, 64], "i1") == [-1 + 0.5j]
    assert decoded("ci16", [-32768, 16384], "<i2") == [-1 + 0.5j]
    assert decoded("ci16_be", [-32768, 16384], ">i2") == [-1 + 0.5j]
    assert decoded("ci32", [-(2**31), 2**30], "<i4") == [-1 + 0.5j]
    assert decoded("cu16", [0, 65535], "<u2") == [-1 + 1j]
    assert decoded("cf32", [-0.25, 2], "<f4") == [-0.25 + 2j]
    assert decoded("cf64_be", [-0.25, 2], ">f8") == [-0.25 + 2j]


def test_every_cu8_code_is_the_nearest_single_precision_value() -> None:
    codes = np.arange(256)
    exact = ((codes - 127.5) / 127.5).astype(np.float32)
    raw = codes.astype(np.uint8)
    np.testing.assert_array_equal(SAMPLE_TYPES["cu8"].decode(raw).view(np.float32), exact)


def test_24_bit_words_keep_their_sign_and_their_last_bit() -> None:
    values = [-(2**23), -1, 0, 1, 2**23 - 1, 0x123456]
    raw = b"".join(v.to_bytes(3, "little", signed=True) for v in values)
    found = SAMPLE_TYPES["ci24"].decode(np.frombuffer(raw, dtype=np.uint8)).view(np.float32)
    np.testing.assert_array_equal(found, np.array(values) / 2**23)


@pytest.mark.parametrize("name", [name for name in SAMPLE_TYPES if name != "ci24"])
def test_encode_inverts_decode_for_every_code(name: str) -> None:
    kind = SAMPLE_TYPES[name]
    if kind.floating:
        values = np.random.default_rng(1).normal(size=512).astype(np.float32)
        raw = values.astype(kind.code).view(np.uint8)
    elif kind.packed_bytes <= 2:
        limits = np.iinfo(kind.code.name)
        raw = np.arange(limits.min, limits.max + 1).astype(kind.code).view(np.uint8)
    else:
        # single precision carries 24 of the 32 bits
        raw = (np.arange(-4000, 4000, dtype=np.int64) << 16).astype(kind.code).view(np.uint8)
    np.testing.assert_array_equal(kind.encode(kind.decode(raw)), raw)


def test_encode_clips_beyond_full_scale() -> None:
    assert list(SAMPLE_TYPES["ci8"].encode([5 - 5j]).view(np.int8)) == [127, -128]
    assert list(SAMPLE_TYPES["cu8"].encode([5 - 5j])) == [255, 0]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("cf32_le", "cf32"),
        ("cf32", "cf32"),
        ("CF32_LE", "cf32"),
        ("ci16_be", "ci16_be"),
        ("cu8", "cu8"),
        ("ci8_le", "ci8"),
        ("cu8_be", "cu8"),
        ("rf32_le", None),
        ("ci24", None),
        ("cf16_le", None),
        ("", None),
    ],
)
def test_sigmf_datatypes(text: str, name: str | None) -> None:
    kind = datatype_of(text)
    assert (kind and kind.name) == name


def test_formats_are_sample_types_and_others_are_refused() -> None:
    assert set(FORMATS) < set(SAMPLE_TYPES)
    assert [named_format(name.upper()) for name in FORMATS] == list(FORMATS)
    with pytest.raises(RecordingError, match="unknown format 'cu7'; known are cu8, ci8"):
        named_format("cu7")
