import numpy as np
import pytest
import torch

from hertzian.datasets import rml2018
from hertzian.datasets.presets import PRESETS
from hertzian.datasets.published import RML2018_01A, Kind
from hertzian.datasets.randomness import generator
from hertzian.signal import occupied_bandwidth

PRESET = PRESETS["rml2018-01a-like"]


def parts(label, count=64, level=30.0, seed=0):
    return PRESET.maker.parts(seed, Kind(label), level, 0, count)


def sent(label, count=64, samples=4096):
    source = PRESET.maker.source
    return source.sending.send(Kind(label), count, samples, generator(1)).x.numpy()


def test_it_has_the_classes_labels_and_sizes_of_the_published_set():
    assert len(PRESET.modulations) == 24
    assert PRESET.modulations[:3] == ("OOK", "4ASK", "8ASK")
    assert (PRESET.samples, PRESET.per, len(PRESET.snr_db)) == (1024, 4096, 26)
    assert 24 * 26 * PRESET.per == 2_555_904


@pytest.mark.parametrize("label", RML2018_01A.modulations)
def test_every_class_is_sent_with_unit_power_and_no_window_without_a_signal(label):
    x = sent(label, 32)
    assert np.mean(np.abs(x) ** 2) == pytest.approx(1, abs=0.25)
    power = parts(label).signal.abs().square().mean(dim=1)
    assert float(power.min()) > 0
    cell = PRESET.maker.cell(0, Kind(label), 10.0, 4)
    np.testing.assert_allclose(np.square(cell.x).sum(axis=1).mean(axis=1), 1, rtol=1e-4)


@pytest.mark.parametrize("label", ["QPSK", "64APSK", "256QAM", "8ASK"])
def test_symbols_come_at_an_eighth_and_fill_the_band_of_their_roll_off(label):
    x = sent(label, 64)
    variable = x - x.mean(axis=1, keepdims=True)  # unipolar levels have a carrier besides
    line = np.abs(np.fft.rfft(np.abs(variable) ** 2 * np.hanning(4096), axis=1)).mean(axis=0)
    assert (400 + line[400:].argmax()) / 4096 == pytest.approx(1 / 8, abs=5e-4)
    psd = np.mean(np.abs(np.fft.fftshift(np.fft.fft(variable * np.hanning(4096)), axes=1)) ** 2, 0)
    lower, upper = occupied_bandwidth(psd, np.arange(-2048, 2048) / 4096)
    # 99% of a raised cosine: 1.04 symbol rates at a roll-off of 0.1, 1.19 at 0.4
    assert 1.03 / 8 < upper - lower < 1.2 / 8


def test_the_channel_is_rayleigh_with_the_stated_delay_spreads():
    impulse = torch.zeros(8000, 64, dtype=torch.complex64)
    impulse[:, 20] = 1
    response = rml2018._channel(impulse, 0.0, generator(2)).abs().square().double().numpy()
    assert response.sum(axis=1).mean() == pytest.approx(1, abs=0.05)
    # four time constants by equal chance; cut after 16 taps
    taps = np.arange(16)
    profiles = [np.exp(-taps / spread) for spread in (0.5, 1, 2, 4)]
    wanted = np.mean([p / p.sum() for p in profiles], axis=0)
    np.testing.assert_allclose(response[:, 20:36].mean(axis=0), wanted, atol=0.02)
    gain = response[:, 20:36].sum(axis=1)
    assert gain.std() > 0.5


def test_the_carrier_offset_is_a_ten_thousandth_of_the_rate():
    ones = torch.ones(4000, 1040, dtype=torch.complex64)
    y = rml2018._channel(ones, 0.0, generator(3))[:, 16:]
    turn = (y[:, 1:] * y[:, :-1].conj()).sum(dim=1).angle() / (2 * torch.pi)
    assert float(turn.std()) == pytest.approx(1e-4, rel=0.06)


def test_the_zero_shot_set_is_aligned_and_clean():
    preset = PRESETS["sigzsl-7"]
    made = preset.maker.parts(0, Kind("16QAM"), 10.0, 0, 100)
    x = made.signal.numpy()
    assert np.mean(np.abs(x) ** 2) == pytest.approx(1, abs=0.02)
    line = np.fft.rfft(np.abs(x) ** 2, axis=1)[:, 128]
    # the symbols' timing is the same in every window
    assert np.abs(line.mean()) > 0.9 * np.abs(line).mean()
    on_off = preset.maker.parts(0, Kind("2ASK"), 10.0, 0, 10).signal
    assert float(on_off.imag.abs().max()) == 0
    assert float(on_off.real.mean()) > 0.5
