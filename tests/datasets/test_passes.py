import numpy as np
import pytest
import torch

from hertzian.datasets import passes
from hertzian.datasets.passes import received_stream
from hertzian.datasets.randomness import generator
from hertzian.datasets.rml2016 import CHANNEL, TRANSMITTERS


def stream(modulation, length=5000):
    states = CHANNEL.draw(1, length + 128, generator(1))
    return received_stream(TRANSMITTERS[modulation], states, length, generator(2))


@pytest.mark.parametrize("modulation", ["QAM16", "GFSK", "AM-DSB"])
def test_a_stream_is_the_same_whatever_is_received_at_once(monkeypatch, modulation):
    whole = stream(modulation)
    monkeypatch.setattr(passes, "_BLOCKS_AT_ONCE", 7)
    pieces = stream(modulation)
    assert whole.shape == (1, 5000)
    # transforms of seven rows may differ from those of forty in the last bits
    np.testing.assert_allclose(pieces, whole, atol=1e-5 * float(whole.abs().max()))


def test_a_stream_has_hardly_a_seam_between_blocks():
    # a carrier steps by what 128 samples change of a channel of 1 Hz at 200 kHz
    x = stream("AM-DSB")[0]
    edges = torch.diff(x).abs()[127::128]
    assert float(edges.max()) < 10 ** (-55 / 20) * float(x.abs().max())
