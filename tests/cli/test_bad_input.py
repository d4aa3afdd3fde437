"""Each kind of bad input: one clear line, exit status 1, and nothing written."""

import json

import numpy as np
import pytest
from tests.cli.air import air, as_cu8, write_answering

pytest.importorskip("onnx")

RATE = ("--sample-rate", "250k")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The working folder, with a good raw recording in it."""
    monkeypatch.chdir(tmp_path)
    write_answering(tmp_path / "m.onnx")
    (tmp_path / "good.cu8").write_bytes(as_cu8(air(samples=100_000)))
    return tmp_path


@pytest.fixture
def refused(hertzian, here):
    """Classifies with every output there is; checks that it fails as it should; gives the line."""

    def refused(*arguments):
        before = {path: path.read_bytes() for path in here.rglob("*") if path.is_file()}
        outputs = ("--csv", "x.csv", "--report", "x.html", "--sigmf-out", "x.sigmf-meta", "--json")
        done = hertzian("classify", *arguments, "--model", "m.onnx", *outputs)
        assert (done.status, done.out) == (1, "")
        assert done.err.startswith("error: ")
        assert done.err.endswith("\n")
        assert done.err.count("\n") == 1
        assert {path: path.read_bytes() for path in here.rglob("*") if path.is_file()} == before
        return done.err

    return refused


def sigmf(folder, *, data=True, text=None, **head):
    """A SigMF recording `s` with these global fields, or with this text as its metadata."""
    known = {"core:datatype": "cf32_le", "core:version": "1.2.0", "core:sample_rate": 1e6}
    metadata = {"global": known | head, "captures": [{"core:sample_start": 0}], "annotations": []}
    (folder / "s.sigmf-meta").write_text(json.dumps(metadata) if text is None else text)
    if data:
        (folder / "s.sigmf-data").write_bytes(air((), samples=2000).tobytes())
    return "s.sigmf-meta"


def test_the_good_one_is_taken(hertzian, here):
    done = hertzian("classify", "good.cu8", *RATE, "--model", "m.onnx", "--json")
    assert (done.status, done.err) == (0, "")
    assert done.document["detections"]


def test_missing(refused):
    assert "gone.cu8 does not exist" in refused("gone.cu8", *RATE)


def test_empty(refused, here):
    (here / "empty.cu8").touch()
    assert "empty.cu8 is empty" in refused("empty.cu8", *RATE)


def test_empty_folder(refused, here):
    (here / "folder").mkdir()
    assert "folder has no recordings in it" in refused("folder", *RATE)


@pytest.mark.parametrize(("suffix", "width"), [("cu8", 2), ("ci16", 4), ("cf32", 8), ("cf64", 16)])
def test_truncated(refused, here, suffix, width):
    (here / f"cut.{suffix}").write_bytes(bytes(range(1, 200)) * width)
    (here / f"cut.{suffix}").write_bytes((here / f"cut.{suffix}").read_bytes()[:-1])
    message = refused(f"cut.{suffix}", *RATE)
    assert f"cut.{suffix} is truncated or not {suffix}" in message


@pytest.mark.parametrize("suffix", ["cu8", "ci8", "ci16", "cf32", "cf64"])
def test_all_zero(refused, here, suffix):
    (here / f"zero.{suffix}").write_bytes(bytes(400_000))
    assert f"zero.{suffix} holds no signal" in refused(f"zero.{suffix}", *RATE)


@pytest.mark.parametrize("place", [0, 99_999])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_not_a_number_in_it(refused, here, place, bad):
    iq = air(samples=100_000)
    iq[place] = bad
    (here / "n.cf32").write_bytes(iq.tobytes())
    message = refused("n.cf32", *RATE)
    assert "n.cf32 has a value that is not finite" in message
    assert f"at sample {place};" in message


def test_unknown_format(refused, here):
    (here / "what.xyz").write_bytes(bytes(range(256)))
    assert "what.xyz is of unknown format; give --format" in refused("what.xyz", *RATE)
    message = refused("good.cu8", *RATE, "--format", "cu9")
    assert "unknown format 'cu9'; known are cu8, ci8, ci16, cf32, cf64" in message


def test_unknown_rate(refused):
    message = refused("good.cu8")
    assert "the sample rate of good.cu8 is not known; give --sample-rate HZ" in message


@pytest.mark.parametrize("rate", ["-250k", "-1", "0"])
def test_impossible_rate(refused, rate):
    assert "good.cu8" in refused("good.cu8", "--sample-rate", rate)


def test_ten_samples(refused, here):
    (here / "ten.cu8").write_bytes(bytes(range(20)))
    assert "ten.cu8 has 10 samples; at least 64 are needed" in refused("ten.cu8", *RATE)


def test_sigmf_without_its_data(refused, here):
    message = refused(sigmf(here, data=False))
    assert "s.sigmf-meta has no data file: s.sigmf-data does not exist" in message


def test_sigmf_without_its_metadata(refused, here):
    sigmf(here)
    (here / "s.sigmf-meta").unlink()
    assert "s.sigmf-data has no metadata beside it" in refused("s.sigmf-data", *RATE)


@pytest.mark.parametrize("text", ["{", "", "\x00", "[" * 100_000, '{"global": 1e999'])
def test_invalid_json(refused, here, text):
    assert "s.sigmf-meta" in refused(sigmf(here, text=text))


@pytest.mark.parametrize("text", ["[]", "null", '{"captures": []}', '{"global": 3}'])
def test_json_that_is_no_sigmf(refused, here, text):
    assert "s.sigmf-meta is not SigMF" in refused(sigmf(here, text=text))


@pytest.mark.parametrize("datatype", ["rf32_le", "ru8", "ci12_le", 7, None])
def test_a_type_that_is_not_read(refused, here, datatype):
    message = refused(sigmf(here, **{"core:datatype": datatype}))
    assert "s.sigmf-meta: core:datatype" in message
    assert "is not read" in message


@pytest.mark.parametrize("name", ["../good.cu8", "/etc/passwd", "..\\good.cu8", "a/b"])
def test_metadata_that_points_outside(refused, here, name):
    message = refused(sigmf(here, data=False, **{"core:dataset": name}))
    assert "core:dataset leads out of the folder" in message


def test_metadata_that_points_outside_by_a_link(refused, here, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "data"
    elsewhere.write_bytes(air((), samples=2000).tobytes())
    (here / "link.bin").symlink_to(elsewhere)
    message = refused(sigmf(here, data=False, **{"core:dataset": "link.bin"}))
    assert "link.bin is a link out of the folder" in message


@pytest.mark.parametrize("rate", [-1.0, 0, "fast", None])
def test_metadata_with_an_impossible_rate(refused, here, rate):
    refused(sigmf(here, **{"core:sample_rate": rate}))


@pytest.mark.parametrize(
    "content", [b"RIFF", b"RIFF\x10\x00\x00\x00WAVEfmt ", b"no wav at all" * 9]
)
def test_damaged_wav(refused, here, content):
    (here / "w.wav").write_bytes(content)
    assert "w.wav" in refused("w.wav")


def test_a_name_that_is_no_text_stays_one_line(refused, here):
    (here / "two\nlines.cu8").touch()
    assert "two" in refused("two\nlines.cu8", *RATE)


def test_a_bad_one_among_several_leaves_the_outputs_of_the_others(hertzian, here):
    (here / "empty.cu8").touch()
    done = hertzian(
        *("classify", "empty.cu8", "good.cu8", *RATE, "--model", "m.onnx"),
        *("--csv", "x.csv", "--report", "x.html", "--sigmf-out", "out"),
    )
    assert done.status == 1
    assert done.err == "error: empty.cu8 is empty\n"
    assert "empty" not in (here / "x.csv").read_text() + (here / "x.html").read_text()
    names = sorted(path.name for path in (here / "out").iterdir())
    assert names == ["good.sigmf-data", "good.sigmf-meta"]
