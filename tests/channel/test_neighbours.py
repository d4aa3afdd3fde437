import numpy as np
import pytest
import torch
from tests.channel.signals import db, power, seeded, tone, tone_frequency, white

from hertzian.channel import ChannelError, Neighbours


def carrier(batch, samples, generator):
    return torch.full((batch, samples), 5.0 + 0.0j, dtype=torch.complex64)


def quarter(batch, samples, generator):
    return tone(0.25, samples, batch=batch)


def silence(batch, samples, generator):
    return torch.zeros(batch, samples, dtype=torch.complex64)


def test_a_neighbour_stands_at_its_offset_with_its_power():
    x = white(200, 512) * 2.0
    add = Neighbours((carrier,), 1, 0.1, 0.3, relative_power_db=(-12.0, -6.0))
    other = add(x, seeded()) - x
    frequencies = np.array([tone_frequency(row) for row in other])
    assert np.abs(frequencies).min() >= 0.1 - 1e-6
    assert np.abs(frequencies).max() <= 0.3 + 1e-6
    assert 60 < (frequencies > 0).sum() < 140
    levels = np.array([db(power(other[i]) / power(x[i])) for i in range(200)])
    assert levels.min() >= -12.01
    assert levels.max() <= -5.99
    assert levels.max() - levels.min() > 5.0
    phases = torch.angle(other[:, 0])
    assert float(torch.exp(1j * phases).mean().abs()) < 0.2


def test_the_power_of_several_neighbours_adds_up():
    x = white(50, 4096)
    add = Neighbours((carrier,), 3, 0.05, 0.45, relative_power_db=(-3.0, -3.0))
    assert power(add(x, seeded()) - x) == pytest.approx(3.0 * 10.0**-0.3, rel=0.05)


def test_every_source_is_drawn():
    x = white(400, 256)
    other = Neighbours((carrier, quarter), 1, 0.0, 0.0, (0.0, 0.0))(x, seeded()) - x
    frequencies = np.array([abs(tone_frequency(row)) for row in other])
    assert 150 < (frequencies < 0.1).sum() < 250
    assert 150 < (frequencies > 0.2).sum() < 250


def test_a_neighbour_is_there_with_its_probability():
    x = white(1000, 32)
    y = Neighbours((carrier,), 1, 0.1, 0.2, probability=0.3)(x, seeded())
    changed = ((y - x).abs().amax(dim=1) > 0).double().mean()
    assert float(changed) == pytest.approx(0.3, abs=0.05)


def test_a_silent_neighbour_adds_nothing():
    x = white(3, 64)
    torch.testing.assert_close(Neighbours((silence,), 2, 0.1, 0.2)(x, seeded()), x)


def test_a_source_of_the_wrong_shape_is_named():
    broken = Neighbours(
        (lambda batch, samples, generator: carrier(batch, 7, generator),), 1, 0.1, 0.2
    )
    with pytest.raises(ChannelError, match=r"found torch.complex64 \[2, 7\]"):
        broken(white(2, 64), seeded())


@pytest.mark.parametrize(
    "make",
    [
        lambda: Neighbours((), 1, 0.1, 0.2),
        lambda: Neighbours((carrier,), -1, 0.1, 0.2),
        lambda: Neighbours((carrier,), 1, 0.3, 0.2),
        lambda: Neighbours((carrier,), 1, 0.1, 0.7),
        lambda: Neighbours((carrier,), 1, 0.1, 0.2, (0.0, -3.0)),
        lambda: Neighbours((carrier,), 1, 0.1, 0.2, probability=2.0),
    ],
)
def test_wrong_parameters_are_refused(make):
    with pytest.raises(ChannelError):
        make()
