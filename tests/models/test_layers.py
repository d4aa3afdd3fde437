import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hertzian.models.layers import (
    Dft,
    FirstConv2d,
    Normalise,
    Residual,
    complex_product,
    delay_product,
    masked_mean,
    masked_statistics,
)


def _noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _as_complex(x):
    return torch.complex(x[..., 0, :], x[..., 1, :])


@pytest.mark.parametrize("radix", [2, 8, 32])
def test_dft_agrees_with_torch_fft(radix):
    x = _noise(3, 5, 2, radix**2)
    expected = torch.fft.fft(_as_complex(x))
    found = _as_complex(Dft(radix)(x))
    assert (found - expected).abs().max() < 3e-6 * expected.abs().max()


def test_dft_of_a_tone_is_one_line():
    n = torch.arange(1024)
    angle = 2 * math.pi * 137 * n / 1024
    found = Dft()(torch.stack([angle.cos(), angle.sin()])[None])[0]
    assert found[0, 137] == pytest.approx(1024, rel=1e-5)
    found[0, 137] = 0
    assert found.abs().max() < 0.01


@settings(max_examples=40, deadline=None)
@given(exponent=st.floats(-30, 30), seed=st.integers(0, 2**31), skip=st.booleans())
def test_normalise_gives_unit_power_at_any_scale(exponent, seed, skip):
    x = _noise(2, 2, 256, seed=seed)
    layer = Normalise(skip)
    found = layer((x.double() * 10.0**exponent).float())
    assert found.square().sum(1).mean(1).numpy() == pytest.approx(1, rel=1e-5)
    assert torch.allclose(found, layer(x), atol=1e-5)


@pytest.mark.parametrize("skip", [False, True])
def test_normalise_keeps_zeros(skip):
    assert torch.equal(Normalise(skip)(torch.zeros(2, 2, 64)), torch.zeros(2, 2, 64))


def test_normalise_of_a_padded_burst_keeps_the_amplitudes_of_the_full_one():
    x = _noise(1, 2, 128)
    padded = torch.nn.functional.pad(x, (100, 28))
    full = Normalise()(x)
    assert torch.allclose(Normalise(True)(padded)[..., 100:228], full, atol=1e-6)
    # Without the option, half the window off means twice the power while on.
    assert torch.allclose(Normalise()(padded)[..., 100:228], math.sqrt(2) * full, atol=1e-6)


def test_complex_product_is_that_of_complex_numbers():
    a, b = _noise(3, 2, 17), _noise(3, 2, 17, seed=1)
    found = _as_complex(complex_product(a, b))
    assert torch.allclose(found, _as_complex(a) * _as_complex(b), atol=1e-6)


@pytest.mark.parametrize("lag", [1, 3])
def test_delay_product_measures_the_phase_step(lag):
    frequency = 0.07
    angle = 2 * math.pi * frequency * torch.arange(64)
    found = delay_product(torch.stack([angle.cos(), angle.sin()])[None], lag, softness=0.1)[0]
    assert torch.equal(found[:, :lag], torch.zeros(2, lag))
    step = torch.atan2(found[1, lag:], found[0, lag:])
    assert step.numpy() == pytest.approx(2 * math.pi * frequency * lag, abs=1e-4)
    # Unit amplitudes: |product| / (|product| + 0.1).
    assert found[:, lag:].norm(dim=0).numpy() == pytest.approx(1 / 1.1, rel=1e-4)


def test_residual_with_a_branch_of_zero_is_the_identity_on_what_is_positive():
    layer = Residual(4, 3).eval()
    torch.nn.init.zeros_(layer.conv.weight)
    x = _noise(2, 4, 1, 9)
    assert torch.equal(layer(x.clone()), x.clamp(min=0))


def test_masked_pooling_sees_only_what_is_present():
    x = _noise(2, 3, 1, 20).abs()
    mask = torch.zeros(2, 1, 1, 20)
    mask[0, ..., 4:11] = 1
    pooled = masked_statistics(x, mask).numpy()
    part = x[0, :, 0, 4:11].numpy()
    expected = [part.mean(1), np.sqrt((part**2).mean(1)), part.max(1)]
    assert pooled[0] == pytest.approx(np.concatenate(expected), rel=1e-4)
    assert masked_mean(x, mask).numpy()[0] == pytest.approx(part.mean(1), rel=1e-5)
    assert np.abs(pooled[1]).max() < 2e-3  # nothing present


@pytest.mark.parametrize("kernel", [(1, 1), (1, 5), (2, 3), (3, 2)])
def test_first_convolution_trains_as_the_plain_one(kernel):
    layer = FirstConv2d(4, kernel)
    x = _noise(3, 1, 3, 9).requires_grad_()
    results = []
    for training in (True, False):
        y = layer.train(training)(x)
        shares = torch.arange(y.numel()).reshape(y.shape).cos()
        results.append([y, *torch.autograd.grad((y * shares).sum(), [x, *layer.parameters()])])
    for trained, plain in zip(*results, strict=True):
        torch.testing.assert_close(trained, plain, rtol=1e-5, atol=1e-5)
