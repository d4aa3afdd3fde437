import dataclasses
import hashlib
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sigmf
from scipy.io import wavfile

from hertzian.recordings import (
    Annotation,
    RecordingError,
    annotate_sigmf,
    detections_to_annotations,
    open_recording,
    write_sigmf,
)
from hertzian.signal import Detection

pytestmark = pytest.mark.base

RNG = np.random.default_rng(9)
IQ = (RNG.uniform(-0.9, 0.9, 500) + 1j * RNG.uniform(-0.9, 0.9, 500)).astype(np.complex64)
OURS = [Annotation(200, 50, 99e6, 101e6, "QPSK", "late"), Annotation(10, 5, label="CW")]


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def validated(meta: Path) -> Any:
    """Open a pair with the reference library, which checks its schema, order and SHA-512."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = sigmf.fromfile(meta)
        found.validate()
    return found


def foreign_pair(folder: Path, stem: str = "a", **fields: Any) -> Path:
    write_sigmf(folder / stem, [IQ], sample_rate_hz=1e6, center_frequency_hz=1e8)
    meta = folder / f"{stem}.sigmf-meta"
    metadata = json.loads(meta.read_text())
    metadata["global"] |= {
        "core:extensions": [{"name": "antenna", "version": "1.0.0", "optional": True}],
        "antenna:model": "discone",
        "core:author": "Jürgen",
        **fields,
    }
    metadata["captures"][0]["core:datetime"] = "2022-11-27T16:45:00.501040Z"
    metadata["captures"].append({"core:sample_start": 300, "core:frequency": 1e8})
    metadata["annotations"] = [
        {"core:sample_start": 5, "core:sample_count": 3, "core:generator": "hertzian"},
        {"core:sample_start": 100, "core:sample_count": 3, "core:generator": "other"},
        {"core:sample_start": 150, "core:sample_count": 3, "antenna:x": {"y": [1, 2.5]}},
    ]
    meta.write_text(json.dumps(metadata))
    return meta


@pytest.mark.parametrize(
    ("datatype", "step"),
    [
        ("cf32_le", 0.0),
        ("cf32_be", 0.0),
        ("cf64_le", 0.0),
        ("ci16_le", 2.0**-15),
        ("ci16_be", 2.0**-15),
        ("ci32_le", 2.0**-24),
        ("ci8", 2.0**-7),
        ("cu8", 1 / 127.5),
        ("cu16_le", 1 / 32767.5),
    ],
)
def test_round_trip(tmp_path: Path, datatype: str, step: float) -> None:
    write_sigmf(
        tmp_path / "a.sigmf-meta",
        [IQ[:123], IQ[123:]],
        sample_rate_hz=250e3,
        center_frequency_hz=433.92e6,
        annotations=OURS,
        datatype=datatype,
        description="two chunks",
    )
    recording = open_recording(tmp_path / "a.sigmf-data")
    assert (recording.sample_rate_hz, recording.center_frequency_hz) == (250e3, 433.92e6)
    assert recording.annotations == (OURS[1], OURS[0])
    difference = recording.read(0, 500) - IQ
    assert np.abs(difference.view(np.float32)).max() <= step / 2 + 1e-7 * (step > 0)
    reference = validated(tmp_path / "a.sigmf-meta")
    assert reference.sample_count == 500
    assert reference.get_global_field("core:description") == "two chunks"
    if datatype.startswith("cf"):
        np.testing.assert_array_equal(reference.read_samples(), IQ)


def test_path_may_be_either_file_or_their_stem(tmp_path: Path) -> None:
    for name in ("g_433.92M", "b.sigmf-meta", "c.sigmf-data"):
        write_sigmf(tmp_path / name, [IQ], sample_rate_hz=1e6)
    assert names_in(tmp_path) == sorted(
        f"{stem}.sigmf-{end}" for stem in ("g_433.92M", "b", "c") for end in ("meta", "data")
    )


@pytest.mark.parametrize(
    ("chunks", "fields", "message"),
    [
        ([], {}, "there are no samples"),
        ([IQ, np.array([1, np.nan])], {}, "sample 501 is not finite"),
        ([IQ], {"datatype": "rf32_le"}, "datatype 'rf32_le' is not known"),
        ([IQ], {"sample_rate_hz": 0.0}, "sample rate of 0 Hz"),
        ([IQ], {"center_frequency_hz": float("nan")}, "centre frequency of nan Hz"),
    ],
)
def test_what_cannot_be_written_leaves_nothing(
    tmp_path: Path, chunks: list[np.ndarray], fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(RecordingError, match=message):
        write_sigmf(tmp_path / "a", chunks, **{"sample_rate_hz": 1e6, **fields})
    assert names_in(tmp_path) == []


def test_failure_keeps_the_earlier_pair(tmp_path: Path) -> None:
    write_sigmf(tmp_path / "a", [IQ], sample_rate_hz=1e6)
    with pytest.raises(ZeroDivisionError):
        write_sigmf(tmp_path / "a", (IQ[: 1 // n] for n in (1, 0)), sample_rate_hz=2e6)
    assert validated(tmp_path / "a.sigmf-meta").get_global_field("core:sample_rate") == 1e6
    assert len(names_in(tmp_path)) == 2


def test_in_place_others_stay_and_ours_are_replaced(tmp_path: Path) -> None:
    meta = foreign_pair(tmp_path)
    before = json.loads(meta.read_text())
    for _ in range(2):
        annotate_sigmf(open_recording(meta), OURS, meta)
    after = json.loads(meta.read_text())
    assert after["global"] == before["global"]
    assert after["captures"] == before["captures"]
    starts = [entry["core:sample_start"] for entry in after["annotations"]]
    assert starts == [10, 100, 150, 200]
    assert after["annotations"][1:3] == before["annotations"][1:]
    assert after["annotations"][3] == {
        "core:sample_start": 200,
        "core:sample_count": 50,
        "core:freq_lower_edge": 99e6,
        "core:freq_upper_edge": 101e6,
        "core:label": "QPSK",
        "core:comment": "late",
        "core:generator": "hertzian",
    }
    validated(meta)


def test_in_place_leaves_the_data_alone(tmp_path: Path) -> None:
    meta = foreign_pair(tmp_path)
    data = tmp_path / "a.sigmf-data"
    data.chmod(0o444)
    before = data.stat()
    annotate_sigmf(open_recording(data), OURS, tmp_path / "." / "a.sigmf-meta")
    assert data.stat() == before
    assert validated(meta).get_annotations()[0]["core:label"] == "CW"


@pytest.mark.parametrize("out", ["b.sigmf-meta", "elsewhere/a.sigmf-meta"])
def test_elsewhere_the_pair_is_complete(tmp_path: Path, out: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    meta = foreign_pair(tmp_path, **{"core:dataset": "a.sigmf-data"})
    before = meta.read_bytes()
    for _ in range(2):
        annotate_sigmf(open_recording(meta), OURS, tmp_path / out)
    assert meta.read_bytes() == before
    found = open_recording(tmp_path / out)
    np.testing.assert_array_equal(found.read(0, 500), IQ)
    head = json.loads((tmp_path / out).read_text())["global"]
    assert head["antenna:model"] == "discone"
    assert head["core:author"] == "Jürgen"
    assert head.get("core:dataset") == ("a.sigmf-data" if "elsewhere" in out else None)
    if "elsewhere" not in out:
        validated(tmp_path / out)


def test_header_and_trailer_are_stripped_from_a_copy(tmp_path: Path) -> None:
    meta = foreign_pair(
        tmp_path, **{"core:dataset": "a.bin", "core:trailing_bytes": 3, "core:sha512": "0" * 128}
    )
    metadata = json.loads(meta.read_text())
    metadata["captures"][0]["core:header_bytes"] = 44
    meta.write_text(json.dumps(metadata))
    (tmp_path / "a.sigmf-data").unlink()
    (tmp_path / "a.bin").write_bytes(b"h" * 44 + IQ.tobytes() + b"end")
    annotate_sigmf(open_recording(meta), OURS, tmp_path / "b.sigmf-meta")
    assert (tmp_path / "b.sigmf-data").read_bytes() == IQ.tobytes()
    assert validated(tmp_path / "b.sigmf-meta").sample_count == 500
    annotate_sigmf(open_recording(meta), OURS, meta)
    assert json.loads(meta.read_text())["global"]["core:dataset"] == "a.bin"
    np.testing.assert_array_equal(open_recording(meta).read(0, 500), IQ)


def test_offset_of_a_split_recording(tmp_path: Path) -> None:
    meta = foreign_pair(tmp_path, **{"core:offset": 1000})
    annotate_sigmf(open_recording(meta), [Annotation(7, 2)], meta)
    starts = [e["core:sample_start"] for e in json.loads(meta.read_text())["annotations"]]
    assert starts == [100, 150, 1007]
    assert open_recording(meta).annotations[-1] == Annotation(7, 2, generator="hertzian")


def test_what_only_the_caller_knew_is_filled_in(tmp_path: Path) -> None:
    (tmp_path / "a.sigmf-data").write_bytes(IQ.tobytes())
    (tmp_path / "a.sigmf-meta").write_text('{"global": {"core:datatype": "odd"}}')
    recording = open_recording(
        tmp_path / "a.sigmf-meta", format="cf32", sample_rate_hz=1e6, center_frequency_hz=1e8
    )
    annotate_sigmf(recording, OURS, tmp_path / "a.sigmf-meta")
    found = validated(tmp_path / "a.sigmf-meta")
    assert found.get_global_field("core:datatype") == "cf32_le"
    assert found.get_global_field("core:sample_rate") == 1e6
    assert found.get_captures() == [{"core:sample_start": 0, "core:frequency": 1e8}]


@pytest.mark.parametrize(("name", "datatype"), [("cu8", "cu8"), ("ci16", "ci16_le")])
def test_raw_input_keeps_its_bytes(tmp_path: Path, name: str, datatype: str) -> None:
    raw = RNG.integers(0, 256, 4000, dtype=np.uint8).tobytes()
    (tmp_path / f"g001_433.92M_250k.{name}").write_bytes(raw)
    out = tmp_path / "out.sigmf-meta"
    recording = open_recording(tmp_path / f"g001_433.92M_250k.{name}")
    for _ in range(2):
        annotate_sigmf(recording, OURS, out)
    assert (tmp_path / "out.sigmf-data").read_bytes() == raw
    found = validated(out)
    assert json.loads(out.read_text())["global"] == {
        "core:datatype": datatype,
        "core:version": "1.2.0",
        "core:sample_rate": 250e3,
        "core:sha512": hashlib.sha512(raw).hexdigest(),
    }
    assert found.get_captures() == [{"core:sample_start": 0, "core:frequency": 433.92e6}]
    assert len(found.get_annotations()) == 2


def test_wav_of_16_and_of_24_bits(tmp_path: Path) -> None:
    codes = RNG.integers(-32768, 32768, (500, 2)).astype(np.int16)
    wavfile.write(tmp_path / "a.wav", 250_000, codes)
    annotate_sigmf(open_recording(tmp_path / "a.wav"), OURS, tmp_path / "a.sigmf-meta")
    assert (tmp_path / "a.sigmf-data").read_bytes() == codes.tobytes()
    wide = (tmp_path / "a.wav").read_bytes()[:44]
    wide = wide[:32] + b"\x06\0\x18\0data" + (3000).to_bytes(4, "little")
    (tmp_path / "b.wav").write_bytes(wide + RNG.integers(0, 256, 3000, dtype=np.uint8).tobytes())
    recording = open_recording(tmp_path / "b.wav")
    assert recording.format == "ci24"
    annotate_sigmf(recording, OURS, tmp_path / "b.sigmf-meta")
    np.testing.assert_array_equal(
        validated(tmp_path / "b.sigmf-meta").read_samples(), recording.read(0, 500)
    )


def test_raw_input_keeps_what_others_wrote_at_out(tmp_path: Path) -> None:
    IQ.tofile(tmp_path / "a.cf32")
    recording = open_recording(tmp_path / "a.cf32", sample_rate_hz=1e6)
    out = tmp_path / "a.sigmf-meta"
    annotate_sigmf(recording, OURS, out)
    metadata = json.loads(out.read_text())
    metadata["global"]["core:author"] = "somebody"
    metadata["annotations"].append({"core:sample_start": 400, "core:sample_count": 1})
    out.write_text(json.dumps(metadata))
    annotate_sigmf(recording, OURS[:1], out)
    found = validated(out)
    assert found.get_global_field("core:author") == "somebody"
    assert [a["core:sample_start"] for a in found.get_annotations()] == [200, 400]


def test_other_data_beside_out_is_never_overwritten(tmp_path: Path) -> None:
    write_sigmf(tmp_path / "theirs", [IQ[::-1]], sample_rate_hz=1e6)
    before = [(tmp_path / f"theirs.sigmf-{end}").read_bytes() for end in ("meta", "data")]
    meta = foreign_pair(tmp_path)
    with pytest.raises(RecordingError, match="exists and holds other samples"):
        annotate_sigmf(open_recording(meta), OURS, tmp_path / "theirs.sigmf-meta")
    assert before == [(tmp_path / f"theirs.sigmf-{end}").read_bytes() for end in ("meta", "data")]
    assert len(names_in(tmp_path)) == 4


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("x.json", r"its name must end in \.sigmf-meta"),
        ("nowhere/x.sigmf-meta", "nowhere does not exist"),
    ],
)
def test_impossible_out(tmp_path: Path, out: str, message: str) -> None:
    meta = foreign_pair(tmp_path)
    with pytest.raises(RecordingError, match=message):
        annotate_sigmf(open_recording(meta), OURS, tmp_path / out)
    assert len(names_in(tmp_path)) == 2


def test_damaged_earlier_output_is_not_overwritten(tmp_path: Path) -> None:
    IQ.tofile(tmp_path / "a.cf32")
    (tmp_path / "a.sigmf-meta").write_text("{ by hand")
    with pytest.raises(RecordingError, match="is not valid JSON"):
        annotate_sigmf(
            open_recording(tmp_path / "a.cf32", sample_rate_hz=1e6), OURS, tmp_path / "a.sigmf-meta"
        )
    assert (tmp_path / "a.sigmf-meta").read_text() == "{ by hand"
    assert not (tmp_path / "a.sigmf-data").exists()


def test_detections_become_annotations(tmp_path: Path) -> None:
    IQ.tofile(tmp_path / "g_433.92M_250k.cf32")
    recording = open_recording(tmp_path / "g_433.92M_250k.cf32")
    detection = Detection(
        start=100,
        count=50,
        center_hz=-20e3,
        bandwidth_hz=10e3,
        snr_db=18.34,
        modulation="OOK",
        family="ask",
        protocol=None,
        protocol_confidence=None,
        confidence=0.966,
        family_confidence=0.99,
        scores={"OOK": 1.0},
    )
    named = Detection(**{**detection.to_dict(), "protocol": "LoRa", "protocol_confidence": 0.75})
    plain, with_protocol = detections_to_annotations([detection, named], recording)
    comment = "confidence 0.97, family ask 0.99, SNR 18.3 dB"
    assert plain == Annotation(100, 50, 433.895e6, 433.905e6, "OOK", comment)
    assert with_protocol.comment == comment + ", protocol LoRa 0.75"
    annotate_sigmf(recording, [plain], tmp_path / "g.sigmf-meta")
    validated(tmp_path / "g.sigmf-meta")
    assert open_recording(tmp_path / "g.sigmf-meta").annotations == (
        dataclasses.replace(plain, generator="hertzian"),
    )
