import json
from dataclasses import dataclass

import pytest
from tests.cli.air import BURSTS, RATE_HZ, air, write_answering

from hertzian.cli import output
from hertzian.datasets import demo
from hertzian.datasets.demo import Sender
from hertzian.recordings import open_recording, write_sigmf
from hertzian.waveforms import make


@dataclass(frozen=True)
class Sent:
    label: str
    start: int
    stop: int
    center: float
    bandwidth: float


@pytest.fixture
def small_band(monkeypatch):
    """In place of the band: two bursts, said to be of these labels."""

    def install(*labels):
        def write(path):
            write_sigmf(path, [air() / 100], sample_rate_hz=RATE_HZ, datatype="ci16_le")
            return tuple(
                Sent(label, b.start, b.start + b.count, b.center, b.bandwidth * 1.1)
                for label, b in zip(labels, BURSTS, strict=True)
            )

        senders = tuple(
            Sender(f"sender {i}", make(label), 1e3, b.center * RATE_HZ, 0.1, 0.2, b.snr_db)
            for i, (label, b) in enumerate(zip(labels, BURSTS, strict=True))
        )
        monkeypatch.setattr(demo, "write_demo", write)
        monkeypatch.setattr(demo, "SENDERS", senders)
        monkeypatch.setattr(demo, "SAMPLE_RATE_HZ", RATE_HZ)

    return install


def test_all_right_is_success_and_leaves_recording_and_report(hertzian, tmp_path, small_band):
    small_band("QPSK", "QPSK")
    out = tmp_path / "deep" / "demo"
    done = hertzian("demo", "--out", out, "--model", write_answering(tmp_path / "m.onnx"))
    assert done.status == 0
    last = done.out.splitlines()[-1]
    assert last.startswith("2 of 2 transmitters right, 0 wrong at a confidence over 90 %, 0 det")
    assert done.out.count("right") == 3
    assert "sender 1" in done.out
    recording = open_recording(out / "recording.sigmf-meta")
    assert [annotation.label for annotation in recording.annotations] == ["QPSK", "QPSK"]
    assert (out / "report.html").read_text().count("<details") == 2


@pytest.mark.parametrize(
    ("labels", "probability", "status"),
    [
        (("QPSK", "BPSK"), 0.8, 1),  # one of two is less than seven of eight
        (("BPSK", "OOK"), 0.95, 1),
        (("QPSK", "QPSK"), 0.95, 0),
    ],
)
def test_the_bar(hertzian, tmp_path, small_band, labels, probability, status):
    small_band(*labels)
    model = write_answering(tmp_path / "m.onnx", probability=probability)
    done = hertzian("demo", "--out", tmp_path / "demo", "--model", model, "--json")
    right = labels.count("QPSK")
    assert done.status == status
    told = json.loads(done.out)
    assert (told["right"], told["of"]) == (right, 2)
    assert told["wrong_above_0.9"] == (2 - right if probability > 0.9 else 0)
    assert [row["right"] for row in told["transmitters"]] == [name == "QPSK" for name in labels]
    assert all(row["heard"]["modulation"] == "QPSK" for row in told["transmitters"])
    if status:
        (line,) = [line for line in done.err.splitlines() if line.startswith("error:")]
        assert f"the demonstration failed: {right} of 2 transmitters right" in line


def test_the_base_install_says_what_it_needs(hertzian, tmp_path, monkeypatch):
    monkeypatch.setattr(output, "TRAIN_LIBRARIES", ("none_such_library",))
    done = hertzian("demo", "--out", tmp_path / "demo")
    assert (done.status, done.out) == (1, "")
    assert "pip install 'hertzian[train]'" in done.err
    assert done.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_the_shipped_model_passes(hertzian, tmp_path):
    done = hertzian("demo", "--out", tmp_path / "demo", "--json")
    assert done.status == 0, done.err
    assert done.document["of"] == 10
    assert done.document["strays"] == 0
