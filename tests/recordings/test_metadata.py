import contextlib
import copy
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hertzian.recordings import (
    Annotation,
    RecordingError,
    RecordingWarning,
    annotate_sigmf,
    open_recording,
)

pytestmark = pytest.mark.base

# as a well-known program writes it: fields of the wrong kind, a dataset named although it conforms
FOREIGN: dict[str, Any] = {
    "global": {
        "core:datatype": "cf32_le",
        "core:version": "1.0.0",
        "core:sample_rate": 1000000.0,
        "core:num_channels": 1,
        "core:offset": 0,
        "core:author": "",
        "core:license": "none",
        "core:recorder": "Elsewhere",
        "core:dataset": "a.sigmf-data",
        "core:trailing_bytes": 0,
        "core:metadata_only": False,
        "core:geolocation": {"type": "Point", "coordinates": [54.0, 53.4, 76.0]},
        "other:field": [1, {"deep": None}],
    },
    "captures": [
        {
            "core:sample_start": 0,
            "core:header_bytes": 0,
            "core:frequency": 311000000.0,
            "core:datetime": "2022-11-27T16:45:00.501040Z",
        },
        {"core:sample_start": 60, "core:frequency": 311000000.0},
    ],
    "annotations": [
        {
            "core:sample_start": 4,
            "core:sample_count": 20,
            "core:freq_lower_edge": 310.9e6,
            "core:freq_upper_edge": 311.1e6,
            "core:label": "beacon",
            "core:comment": "seen",
        },
        {"core:sample_start": 50},
    ],
}
SAMPLES = (np.arange(1, 101) + 1j).astype("<c8")


def pair(folder: Path, metadata: Any, data: bytes = SAMPLES.tobytes()) -> Path:
    (folder / "a.sigmf-data").write_bytes(data)
    meta = folder / "a.sigmf-meta"
    meta.write_text(metadata if isinstance(metadata, str) else json.dumps(metadata))
    return meta


def changed(**fields: Any) -> dict[str, Any]:
    metadata = copy.deepcopy(FOREIGN)
    metadata["global"] |= {f"core:{key}": value for key, value in fields.items()}
    return metadata


@pytest.mark.parametrize("ending", ["meta", "data"])
def test_either_file_opens_the_pair(tmp_path: Path, ending: str) -> None:
    pair(tmp_path, FOREIGN)
    recording = open_recording(tmp_path / f"a.sigmf-{ending}")
    assert recording.format == "cf32"
    assert recording.sample_rate_hz == 1e6
    assert recording.center_frequency_hz == 311e6
    assert recording.annotations == (
        Annotation(4, 20, 310.9e6, 311.1e6, "beacon", "seen"),
        Annotation(50),
    )
    np.testing.assert_array_equal(recording.read(0, 100), SAMPLES)


@pytest.mark.parametrize("datatype", ["cu8", "ci8", "ci16_le", "ci16_be", "cf32_be", "cf64_be"])
def test_datatypes_match_numpy(tmp_path: Path, datatype: str) -> None:
    kind, _, order = datatype.partition("_")
    dtype = ("<" if order == "le" else ">") + f"{kind[1]}{int(kind[2:]) // 8}"
    codes = np.arange(1, 129).astype(dtype)
    recording = open_recording(pair(tmp_path, changed(datatype=datatype), codes.tobytes()))
    full = {"cu8": 127.5, "ci8": 128, "ci16": 32768}.get(kind, 1)
    expected = (codes.astype(np.float64) - 127.5 * (kind == "cu8")) / full
    found = recording.read(0, 64).view(np.float32)
    np.testing.assert_array_equal(found, expected.astype(np.float32))


def test_least_metadata(tmp_path: Path) -> None:
    least = {"global": {"core:datatype": "cf32", "core:sample_rate": 5}, "captures": None}
    recording = open_recording(pair(tmp_path, "\ufeff" + json.dumps(least)))
    assert (recording.sample_rate_hz, recording.center_frequency_hz) == (5.0, 0.0)


def test_rate_that_is_missing_or_null_can_be_given(tmp_path: Path) -> None:
    meta = pair(tmp_path, changed(sample_rate=None))
    with pytest.raises(RecordingError, match=r"sample rate of .* give --sample-rate"):
        open_recording(meta)
    assert open_recording(meta, sample_rate_hz=2e6).sample_rate_hz == 2e6


def test_what_is_given_counts_before_metadata(tmp_path: Path) -> None:
    meta = pair(tmp_path, changed(datatype="rf32_le", sample_rate=-1))
    with pytest.warns(RecordingWarning) as warned:
        recording = open_recording(meta, format="ci16", sample_rate_hz=3e6, center_frequency_hz=0.0)
    assert [str(one.message).partition(": ")[2] for one in warned] == [
        "sample rate 3,000,000 Hz is taken as given; the recording itself says -1 Hz",
        "centre frequency 0 Hz is taken as given; the recording itself says 311,000,000 Hz",
    ]
    assert (recording.format, recording.samples) == ("ci16", 200)
    assert (recording.sample_rate_hz, recording.center_frequency_hz) == (3e6, 0.0)


@pytest.mark.filterwarnings("ignore::hertzian.recordings.RecordingWarning")
@pytest.mark.parametrize("first_hz", [None, 311e6])
@pytest.mark.parametrize("offset", [0, 1000])
def test_a_recording_that_is_tuned_anew_is_told(
    tmp_path: Path, offset: int, first_hz: float | None
) -> None:
    metadata = changed(offset=offset)
    metadata["captures"] = [
        {"core:sample_start": offset, "core:frequency": first_hz},
        {"core:sample_start": offset + 60, "core:frequency": 312e6},
    ]
    with pytest.warns(RecordingWarning, match="from sample 60 on it is tuned to 312,000,000 Hz"):
        recording = open_recording(pair(tmp_path, metadata))
    assert recording.center_frequency_hz == (first_hz or 0)
    with pytest.warns(RecordingWarning, match="told as if that were 5 Hz"):
        open_recording(recording.path, center_frequency_hz=5.0)


@pytest.mark.parametrize(
    "later",
    [
        {},
        {"core:frequency": None},
        {"core:frequency": 311e6 + 1e-7},
        {"core:sample_start": 10**6, "core:frequency": 312e6},  # behind the end
    ],
)
def test_captures_of_one_frequency_warn_of_nothing(tmp_path: Path, later: dict[str, Any]) -> None:
    metadata = copy.deepcopy(FOREIGN)
    metadata["captures"][1] = {"core:sample_start": 60, **later}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        open_recording(pair(tmp_path, metadata))


def test_given_as_stated_or_where_nothing_is_stated_warns_of_nothing(tmp_path: Path) -> None:
    first = open_recording(pair(tmp_path, FOREIGN))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        open_recording(
            first.path,
            format=first.format,
            sample_rate_hz=first.sample_rate_hz,
            center_frequency_hz=first.center_frequency_hz,
        )
    with pytest.warns(RecordingWarning, match="format ci8 is taken as given; .* says"):
        open_recording(first.path, format="ci8")


def test_header_and_trailer_are_left_out(tmp_path: Path) -> None:
    metadata = changed(trailing_bytes=3)
    metadata["captures"][0]["core:header_bytes"] = 44
    recording = open_recording(pair(tmp_path, metadata, b"H" * 44 + SAMPLES.tobytes() + b"end"))
    assert recording.samples == 100
    np.testing.assert_array_equal(np.concatenate(list(recording.chunks(7))), SAMPLES)


def test_offset_of_a_split_recording(tmp_path: Path) -> None:
    metadata = changed(offset=1000)
    metadata["annotations"] = [
        {"core:sample_start": 900, "core:sample_count": 150},
        {"core:sample_start": 900, "core:sample_count": 10},
        {"core:sample_start": 1010, "core:sample_count": 10},
    ]
    found = open_recording(pair(tmp_path, metadata)).annotations
    assert found == (Annotation(0, 50), Annotation(0, 0), Annotation(10, 10))


def test_dataset_of_another_name(tmp_path: Path) -> None:
    meta = pair(tmp_path, changed(dataset="real.bin"))
    (tmp_path / "real.bin").write_bytes(SAMPLES[:80].tobytes())
    assert open_recording(meta).samples == 80
    assert open_recording(tmp_path / "a.sigmf-data").samples == 100


def test_renamed_pair_whose_dataset_kept_the_old_name(tmp_path: Path) -> None:
    assert open_recording(pair(tmp_path, changed(dataset="old.sigmf-data"))).samples == 100


@pytest.mark.parametrize(
    "name",
    [
        *("../secret", "/etc/passwd", "..", ".", "", "sub/x", "..\\x", "C:\\x", "C:x", "a\0b"),
        *("x\n", 5, ["x"], {}, "\ud800", "n" * 300, "é" * 200),
    ],
)
def test_dataset_that_is_no_plain_name(tmp_path: Path, name: Any) -> None:
    (tmp_path / "secret").write_bytes(SAMPLES.tobytes())
    folder = tmp_path / "inner"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "x").write_bytes(SAMPLES.tobytes())
    with pytest.raises(RecordingError, match=r"a\.sigmf-meta: core:dataset"):
        open_recording(pair(folder, changed(dataset=name)))


def test_dataset_that_links_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(SAMPLES.tobytes())
    folder = tmp_path / "inner"
    folder.mkdir()
    meta = pair(folder, changed(dataset="link"))
    (folder / "link").symlink_to("../secret")
    with pytest.raises(RecordingError, match="is a link out of the folder"):
        open_recording(meta)
    (folder / "link").unlink()
    (folder / "link").symlink_to("a.sigmf-data")
    assert open_recording(meta).samples == 100
    (folder / "link").unlink()
    (folder / "link").symlink_to("link")
    with pytest.raises(RecordingError):
        open_recording(meta)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ("", "is not valid JSON"),
        ("{", "is not valid JSON"),
        ('{"global": {}', "is not valid JSON"),
        ("[" * 100_000, "is not valid SigMF: nested too deeply"),
        ('{"global": ' + "1" * 5000 + "}", "is not valid JSON"),
        ("[]", "is not SigMF: it has no 'global'"),
        ({"global": []}, "is not SigMF: it has no 'global'"),
        ({**FOREIGN, "captures": {}}, "'captures' is not a list of objects"),
        ({**FOREIGN, "annotations": [3]}, "'annotations' is not a list of objects"),
        (changed(datatype="rf32_le"), "'rf32_le' is not read; complex cu8, ci8"),
        (changed(datatype=None), "core:datatype None is not read"),
        (changed(datatype=7), "core:datatype 7 is not read"),
        (changed(num_channels=2), "has 2 channels"),
        (changed(num_channels="1"), "core:num_channels is '1'; an integer"),
        (changed(num_channels=True), "core:num_channels is True; an integer"),
        (changed(sample_rate="1e6"), "core:sample_rate is '1e6'; a number"),
        (changed(sample_rate=float("nan")), "core:sample_rate is nan; a number"),
        (changed(sample_rate=10**400), "core:sample_rate is 1000.*; a number"),
        (changed(sample_rate=0), "sample rate of 0 Hz is not possible"),
        (changed(sample_rate=-5.0), "sample rate of -5 Hz is not possible"),
        (changed(offset=-1), "core:offset is -1; an integer"),
        (changed(offset=2**70), "core:offset is 1180.*; an integer"),
        (changed(trailing_bytes=10**6), "is truncated: it is shorter than the header and trailer"),
        (changed(metadata_only=True), "is metadata only"),
    ],
)
def test_invalid_metadata(tmp_path: Path, metadata: Any, message: str) -> None:
    with pytest.raises(RecordingError, match=message) as caught:
        open_recording(pair(tmp_path, metadata))
    assert "a.sigmf-" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("part", ["captures", "annotations"])
@pytest.mark.parametrize("value", ["x", [1], {}, True, float("inf")])
def test_wrong_types_inside_the_lists(tmp_path: Path, part: str, value: Any) -> None:
    key = {"captures": "core:frequency", "annotations": "core:freq_lower_edge"}[part]
    metadata = copy.deepcopy(FOREIGN)
    metadata[part][0][key] = value
    with pytest.raises(RecordingError, match=f"{key} is .*; a number"):
        open_recording(pair(tmp_path, metadata))


def test_label_must_be_text_and_can_be_printed(tmp_path: Path) -> None:
    metadata = copy.deepcopy(FOREIGN)
    metadata["annotations"][0]["core:label"] = "half \ud800"
    found = open_recording(pair(tmp_path, metadata)).annotations[0].label
    assert found == "half ?"
    metadata["annotations"][0]["core:label"] = ["x"]
    with pytest.raises(RecordingError, match=r"core:label is .*; text is expected"):
        open_recording(pair(tmp_path, metadata))


def test_header_between_captures(tmp_path: Path) -> None:
    metadata = copy.deepcopy(FOREIGN)
    metadata["captures"][1]["core:header_bytes"] = 8
    with pytest.raises(RecordingError, match="headers between its captures"):
        open_recording(pair(tmp_path, metadata))


def test_missing_files(tmp_path: Path) -> None:
    meta = pair(tmp_path, FOREIGN)
    (tmp_path / "a.sigmf-data").unlink()
    with pytest.raises(RecordingError, match=r"has no data file: .*does not exist"):
        open_recording(meta)
    pair(tmp_path, FOREIGN)
    meta.unlink()
    with pytest.raises(RecordingError, match=r"has no metadata beside it \(a.sigmf-meta\)"):
        open_recording(tmp_path / "a.sigmf-data")
    raw = open_recording(tmp_path / "a.sigmf-data", format="cf32", sample_rate_hz=1e6)
    assert raw.samples == 100


def test_data_that_is_no_whole_number_of_samples(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="799 bytes are not a whole number of samples of 8"):
        open_recording(pair(tmp_path, FOREIGN, SAMPLES.tobytes()[:-1]))


def test_size_of_metadata_is_bounded(tmp_path: Path) -> None:
    meta = pair(tmp_path, FOREIGN)
    with meta.open("ab") as file:
        file.truncate(65 << 20)
    with pytest.raises(RecordingError, match="has 65 MB; metadata has at most 64 MB"):
        open_recording(meta)


def places(node: Any) -> list[tuple[Any, Any]]:
    """Return every (container, key) in a JSON value."""
    items = node.items() if isinstance(node, dict) else enumerate(node)
    found = []
    for key, value in items:
        found.append((node, key))
        if isinstance(value, dict | list):
            found += places(value)
    return found


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=4,
)


@pytest.mark.filterwarnings("ignore::hertzian.recordings.RecordingWarning")
@given(st.lists(st.tuples(st.integers(0, 10**6), ANY_JSON, st.booleans()), max_size=3))
def test_mutated_metadata_is_read_or_an_error_of_ours(
    tmp_path_factory: pytest.TempPathFactory, mutations: list[tuple[int, Any, bool]]
) -> None:
    metadata = copy.deepcopy(FOREIGN)
    for where, value, remove in mutations:
        candidates = places(metadata)
        if not candidates:
            break
        container, key = candidates[where % len(candidates)]
        if remove:
            del container[key]
        else:
            container[key] = copy.deepcopy(value)
    folder = tmp_path_factory.getbasetemp()
    meta = pair(folder, metadata)
    with contextlib.suppress(RecordingError):
        recording = open_recording(meta)
        assert np.concatenate(list(recording.chunks(30))).size == recording.samples
        annotate_sigmf(recording, [Annotation(3, 5, label="CW")], meta)
        assert (
            Annotation(3, 5, label="CW", generator="hertzian") in open_recording(meta).annotations
        )
