"""From samples to a protocol's name: the units on the way, and the shipped model."""

import numpy as np
import pytest
import torch
from tests.recognition.fakes import ConstantPredictor
from tests.recognition.test_memory import ofdm

from hertzian.datasets.protocols import draw_protocol
from hertzian.recognition import Recogniser, recogniser

CLASSES = ("OFDM", "noise")
PROTOCOLS = ("a", "none")


class TwoHeads(ConstantPredictor):
    """Says OFDM and a protocol of everything."""

    def __init__(self):
        super().__init__([9.0, 0.0], classes=CLASSES, protocols=PROTOCOLS)

    def heads(self, windows):
        sure = np.tile(np.float32([9.0, 0.0]), (len(windows), 1))
        return {"modulation": self.logits(windows), "protocol": sure}


def in_noise(x, snr_db, seed=0):
    """Samples of unit power between stretches of noise."""
    random = np.random.default_rng(seed)
    padded = np.pad(x, 20_000)
    noise = random.standard_normal((padded.size, 2)).view(np.complex128)[:, 0] / np.sqrt(2)
    return (padded + noise * 10 ** (-snr_db / 20)).astype(np.complex64)


@pytest.mark.parametrize("rate_hz", [1e6, 20e6])
def test_bandwidths_and_repetitions_are_told_in_hertz_and_seconds(monkeypatch, rate_hz):
    asked = []

    def spy(logits_sum, count, metadata, **measured):
        asked.append((logits_sum, count, measured))
        return "a", 0.75

    monkeypatch.setattr(recogniser, "name_protocol", spy)
    # 64 subcarriers at a third of the rate: an FFT of 192 samples
    x = ofdm(16)
    x = in_noise(x / np.std(x), 25)
    (found,) = Recogniser(TwoHeads(), workers=1).recognise(x, sample_rate=rate_hz)
    assert (found.protocol, found.protocol_confidence) == ("a", 0.75)
    ((logits_sum, count, measured),) = asked
    np.testing.assert_allclose(logits_sum / count, [9.0, 0.0])
    assert measured["bandwidth_hz"] == pytest.approx(found.bandwidth_hz)
    assert measured["bandwidth_hz"] == pytest.approx(rate_hz / 3, rel=0.1)
    assert measured["repetition_s"] == pytest.approx(192 / rate_hz, rel=0.01)


def strongest(protocol, factor):
    """What the shipped model says of a transmission at so many times its true rates."""
    heard = draw_protocol(protocol, np.random.default_rng(2)).heard(0.3)
    samples = 150_000 if protocol == "DVB-T" else 60_000
    x = heard.emitter.waveform.generate(1, samples, torch.Generator().manual_seed(3))[0].numpy()
    rate_hz = factor * heard.sample_rate_hz
    found = Recogniser.load().recognise(in_noise(x, 15), sample_rate=rate_hz)
    return max(found, key=lambda detection: detection.energy)


@pytest.mark.parametrize("protocol", ["GSM", "TETRA", "802.15.4", "DVB-T"])
def test_the_shipped_model_names_a_protocol_at_its_rates(protocol):
    found = strongest(protocol, 1.0)
    assert found.protocol == protocol
    assert found.protocol_confidence > 0.8


@pytest.mark.parametrize("protocol", ["GSM", "802.15.4"])
@pytest.mark.parametrize("factor", [0.1, 10.0])
def test_at_other_rates_the_same_samples_are_not_of_it(protocol, factor):
    assert strongest(protocol, factor).protocol != protocol
