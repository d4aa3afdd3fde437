import numpy as np
import pytest

from hertzian.datasets import demo
from hertzian.datasets.demo import SAMPLE_RATE_HZ, SENDERS, demo_recording, write_demo
from hertzian.recordings import open_recording
from hertzian.signal import CORE


@pytest.fixture(scope="module")
def band():
    return demo_recording()


def band_power(iq, center, bandwidth):
    """Mean power within a band, cycles per sample."""
    spectrum = np.abs(np.fft.fft(iq)) ** 2 / iq.size**2
    offset = (np.fft.fftfreq(iq.size) - center + 0.5) % 1 - 0.5
    return spectrum[np.abs(offset) <= bandwidth / 2].sum()


def test_ten_different_transmitters_are_in_it(band):
    labels = [emission.label for emission in band.emissions]
    assert len(set(labels)) == len(labels) == len(SENDERS) == 10
    assert set(labels) <= set(CORE)


def test_no_two_share_a_time_and_a_frequency(band):
    for i, one in enumerate(band.emissions):
        assert 0 < one.start < one.stop < band.iq.size
        for other in band.emissions[:i]:
            apart = abs(one.center - other.center) > (one.bandwidth + other.bandwidth) / 2
            assert apart or one.stop < other.start or other.stop < one.start


def test_levels_are_those_of_the_table(band):
    quiet = band.iq[: round(0.14 * SAMPLE_RATE_HZ)]
    for sender, emission in zip(SENDERS, band.emissions, strict=True):
        sent = band.iq[emission.start : emission.stop]
        noise = band_power(quiet, emission.center, emission.bandwidth)
        signal = band_power(sent, emission.center, emission.bandwidth) - noise
        assert 15 <= sender.snr_db <= 30
        # the 99% band leaves 0.04 dB out; speech and the noise's own draw make the rest
        assert 10 * np.log10(signal / noise) == pytest.approx(sender.snr_db, abs=0.4)


def test_it_fits_an_8_bit_receiver(band):
    assert np.abs(band.iq.view(np.float32)).max() < 1
    quiet = band.iq[: round(0.14 * SAMPLE_RATE_HZ)]
    assert np.std(quiet) * 127.5 == pytest.approx(4, rel=0.02)


def test_the_written_band_has_its_truth(band, tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "demo_recording", lambda: band)
    assert write_demo(tmp_path / "d.sigmf-meta") == band.emissions
    read = open_recording(tmp_path / "d.sigmf-meta")
    assert (read.format, read.sample_rate_hz) == ("cu8", SAMPLE_RATE_HZ)
    assert sorted(a.label for a in read.annotations) == sorted(e.label for e in band.emissions)
    step = 1 / 127.5
    np.testing.assert_allclose(
        read.read(0, 1000).view(np.float32), band.iq[:1000].view(np.float32), atol=0.51 * step
    )


def test_it_is_the_same_every_time(band):
    np.testing.assert_array_equal(demo_recording().iq[::1000], band.iq[::1000])
