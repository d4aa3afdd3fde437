import numpy as np
import pytest

from hertzian.recognition.band import (
    BLOCK,
    Burst,
    band_blocks,
    busy_band,
    sparse_band,
    write_band,
)
from hertzian.recordings import open_recording
from hertzian.signal import occupied_bandwidth

pytestmark = pytest.mark.base

# so loud that the noise does not matter
LOUD = Burst(start=BLOCK + 5_000, count=250_000, center=0.21, bandwidth=0.05, snr_db=60.0)


def only(bursts, blocks=1, seed=3):
    return np.concatenate(list(band_blocks(blocks, bursts, seed)))


@pytest.fixture(scope="module")
def loud():
    return only([LOUD], blocks=2)


def test_noise_is_white_gaussian_and_of_unit_power():
    iq = only([])
    assert np.mean(np.abs(iq) ** 2) == pytest.approx(1, rel=0.005)
    assert np.mean(np.abs(iq) ** 4) == pytest.approx(2, rel=0.02)
    assert abs(np.mean(iq**2)) < 0.005
    psd = np.mean(np.abs(np.fft.fft(iq.reshape(-1, 256), axis=1)) ** 2, axis=0) / 256
    np.testing.assert_allclose(psd, 1, atol=0.1)


def test_a_burst_has_its_place_its_snr_and_its_99_percent_bandwidth(loud):
    sent = loud[LOUD.start : LOUD.stop]
    power = np.mean(np.abs(sent) ** 2)
    assert 10 * np.log10(power / LOUD.bandwidth) == pytest.approx(LOUD.snr_db, abs=0.01)
    assert np.mean(np.abs(loud[: LOUD.start]) ** 2) == pytest.approx(1, rel=0.01)
    assert np.mean(np.abs(loud[LOUD.stop :]) ** 2) == pytest.approx(1, rel=0.01)
    psd = np.fft.fftshift(np.abs(np.fft.fft(sent)) ** 2)
    frequencies = np.fft.fftshift(np.fft.fftfreq(sent.size))
    low, high = occupied_bandwidth(psd, frequencies)
    assert high - low == pytest.approx(LOUD.bandwidth, rel=0.02)
    assert (high + low) / 2 == pytest.approx(LOUD.center, abs=0.0005)


def test_a_burst_is_quadrature_phase_shift_keying(loud):
    sent = loud[LOUD.start : LOUD.stop] * np.exp(-2j * np.pi * LOUD.center * np.arange(LOUD.count))
    spectrum = np.abs(np.fft.fft(sent**4))
    # the fourth power of QPSK has a line at four times the carrier, that of its square none
    assert spectrum.max() / np.median(spectrum) > 30
    square = np.abs(np.fft.fft(sent**2))
    assert square.max() / np.median(square[square > square.mean()]) < 15


def test_a_busy_band_is_as_full_as_asked():
    bursts = busy_band(16, 0.05, seed=2)
    assert sum(burst.area for burst in bursts) / (16 * BLOCK) == pytest.approx(0.05, rel=0.01)
    assert {burst.start // BLOCK for burst in bursts} == set(range(16))
    assert all(burst.start // BLOCK == (burst.stop - 1) // BLOCK for burst in bursts)
    for burst in bursts:
        assert abs(burst.center) + burst.bandwidth / 2 < 0.47
        beside = [b for b in bursts if b is not burst and b.center != burst.center]
        assert min(abs(b.center - burst.center) for b in beside) > 0.1


@pytest.mark.parametrize("occupancy", [0.0, -0.1, 0.2])
def test_other_occupancies_are_refused(occupancy):
    with pytest.raises(ValueError, match="occupancy"):
        busy_band(1, occupancy, seed=0)


def test_a_sparse_band_is_spread_over_all_of_it():
    bursts = sparse_band(200, 50, 15.0, seed=4)
    blocks = [burst.start // BLOCK for burst in bursts]
    assert len(bursts) == len(set(blocks)) == 50
    assert (blocks[0], blocks[-1]) == (0, 199)
    assert all(burst.start // BLOCK == (burst.stop - 1) // BLOCK for burst in bursts)
    assert {burst.snr_db for burst in bursts} == {15.0}
    assert all(500 < burst.area / 1.103 < 4100 for burst in bursts)
    with pytest.raises(ValueError, match="do not fit"):
        sparse_band(10, 11, 15.0, seed=4)


def test_blocks_do_not_depend_on_how_many_there_are():
    bursts = busy_band(2, 0.02, seed=1)
    first = next(iter(band_blocks(1, bursts, seed=9)))
    np.testing.assert_array_equal(next(iter(band_blocks(2, bursts, seed=9))), first)
    assert not np.array_equal(next(iter(band_blocks(1, bursts, seed=8))), first)


def test_the_file_is_what_an_8_bit_receiver_stores(tmp_path):
    bursts = busy_band(1, 0.02, seed=1)
    done = list(write_band(tmp_path / "b.cu8", 1, bursts, seed=5))
    assert done == [BLOCK]
    stored = open_recording(tmp_path / "b.cu8", sample_rate_hz=1.0).read(0, BLOCK)
    iq = only(bursts, seed=5)
    scale = 4 / 127.5
    error = stored / scale - iq
    # rounding to a quarter of the noise's standard deviation, in I and in Q
    assert np.mean(np.abs(error) ** 2) == pytest.approx(2 * (1 / 4) ** 2 / 12, rel=0.02)
