"""Impairments of the channel and the receiver, batched, one callable each."""

from hertzian.channel.carrier import CarrierDrift, CarrierOffset, CarrierPhase, PhaseNoise
from hertzian.channel.chain import Chain, Impairment
from hertzian.channel.fading import Fading, line_of_sight, rayleigh_gains, tapped_delay_line
from hertzian.channel.neighbours import Neighbours, Source
from hertzian.channel.noise import WhiteNoise, add_noise, measured_power
from hertzian.channel.parameters import ChannelError
from hertzian.channel.receiver import (
    AutomaticGain,
    DCOffset,
    FollowingGain,
    IQImbalance,
    Quantisation,
    ReceiverFilter,
    image_rejection_db,
)
from hertzian.channel.timing import SampleRateOffset, TimingOffset

__all__ = [
    "AutomaticGain",
    "CarrierDrift",
    "CarrierOffset",
    "CarrierPhase",
    "Chain",
    "ChannelError",
    "DCOffset",
    "Fading",
    "FollowingGain",
    "IQImbalance",
    "Impairment",
    "Neighbours",
    "PhaseNoise",
    "Quantisation",
    "ReceiverFilter",
    "SampleRateOffset",
    "Source",
    "TimingOffset",
    "WhiteNoise",
    "add_noise",
    "image_rejection_db",
    "line_of_sight",
    "measured_power",
    "rayleigh_gains",
    "tapped_delay_line",
]
