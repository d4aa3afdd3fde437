import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from tests.channel.signals import db, power, seeded, tone, white

from hertzian.channel import (
    AutomaticGain,
    ChannelError,
    DCOffset,
    FollowingGain,
    IQImbalance,
    Quantisation,
    ReceiverFilter,
    image_rejection_db,
)


def line(x, bin_):
    return abs(complex(torch.fft.fft(x)[bin_])) / x.numel()


def test_the_image_of_a_tone_is_rejected_by_the_closed_form():
    imbalance = IQImbalance(max_gain_db=1.5, max_phase_deg=8.0)
    generator = seeded(5)
    gain_db = (torch.rand(4, generator=generator, dtype=torch.float64) * 2.0 - 1.0) * 1.5
    phase_deg = (torch.rand(4, generator=generator, dtype=torch.float64) * 2.0 - 1.0) * 8.0
    y = imbalance(tone(32 / 1024, 1024, batch=4), seeded(5))
    for example in range(4):
        ratio = 20.0 * math.log10(line(y[example], 32) / line(y[example], -32))
        expected = image_rejection_db(float(gain_db[example]), float(phase_deg[example]))
        assert ratio == pytest.approx(expected, abs=0.01)


def test_imbalance_scales_and_skews_the_quadrature_arm_only():
    x = white(6, 500)
    y = IQImbalance(max_gain_db=1.0, max_phase_deg=5.0)(x, seeded(1))
    generator = seeded(1)
    gain_db = (torch.rand(6, generator=generator, dtype=torch.float64) * 2.0 - 1.0)[:, None]
    phase = torch.deg2rad((torch.rand(6, generator=generator, dtype=torch.float64) * 2.0 - 1.0) * 5)
    g, p = 10.0 ** (gain_db / 20.0), phase[:, None]
    torch.testing.assert_close(y.real, x.real)
    q = g * (x.imag * torch.cos(p) - x.real * torch.sin(p))
    torch.testing.assert_close(y.imag.double(), q, rtol=1e-5, atol=1e-6)


def test_known_image_rejections():
    assert image_rejection_db(0.0, 0.0) == math.inf
    # Without a gain error the ratio is cot^2(p / 2).
    assert image_rejection_db(0.0, 2.0) == pytest.approx(
        -20.0 * math.log10(math.tan(math.radians(1.0)))
    )
    # Without a phase error it is ((1 + g) / (1 - g))^2.
    g = 10.0 ** (0.5 / 20.0)
    assert image_rejection_db(0.5, 0.0) == pytest.approx(20.0 * math.log10((1 + g) / (g - 1)))


def test_dc_is_constant_and_relative_to_the_rms():
    x = tone(0.25, 64, batch=3000) * 3.0
    added = DCOffset(0.2)(x, seeded()) - x
    torch.testing.assert_close(added, added[:, :1].expand(-1, 64), rtol=0, atol=2e-6)
    size = added.mean(dim=1).abs().double().numpy() / 3.0
    assert stats.kstest(size, stats.uniform(0.0, 0.2).cdf).pvalue > 0.01
    phase = torch.angle(added.mean(dim=1)).double().numpy()
    assert stats.kstest(phase, stats.uniform(-math.pi, 2.0 * math.pi).cdf).pvalue > 0.01


def test_the_number_of_gain_steps_is_poisson():
    gain = AutomaticGain(steps=2.0, max_step_db=6.0, settle_samples=0.0)
    changes = gain.gain_db(3000, 2000, seeded()).diff(dim=1)
    counts = (changes.abs() > 1e-6).sum(dim=1).double()
    # A step within the first sample is there from the start: 0.1% of them.
    assert float(counts.mean()) == pytest.approx(2.0, abs=0.1)
    assert float(counts.var()) == pytest.approx(2.0, abs=0.2)
    heights = changes[changes.abs() > 1e-6].double().numpy()
    assert stats.kstest(heights, stats.uniform(-6.0, 12.0).cdf).statistic < 0.03


def test_a_gain_step_settles_exponentially():
    gain = AutomaticGain(steps=1.0, max_step_db=10.0, settle_samples=20.0)
    curves = gain.gain_db(200, 4000, seeded())
    sharp = AutomaticGain(steps=1.0, max_step_db=10.0, settle_samples=0.0)
    steps = sharp.gain_db(200, 4000, seeded()).diff(dim=1)
    single = [i for i in range(200) if int((steps[i] != 0).sum()) == 1]
    checked = 0
    for example in single:
        at = int(torch.nonzero(steps[example])[0]) + 1
        height = float(steps[example].sum())
        if at + 200 > 4000 or abs(height) < 1.0:
            continue
        assert curves[example, :at].abs().max() == 0.0
        assert float(curves[example, at + 199]) == pytest.approx(height, rel=1e-3)
        left = (height - curves[example, at : at + 60].double().numpy()) / height
        slope = np.polyfit(np.arange(60), np.log(left), 1)[0]
        assert slope == pytest.approx(-1.0 / 20.0, rel=1e-2)
        checked += 1
    assert checked > 20


def test_the_gain_multiplies_the_samples():
    gain = AutomaticGain(steps=3.0, max_step_db=10.0)
    x = white(4, 3000)
    y = gain(x, seeded(2))
    found_db = 20.0 * torch.log10((y / x).abs())
    torch.testing.assert_close(found_db, gain.gain_db(4, 3000, seeded(2)), rtol=0, atol=1e-3)


@pytest.mark.parametrize("bits", [6, 8, 10, 12, 14])
def test_a_full_scale_tone_has_the_textbook_quantisation_noise(bits):
    x = tone(0.1234567, 1 << 16)
    y = Quantisation(bits, headroom_db=(0.0, 0.0))(x, seeded())
    # The rule is asymptotic: near its peaks the error of a tone is not uniform within a step.
    assert db(power(x) / power(y - x)) == pytest.approx(6.02 * bits + 1.76, abs=0.3)


@settings(max_examples=40, deadline=None)
@given(bits=st.integers(1, 12), level_db=st.floats(-60.0, 60.0))
def test_without_clipping_the_error_stays_within_half_a_step(bits, level_db):
    x = white(2, 500) * 10.0 ** (level_db / 20.0)
    y = Quantisation(bits)(x, seeded())
    full_scale = torch.view_as_real(x).abs().amax(dim=(1, 2))
    error = torch.view_as_real(y - x).abs().amax(dim=(1, 2))
    assert bool((error <= full_scale * (2.0**-bits + 1e-6)).all())
    for example in range(2):
        codes = (y[example].real / full_scale[example] * 2.0 ** (bits - 1) - 0.5).numpy()
        np.testing.assert_allclose(codes, np.round(codes), atol=2e-2 * 2.0 ** (bits - 12) + 1e-3)


def test_a_strong_signal_clips_at_full_scale():
    x = tone(0.0123, 20_000)
    y = Quantisation(8, headroom_db=(-12.0, -12.0))(x, seeded())
    full_scale = 10.0 ** (-12.0 / 20.0)
    top = full_scale * (1.0 - 1.0 / 256.0)
    assert float(y.real.abs().max()) == pytest.approx(top, rel=1e-5)
    # A sine of unit amplitude is above a for the share 1 - (2 / pi) asin(a) of its period.
    share = float((y.real.abs() > top * 0.9999).double().mean())
    assert share == pytest.approx(1.0 - 2.0 / math.pi * math.asin(full_scale), abs=0.01)


def test_silence_stays_almost_silent():
    y = Quantisation(8)(torch.zeros(1, 10, dtype=torch.complex64), seeded())
    assert y.abs().max() < 1e-30


@pytest.mark.parametrize("frequency", [0.0, 0.3, 0.4, 0.45, -0.475, 0.4990234375])
def test_the_filter_has_the_stated_response(frequency):
    filter_ = ReceiverFilter((0.8, 0.8), edge_attenuation_db=30.0)
    bin_ = round(frequency * 4096)
    x = tone(bin_ / 4096, 4096)
    gain = complex((filter_(x, seeded()) * x.conj()).mean())
    into = min(max((abs(bin_) / 4096 - 0.4) / 0.1, 0.0), 1.0)
    edge = 10.0 ** (-30.0 / 20.0)
    expected = edge + (1.0 - edge) * 0.5 * (1.0 + math.cos(math.pi * into))
    assert gain == pytest.approx(expected, abs=1e-5)


def test_a_filter_that_passes_everything_changes_nothing():
    x = white(2, 1001)
    torch.testing.assert_close(ReceiverFilter((1.0, 1.0))(x, seeded()), x, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "make",
    [
        lambda: IQImbalance(max_gain_db=-1.0),
        lambda: IQImbalance(max_phase_deg=90.0),
        lambda: DCOffset(-0.1),
        lambda: AutomaticGain(-1.0, 3.0),
        lambda: AutomaticGain(1.0, 3.0, settle_samples=-1.0),
        lambda: Quantisation(0),
        lambda: Quantisation(8, headroom_db=(3.0, 0.0)),
        lambda: ReceiverFilter((0.5, 1.2)),
        lambda: ReceiverFilter((0.5, 0.9), edge_attenuation_db=0.0),
    ],
)
def test_wrong_parameters_are_refused(make):
    with pytest.raises(ChannelError):
        make()


@pytest.mark.parametrize("compression", [0.0, 0.4, 1.0])
def test_a_following_gain_compresses_a_lasting_step(compression):
    levels = torch.cat([torch.full((5000,), 0.1), torch.full((5000,), 1.0)])
    x = levels.to(torch.complex64)[None, :]
    y = FollowingGain(compression, 100.0)(x, torch.Generator())[0].abs()
    step_db = 20 * torch.log10(y[7500] / y[2500])
    assert float(step_db) == pytest.approx(20 * (1 - compression), abs=1e-3)


def test_a_following_gain_keeps_the_phase():
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(2, 4000, dtype=torch.complex64, generator=generator)
    y = FollowingGain(0.7, 64.0)(x, generator)
    torch.testing.assert_close(torch.angle(y), torch.angle(x))
