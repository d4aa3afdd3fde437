import numpy as np
import pytest
import torch
from tests.waveforms.measures import array, seeded

from hertzian.waveforms import CATALOGUE, Carrier, Linear, Waveform, WaveformError, make
from hertzian.waveforms.base import rotate

RANDOM = sorted(set(CATALOGUE) - {"CW"})


@pytest.mark.parametrize("label", RANDOM)
def test_the_same_seed_gives_the_same_bytes_and_another_another(label):
    waveform = make(label)
    first = waveform.generate(3, 700, seeded(5))
    assert first.dtype == torch.complex64
    assert first.is_contiguous()
    assert torch.equal(first, waveform.generate(3, 700, seeded(5)))
    assert not torch.equal(first, waveform.generate(3, 700, seeded(6)))


@pytest.mark.parametrize("label", RANDOM)
def test_examples_of_one_batch_differ(label):
    x = array(make(label), 4, 3000)
    for other in range(1, 4):
        assert np.abs(x[0] - x[other]).max() > 0.1


@pytest.mark.parametrize("label", sorted(CATALOGUE))
@pytest.mark.parametrize("samples", [1, 2, 5, 31, 128])
def test_any_length_is_finite(label, samples):
    x = array(make(label), 2, samples)
    assert x.shape == (2, samples)
    assert np.isfinite(x).all()


@pytest.mark.parametrize("label", sorted(set(CATALOGUE) - {"PCW"}))
def test_endless_signals_have_unit_mean_power(label):
    x = array(make(label), 24, 32768, seed=1)
    assert np.mean(np.abs(x) ** 2) == pytest.approx(1.0, abs=0.01)


def test_a_large_batch_is_generated_in_parts_of_independent_data():
    x = make("QPSK").generate(3, 1 << 20, seeded())
    assert x.shape == (3, 1 << 20)
    assert not torch.equal(x[0], x[2])


def test_cycles_keep_their_fraction_when_large():
    cycles = torch.tensor([1e9 + 0.125, -3.25], dtype=torch.float64)
    expected = np.exp(2j * np.pi * np.array([0.125, -0.25]))
    np.testing.assert_allclose(rotate(cycles).numpy(), expected, atol=1e-6)


@pytest.mark.parametrize(("batch", "samples"), [(0, 10), (1, 0), (-1, 5)])
def test_nothing_cannot_be_generated(batch, samples):
    with pytest.raises(WaveformError, match="cannot generate"):
        Carrier().generate(batch, samples, seeded())


def test_a_class_refuses_the_label_of_another():
    with pytest.raises(WaveformError, match=r"Linear generates .*QPSK.*, not 2FSK"):
        Linear("2FSK")


def test_labels_are_spelled_canonically():
    assert Linear("qam16").label == "16QAM"
    assert issubclass(Linear, Waveform)
