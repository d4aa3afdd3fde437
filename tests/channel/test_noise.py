import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from tests.channel.signals import db, power, seeded, tone, white

from hertzian.channel import ChannelError, WhiteNoise, add_noise, measured_power


@settings(max_examples=30, deadline=None)
@given(snr_db=st.floats(-30.0, 40.0), level_db=st.floats(-80.0, 80.0), seed=st.integers(0, 1000))
def test_the_snr_is_true_at_any_level(snr_db, level_db, seed):
    x = tone(0.1, 200_000) * 10.0 ** (level_db / 20.0)
    # Far above the noise the difference would lose it in rounding: draw it again instead.
    noise = WhiteNoise(snr_db)
    n = add_noise(torch.zeros_like(x), noise.noise_power(measured_power(x)), seeded(seed))
    assert db(power(x) / power(n)) == pytest.approx(snr_db, abs=0.1)
    torch.testing.assert_close(noise(x, seeded(seed)), x + n)


def test_each_example_has_the_snr_of_its_own_power():
    x = white(3, 200_000) * torch.tensor([0.01, 1.0, 30.0])[:, None]
    n = WhiteNoise(5.0)(x, seeded()) - x
    for example in range(3):
        assert db(power(x[example]) / power(n[example])) == pytest.approx(5.0, abs=0.1)


def test_noise_is_normal_circular_and_white():
    n = add_noise(torch.zeros(1, 1 << 17, dtype=torch.complex64), 4.0, seeded())[0]
    for part in (n.real, n.imag):
        values = part.double().numpy()
        assert stats.kstest(values, stats.norm(0.0, np.sqrt(2.0)).cdf).pvalue > 0.01
    assert abs(complex((n * n).mean())) < 0.05
    psd = torch.fft.fft(n.reshape(512, 256)).abs().square().mean(dim=0).numpy() / 256
    # The mean of 512 exponential values has a relative deviation of 4.4%.
    assert np.abs(psd / 4.0 - 1.0).max() < 0.25
    lags = torch.stack([(n[k:] * n[: n.numel() - k].conj()).mean() for k in range(1, 20)])
    assert lags.abs().max() < 0.05


def test_the_snr_in_a_band_counts_the_noise_in_that_band():
    bandwidth = 0.125
    x = tone(0.02, 1 << 18)
    n = WhiteNoise(10.0, bandwidth_cycles_per_sample=bandwidth)(x, seeded()) - x
    spectrum = torch.fft.fft(n[0]).abs().square() / n.shape[1] ** 2
    inside = torch.fft.fftfreq(n.shape[1]).abs() <= bandwidth / 2
    assert db(1.0 / float(spectrum[inside].sum())) == pytest.approx(10.0, abs=0.1)
    assert db(1.0 / power(n)) == pytest.approx(10.0 + db(bandwidth), abs=0.1)


def test_power_is_measured_where_the_mask_holds():
    x = torch.tensor([[2.0, 2.0j, 0.0, 0.0]], dtype=torch.complex64)
    mask = torch.tensor([True, True, False, False])
    assert float(measured_power(x)) == pytest.approx(2.0)
    assert float(measured_power(x, mask)) == pytest.approx(4.0)
    assert float(measured_power(x, torch.zeros(4, dtype=torch.bool))) == 0.0
    burst = torch.zeros(1, 100_000, dtype=torch.complex64)
    burst[:, :10_000] = 1.0
    on = burst.abs() > 0
    n = WhiteNoise(3.0)(burst, seeded(), mask=on) - burst
    assert db(1.0 / power(n)) == pytest.approx(3.0, abs=0.1)


def test_one_power_for_each_example():
    n = add_noise(
        torch.zeros(2, 100_000, dtype=torch.complex64), torch.tensor([1.0, 9.0]), seeded()
    )
    assert db(power(n[1]) / power(n[0])) == pytest.approx(db(9.0), abs=0.1)


def test_an_example_without_power_is_refused():
    with pytest.raises(ChannelError, match="no SNR exists"):
        WhiteNoise(0.0)(torch.zeros(1, 8, dtype=torch.complex64), seeded())


@pytest.mark.parametrize(
    "make",
    [
        lambda: WhiteNoise(float("nan")),
        lambda: WhiteNoise(0.0, bandwidth_cycles_per_sample=0.0),
        lambda: WhiteNoise(0.0, bandwidth_cycles_per_sample=1.5),
    ],
)
def test_wrong_parameters_are_refused(make):
    with pytest.raises(ChannelError):
        make()
