"""Standard input as a stream: the same answers as of the file, whatever pieces it comes in."""

import io
from types import SimpleNamespace

import numpy as np
import pytest

from hertzian.cli.live import sample_blocks
from hertzian.recordings.samples import SAMPLE_TYPES

from .air import air, as_cu8

pytestmark = pytest.mark.base

FORMAT = ("--format", "cu8", "--sample-rate", "250k")


class Pieces(io.RawIOBase):
    """A pipe that gives what it has in pieces of uneven size, and then ends or is interrupted."""

    def __init__(self, data, end=b""):
        self.data, self.end, self.turn = data, end, 0

    def read1(self, most):
        self.turn += 1
        size = min(most, 1 + 7919 * self.turn % 30_011)
        given, self.data = self.data[:size], self.data[size:]
        if not given and self.end:
            raise self.end
        return given


@pytest.fixture
def piped(monkeypatch):
    def piped(data, end=b""):
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=Pieces(data, end)))

    return piped


@pytest.fixture(scope="module")
def heard():
    return as_cu8(air())


def test_a_stream_is_recognised_as_its_file_is(hertzian, piped, heard, tmp_path):
    path = tmp_path / "c.cu8"
    path.write_bytes(heard)
    expected = hertzian("classify", path, "--sample-rate", "250k", "--json").document
    piped(heard)
    found = hertzian("classify", "-", *FORMAT, "--json", "--csv", tmp_path / "c.csv").document
    assert found["file"] == "-"
    assert found["detections"] == expected["detections"]
    assert len(found["detections"]) == 2
    assert found["summary"] == expected["summary"]
    assert len((tmp_path / "c.csv").read_text().splitlines()) == 3


def test_each_detection_is_a_line_and_ctrl_c_ends_the_stream(hertzian, piped, heard):
    piped(heard + b"\x7f", KeyboardInterrupt())
    done = hertzian("classify", "-", *FORMAT, "--center-frequency", "433.92M")
    assert done.status == 0
    heading, *lines = done.out.splitlines()
    assert heading.split()[:4] == ["Start", "Duration", "Centre", "Bandwidth"]
    assert len(lines) == 2
    assert any("433.9575 MHz" in line for line in lines)  # 0.15 of 250 kHz above


@pytest.mark.parametrize(
    ("arguments", "data", "status", "message"),
    [
        (("-", *FORMAT), b"", 1, "no samples came on standard input"),
        (("-", "--format", "cu8"), b"", 1, "need --format F and --sample-rate HZ"),
        (("-", "--sample-rate", "1M"), b"", 1, "need --format F and --sample-rate HZ"),
        (("-", "a.cu8", *FORMAT), b"", 2, "standard input comes alone"),
        (("-", *FORMAT, "--report", "r.html"), b"", 2, "standard input comes alone"),
        (("-", *FORMAT, "--sigmf-out", "o"), b"", 2, "standard input comes alone"),
        (
            ("-", "--format", "cf32", "--sample-rate", "1M"),
            np.full(4000, np.nan, np.float32).tobytes(),
            1,
            "NaN or infinity",
        ),
    ],
)
def test_what_a_stream_lacks_is_told(hertzian, piped, arguments, data, status, message):
    piped(data)
    done = hertzian("classify", *arguments)
    assert done.status == status
    assert message in " ".join(done.err.replace("│", " ").split())


def test_samples_come_whole():
    kind = SAMPLE_TYPES["ci16"]
    data = np.arange(30_000, dtype="<i2").tobytes() + b"abc"
    blocks = list(sample_blocks(Pieces(data), kind))
    found = np.concatenate(blocks).view(np.float32) * 32768
    np.testing.assert_array_equal(found, np.arange(30_000))
