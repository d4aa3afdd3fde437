import json

import numpy as np
import pytest
import torch

from hertzian.experiments import streams
from hertzian.experiments.peers import gnuradio
from hertzian.experiments.streams import plan_stream, send
from hertzian.workers.errors import WorkerError


def has_gnuradio():
    try:
        gnuradio.find_python()
    except WorkerError:
        return False
    return True


@pytest.mark.parametrize(
    ("modulation", "samples", "passes", "bits"),
    [
        ("BPSK", 80_000, 1, 10_000),
        ("8PSK", 80_000, 1, 30_000),
        ("QAM64", 80_000, 1, 60_000),
        ("CPFSK", 80_000, 1, 10_000),
        ("WBFM", 50_000, 2, None),
        ("AM-DSB", 45_351, 2, None),
    ],
)
def test_streams_are_as_long_as_asked(modulation, samples, passes, bits):
    planned = plan_stream(modulation, 80_000)
    assert (planned.samples, planned.passes, planned.bits) == (samples, passes, bits)


@pytest.mark.parametrize("modulation", streams.CLASSES)
def test_a_stream_has_the_channel_and_noise_of_its_label(modulation, monkeypatch):
    planned = plan_stream(modulation, 10_000)
    noisy = send(planned, 3)
    assert noisy.shape == (planned.passes, planned.samples)
    # without its noise, which is drawn last, the first pass is the same
    monkeypatch.setattr(streams, "labelled_noise", lambda x, label_db, drawn: torch.zeros_like(x))
    noise = (noisy - send(planned, 3))[0]
    assert float(noise.abs().square().mean()) == pytest.approx(1.0, rel=0.05)


def fake_passes(request, *, python):
    length = np.array([request.bits * 8 if request.bits else 40_000] * request.passes)
    empty = np.zeros(0, np.int64)
    return gnuradio.Passes(
        *(np.zeros(0, np.complex64), empty, empty, empty, length),
        seconds=float(length.sum()) / 1e6,
        cpu_seconds=float(length.sum()) / 2e5,
        version="3.10",
    )


def test_rates_are_for_as_many_samples(monkeypatch):
    monkeypatch.setattr(gnuradio, "find_python", lambda: None)
    monkeypatch.setattr(gnuradio, "make_passes", fake_passes)
    monkeypatch.setattr(streams, "CLASSES", ("BPSK", "WBFM"))
    monkeypatch.setattr(streams, "_WARM_UP_SAMPLES", 1000)
    monkeypatch.setattr(streams, "_send_at_once", lambda stream, pool, count: (0.25 / count, 0.5))
    done = []
    told = streams.beside_gnuradio(80_000, 3, 2, done.append)
    assert sum(done) == 6
    bpsk, fm = told["classes"]["BPSK"], told["classes"]["WBFM"]
    assert bpsk["samples"] == 80_000
    assert bpsk["all_workers"] == 80_000 / 0.125
    assert bpsk["one_worker"] == 80_000 / 0.25
    assert bpsk["gnuradio"] == pytest.approx(1e6)
    # passes that came out shorter count as what they are
    assert fm["gnuradio"] == pytest.approx(1e6)
    assert fm["ratio"] == pytest.approx(0.1 / 0.125)
    assert fm["ratio_of_cpu"] == pytest.approx(0.5 / 0.5)
    assert told["samples"] == 180_000
    assert told["ratio"] == pytest.approx(0.18 / 0.25)
    json.dumps(told)


@pytest.mark.skipif(not has_gnuradio(), reason="GNU Radio is not installed")
def test_gnuradio_makes_the_same_streams(monkeypatch):
    monkeypatch.setattr(streams, "CLASSES", ("QPSK", "AM-DSB"))
    told = streams.beside_gnuradio(40_000, 1, 1, lambda steps: None)
    assert told["version"].startswith("3.10")
    assert all(one["gnuradio"] > 0 for one in told["classes"].values())
