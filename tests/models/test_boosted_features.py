"""Classical features against closed forms, and trees through their ONNX file."""

import numpy as np
import pytest
import torch

from hertzian.datasets.possible import MODULATIONS as SIX
from hertzian.deployment import ModelMetadata, OnnxPredictor
from hertzian.deployment.export import export_onnx
from hertzian.models import build
from hertzian.models.boosted_features import ClassicalFeatures
from hertzian.signal import HertzianError, alphabet_of, attributes_of, to_channels

CUMULANTS = ("m1", "c20", "re20", "im20", "c40", "re40", "im40", "c41", "c42", "m60")


def described(x, samples=None):
    x = np.atleast_2d(x)
    windows = torch.from_numpy(to_channels(x))
    return ClassicalFeatures(samples or x.shape[1])(windows).numpy()


def symbols(name, count, seed=0):
    """Every point equally often, in random order."""
    points = alphabet_of(name).points
    assert count % len(points) == 0
    return np.random.default_rng(seed).permutation(np.repeat(points, count // len(points)))


@pytest.mark.parametrize("name", [*SIX, "32QAM", "16APSK"])
def test_cumulants_are_those_of_the_alphabet(name):
    """Swami and Sadler 2000, table I, which `attributes_of` has from the points alone."""
    found = dict(zip(CUMULANTS, described(symbols(name, 1024))[0], strict=False))
    expected = attributes_of(name)
    assert found["m1"] == pytest.approx(0, abs=1e-5)
    assert found["c20"] == pytest.approx(expected.conjugate, abs=1e-4)
    assert found["c42"] == pytest.approx(expected.c42, abs=1e-4)
    assert found["re40"] == pytest.approx(expected.c40, abs=1e-4)
    points = alphabet_of(name).points
    mean = np.mean(points**2)
    c41 = np.mean(points**3 * points.conj()) - 3 * mean
    assert found["c41"] == pytest.approx(abs(c41), abs=1e-4)
    assert found["m60"] == pytest.approx(abs(np.mean(points**6)), abs=1e-4)


def test_windows_of_a_few_samples_are_refused():
    with pytest.raises(HertzianError, match="want 8 samples, not 7"):
        ClassicalFeatures(7)
    assert np.isfinite(described(np.exp(1j * np.arange(8)))).all()


def test_cumulants_of_noise_are_zero():
    random = np.random.default_rng(1)
    noise = random.normal(size=(400, 1024)) + 1j * random.normal(size=(400, 1024))
    mean = described(noise).mean(axis=0)
    assert abs(mean[CUMULANTS.index("c42")]) < 0.01
    assert abs(mean[CUMULANTS.index("re40")]) < 0.01


def test_a_line_of_the_square_lies_at_twice_the_carrier():
    n = np.arange(1024)
    carried = symbols("BPSK", 1024) * np.exp(2j * np.pi * 37 / 1024 * n)
    lines = described(carried)[0][-6:]
    # |x|^2 is steady, and x^2 and x^4 are lines of full height
    assert lines[0] == pytest.approx(0, abs=1e-3)
    assert lines[2:] == pytest.approx([1, 74 / 1024, 1, 148 / 1024], abs=1e-3)


def test_instantaneous_frequency_is_that_of_the_carrier():
    tone = np.exp(2j * np.pi * 0.1 * np.arange(256))
    turn = described(tone)[0][14 + 11 : 14 + 22]
    # half a turn is one; quantiles of a steady rate are the rate
    assert turn[0] == pytest.approx(0.2, abs=1e-4)
    assert turn[4:] == pytest.approx(np.full(7, 0.2), abs=1e-4)


@pytest.mark.parametrize("samples", [64, 100, 128])
def test_scale_changes_nothing_and_zeros_are_finite(samples):
    random = np.random.default_rng(2)
    x = random.normal(size=(3, samples)) + 1j * random.normal(size=(3, samples))
    plain = described(x)
    assert described(1e-25 * x) == pytest.approx(plain, abs=1e-3)
    assert np.isfinite(described(0 * x)).all()


def test_grown_trees_answer_alike_in_onnx(tmp_path):
    torch.manual_seed(0)
    model = build("boosted-features", rounds=8, depth=4).eval()
    trees = model.trees
    with torch.no_grad():
        trees.feature.random_(trees.features)
        trees.threshold.normal_(0, 0.3)
        trees.leaves.normal_()
    metadata = ModelMetadata(
        **{"name": "boosted-features", "version": "1", "classes": SIX, "samples": 256},
        **{"occupied_share": 1.0, "parameters": 0, "macs": 0},
    )
    export_onnx(model, metadata, tmp_path / "m.onnx")
    x = np.random.default_rng(0).normal(size=(200, 2, 256)).astype(np.float32)
    said = OnnxPredictor(tmp_path / "m.onnx").logits(x)
    with torch.no_grad():
        expected = model(torch.from_numpy(x)).numpy()
    # a feature that rounds to the other side of a threshold changes a leaf
    same = np.abs(said - expected).max(axis=1) < 1e-4
    assert same.mean() > 0.98
