import pytest
import torch
from tests.channel.signals import seeded, tone, white

from hertzian.channel import (
    AutomaticGain,
    CarrierDrift,
    CarrierOffset,
    CarrierPhase,
    Chain,
    ChannelError,
    DCOffset,
    Fading,
    Impairment,
    IQImbalance,
    Neighbours,
    PhaseNoise,
    Quantisation,
    ReceiverFilter,
    SampleRateOffset,
    TimingOffset,
    WhiteNoise,
)
from hertzian.signal import HertzianError


def carrier(batch, samples, generator):
    return tone(0.0, samples, batch=batch)


ALL = [
    TimingOffset(2.0),
    SampleRateOffset(std_ppm=20.0, walk_std_ppm=0.1, limit_ppm=100.0),
    Fading((0.0, 0.9, 1.7), (0.0, -3.0, -6.0), 1e-3, rician_k_db=6.0),
    Neighbours((carrier,), 1, 0.2, 0.3),
    CarrierOffset(max_cycles_per_sample=0.01),
    CarrierDrift(1e-7, 1e-4, 1e-9),
    CarrierPhase(),
    PhaseNoise(1e-4),
    WhiteNoise(10.0),
    IQImbalance(0.5, 3.0),
    DCOffset(0.05),
    AutomaticGain(1.0, 6.0),
    ReceiverFilter((0.8, 0.95)),
    Quantisation(8, headroom_db=(6.0, 12.0)),
]
names = [type(impairment).__name__ for impairment in ALL]


@pytest.mark.parametrize("impairment", ALL, ids=names)
@pytest.mark.parametrize("shape", [(3, 1), (2, 33), (1, 128), (2, 1000)], ids=str)
def test_impairments_keep_shape_and_type_and_stay_finite(impairment, shape):
    x = white(*shape)
    before = x.clone()
    y = impairment(x, seeded())
    assert isinstance(impairment, Impairment)
    assert y.shape == x.shape
    assert y.dtype == torch.complex64
    assert bool(torch.isfinite(torch.view_as_real(y)).all())
    assert torch.equal(x, before)


@pytest.mark.parametrize("impairment", ALL, ids=names)
def test_the_seed_decides_and_examples_differ(impairment):
    x = white(1, 500).repeat(2, 1)
    first, again = impairment(x, seeded(1)), impairment(x, seeded(1))
    assert torch.equal(first, again)
    assert not torch.equal(first, impairment(x, seeded(2)))
    if not isinstance(impairment, AutomaticGain):
        assert not torch.equal(first[0], first[1])


@pytest.mark.parametrize("impairment", ALL, ids=names)
def test_the_global_generator_is_left_alone(impairment):
    before = torch.random.get_rng_state()
    impairment(white(2, 100), seeded())
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize("impairment", ALL, ids=names)
def test_other_input_is_refused_in_one_line(impairment):
    for x in (torch.zeros(4, 2, 8), torch.zeros(4, 8), torch.zeros(8, dtype=torch.complex64)):
        with pytest.raises(HertzianError, match=r"complex samples \[batch, samples\]") as raised:
            impairment(x, seeded())
        assert "\n" not in str(raised.value)


def test_a_chain_applies_its_steps_in_order():
    x = white(2, 300)
    generator = seeded(3)
    expected = x
    for step in ALL:
        expected = step(expected, generator)
    assert torch.equal(Chain(ALL)(x, seeded(3)), expected)
    assert isinstance(Chain(ALL), Impairment)


def test_a_chain_of_nothing_is_the_identity():
    x = white(1, 10)
    assert torch.equal(Chain([])(x, seeded()), x)


def test_a_chain_keeps_its_own_copy_of_the_steps():
    steps = [CarrierPhase()]
    chain = Chain(steps)
    steps.append(WhiteNoise(0.0))
    assert chain.steps == (CarrierPhase(),)


def test_a_step_that_cannot_be_called_is_refused():
    with pytest.raises(ChannelError, match="callable"):
        Chain([CarrierPhase(), 3])
