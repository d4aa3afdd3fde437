from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.signal import welch

from hertzian.channel import Chain
from hertzian.datasets import field
from hertzian.datasets.field import SILENCE, Emission, field_recording, longest_burst
from hertzian.datasets.scenes import Scene
from hertzian.signal import LABELS, occupied_bandwidth

ONE = Scene(
    samples=(60_000, 60_000), emitters=(1, 1), unknown=0.0, noise=0.0, loud=0.0, rolled_off=0.0
)


@pytest.fixture
def perfect_receiver(monkeypatch):
    """Take the receiver's faults and the path's away: what remains is signal and unit noise."""
    monkeypatch.setattr(field, "_receiver", lambda *_: Chain([]))
    monkeypatch.setattr(field, "_propagation", lambda *_: Chain([]))


def test_seed_and_index_determine_every_byte():
    one, again = field_recording(3, 5), field_recording(3, 5)
    assert one.iq.tobytes() == again.iq.tobytes()
    assert one.emissions == again.emissions
    for other in (field_recording(3, 6), field_recording(4, 5)):
        assert other.iq.tobytes() != one.iq.tobytes()
        assert other.emissions != one.emissions


def test_what_was_made_before_changes_nothing():
    alone = field_recording(8, 1)
    torch.manual_seed(0)
    np.random.default_rng(0).random(10)
    field_recording(8, 0)
    assert field_recording(8, 1).iq.tobytes() == alone.iq.tobytes()


@pytest.mark.parametrize("index", range(6))
def test_emissions_lie_within_the_recording_and_keep_clear_of_each_other(index):
    scene = Scene(emitters=(5, 5), samples=(40_000, 60_000))
    recording = field_recording(21, index, scene)
    assert recording.iq.dtype == np.complex64
    assert 40_000 <= recording.iq.size <= 60_000
    assert 1 <= len(recording.emissions) <= 5
    assert np.isfinite(recording.iq).all()
    for number, one in enumerate(recording.emissions):
        assert one.label in LABELS
        assert 0 <= one.start < one.stop <= recording.iq.size
        assert one.count >= 200
        assert abs(one.center) + one.bandwidth / 2 <= max(0.47, one.bandwidth / 2) + 1e-9
        for other in recording.emissions[number + 1 :]:
            apart = abs(one.center - other.center) > (one.bandwidth + other.bandwidth) / 2
            assert apart or one.stop <= other.start or other.stop <= one.start


def test_a_scene_holds_to_its_limits():
    scene = replace(ONE, snr_db=(7.0, 9.0), labels=("QPSK", "GFSK"), units=(100.0, 200.0))
    for index in range(5):
        (emission,) = field_recording(2, index, scene).emissions
        assert emission.label in ("QPSK", "GFSK")
        assert 7 <= emission.snr_db <= 9
        assert emission.units >= 99 or emission.count == 60_000 or emission.count <= 512


@pytest.mark.usefixtures("perfect_receiver")
@pytest.mark.parametrize("label", ["QPSK", "GFSK", "OFDM", "AM-DSB", "CSS", "OOK", "PCW"])
def test_the_snr_is_true(label):
    scene = replace(ONE, snr_db=(14.0, 25.0), bandwidth=(0.05, 0.5), labels=(label,))
    for index in range(3):
        recording = field_recording(11, index, scene)
        (emission,) = recording.emissions
        on = np.mean(np.abs(recording.iq[emission.start : emission.stop]) ** 2, dtype=np.float64)
        signal = on - 1.0  # the noise has unit power in the whole band
        measured = 10 * np.log10(signal / emission.bandwidth)
        # the mean of n exponential values wavers by 1 / sqrt(n), signal times noise by more
        slack = 13 * np.sqrt((1 + 2 * signal) / emission.count) / signal
        assert measured == pytest.approx(emission.snr_db, abs=max(0.05, slack))
        assert slack < 0.35 or emission.count < 4000
        rest = np.delete(recording.iq, slice(emission.start, emission.stop))
        if rest.size > 10_000:
            assert np.mean(np.abs(rest) ** 2) == pytest.approx(1, abs=0.05)


def measured_band(recording, emission):
    x = recording.iq[emission.start : emission.stop]
    f, psd = welch(x, nperseg=min(x.size, 2048), return_onesided=False, detrend=False)
    order = np.argsort(f)
    over = np.where(psd[order] > 4, psd[order] - 1, 0)
    return occupied_bandwidth(over, f[order])


def emitted(label, index, **changes):
    scene = replace(ONE, snr_db=(25.0, 30.0), bandwidth=(0.05, 0.3), labels=(label,), **changes)
    recording = field_recording(12, index, scene)
    return recording, recording.emissions[0]


@pytest.mark.usefixtures("perfect_receiver")
@pytest.mark.parametrize("label", ["QPSK", "GMSK", "16QAM", "OFDM", "DSSS-BPSK", "LFM"])
def test_the_band_is_where_the_truth_says(label):
    for index in range(3):
        recording, emission = emitted(label, index)
        lower, upper = measured_band(recording, emission)
        assert (lower + upper) / 2 == pytest.approx(emission.center, abs=0.1 * emission.bandwidth)
        assert upper - lower == pytest.approx(emission.bandwidth, rel=0.15)


@pytest.mark.usefixtures("perfect_receiver")
def test_a_single_sideband_lies_within_the_band_that_the_truth_says():
    for index in range(6):
        recording, emission = emitted("AM-SSB", index)
        lower, upper = measured_band(recording, emission)
        assert lower > emission.center - 0.55 * emission.bandwidth
        assert upper < emission.center + 0.55 * emission.bandwidth


def test_the_receiver_quantises_and_the_noise_spans_steps():
    parts = field_recording(1, 0).iq.view(np.float32)
    step = np.diff(np.unique(parts)).min()
    codes = parts / step
    assert np.abs(codes - np.floor(codes) - 0.5).max() < 0.02


def test_an_emission_ends_after_its_samples():
    emission = field_recording(1, 1).emissions[0]
    assert isinstance(emission, Emission)
    assert emission.stop == emission.start + emission.count


@pytest.mark.parametrize(("silence", "longest"), [(SILENCE, 700), (SILENCE - 1, 999 + SILENCE)])
def test_a_silence_ends_a_burst(silence, longest):
    x = torch.zeros(60_000, dtype=torch.complex64)
    x[100:800] = 1j
    x[800 + silence : 1100 + silence] = 1.0
    assert longest_burst(x) == longest
    assert longest_burst(torch.zeros(10, dtype=torch.complex64)) == 0
