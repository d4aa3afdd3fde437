import math

import numpy as np
import pytest
import torch

from hertzian.models import build, count_parameters
from hertzian.models.field import Representation


def _windows(z):
    return torch.from_numpy(np.stack([z.real, z.imag], axis=-2).astype(np.float32))


def _qpsk(rng, samples_per_symbol=4, offset=0.0, count=1024):
    symbols = rng.integers(0, 4, count // samples_per_symbol)
    z = np.exp(1j * (np.pi / 2 * symbols + np.pi / 4)).repeat(samples_per_symbol)
    return z * np.exp(2j * np.pi * offset * np.arange(count))


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    model = build("field")
    for layer in model.modules():
        if isinstance(layer, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.5, 2)
    return model.eval()


def test_file_size_limit(network):
    assert count_parameters(network) < 700_000


def test_scale_of_the_input_changes_no_logit(network):
    rng = np.random.default_rng(1)
    x = _windows(np.stack([_qpsk(rng), rng.normal(size=1024) + 1j * rng.normal(size=1024)]))
    with torch.no_grad():
        expected = network(x)
        for scale in (1e-30, 1e-6, 1e6, 1e30):
            assert (network(x * scale) - expected).abs().max() < 1e-4
        assert network(torch.zeros(2, 2, 1024)).isfinite().all()


def test_embedding_leads_to_the_logits(network):
    x = torch.randn(3, 2, 1024, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        features = network.features(x)
        assert torch.allclose(network.head(features["embedding"]), network(x))
    assert set(features) > {"time", "spectrum", "embedding"}


def test_fourth_power_of_qpsk_has_its_line_at_four_times_the_offset():
    offset_bins = 20
    rng = np.random.default_rng(3)
    seen = Representation()(_windows(_qpsk(rng, offset=offset_bins / 1024)[None]))
    fourth = seen["spectra"][0, 2]
    assert int(fourth.argmax()) == 512 + 4 * offset_bins


def test_squared_magnitude_has_its_lines_at_the_symbol_rate():
    rng = np.random.default_rng(4)
    # Half-sine pulses of 8 samples: the power ripples once a symbol.
    z = _qpsk(rng, 8) * np.tile(np.sin(np.pi * (np.arange(8) + 0.5) / 8), 128)
    envelope = Representation()(_windows(z[None]))["spectra"][0, 3]
    assert set(envelope.topk(2).indices.tolist()) == {512 - 128, 512 + 128}


def test_correlation_shows_a_repetition_at_its_lag():
    rng = np.random.default_rng(5)
    part = rng.normal(size=256) + 1j * rng.normal(size=256)
    correlation = Representation()(_windows(np.tile(part, 4)[None]))["correlation"][0, 0]
    assert correlation[0] == pytest.approx(0, abs=1e-3)
    assert int(correlation[1:].argmax()) + 1 == 256


def test_moments_of_complex_noise_are_the_gaussian_ones():
    rng = np.random.default_rng(6)
    z = rng.normal(size=(64, 1024)) + 1j * rng.normal(size=(64, 1024))
    moments = Representation()(_windows(z))["moments"].mean(dim=0)
    # E|x|^4 = 2, E|x|^6 = 6, E|x| = sqrt(pi) / 2 for unit power.
    assert moments[0].item() == pytest.approx(math.log(2), abs=0.02)
    assert moments[1].item() == pytest.approx(math.log(6), abs=0.05)
    assert moments[2].item() == pytest.approx(math.sqrt(math.pi) / 2, abs=0.005)
    # Mean log of an exponential variable with mean 1: minus Euler's constant.
    assert moments[9].item() == pytest.approx(-0.5772, abs=0.02)


def test_autocast_does_not_reach_the_representation():
    x = torch.randn(2, 2, 1024, generator=torch.Generator().manual_seed(7))
    representation = Representation()
    expected = representation(x)
    with torch.autocast("cpu", torch.bfloat16):
        found = representation(x)
    assert all(torch.equal(found[key], expected[key]) for key in expected)
