import pytest
import torch

from hertzian.channel import ChannelError
from hertzian.channel.amplifier import Saturation

GENERATOR = torch.Generator()


def test_small_signals_pass_and_large_ones_reach_the_limit_with_their_phase():
    x = torch.tensor([[0.01j, -100.0, 1.0]], dtype=torch.complex64)
    y = Saturation(1.0, sharpness=2.0)(x, GENERATOR)[0]
    assert complex(y[0]) == pytest.approx(0.01j, rel=1e-4)
    assert complex(y[1]) == pytest.approx(-1.0, rel=1e-4)
    # at the limit itself Rapp's model gives 2^(-1 / 2p)
    assert complex(y[2]) == pytest.approx(2**-0.25, rel=1e-5)


def test_the_limit_is_positive():
    with pytest.raises(ChannelError, match="amplitude"):
        Saturation(0.0)
