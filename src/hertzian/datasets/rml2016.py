"""The RadioML sets of 2016: as published, defects and all, and corrected.

| | as published | corrected |
| --- | --- | --- |
| SNR label | noise deviation 10^(-label/10): about twice the label | total SNR of each window |
| constellations | PAM4 on +-1, +-3 and so on, against the same noise | unit mean power |
| channel | one course for every pass | a course of its own for each pass |
| AM-SSB | multiplied by zero: noise alone | the upper sideband |
| speech | one recording, mostly silent | a voice of its own for each pass |
| passes | begin with the empty filter | begin in the stream |
| 04C | windows overlap by half | windows lie apart |
"""

from dataclasses import replace

from hertzian.channel.gnuradio import DynamicChannel
from hertzian.datasets.making import (
    Synthetic,
    as_received,
    by_sum,
    labelled_noise,
    to_unit_power,
    true_noise,
)
from hertzian.datasets.passes import Passes, Streams
from hertzian.waveforms.gnuradio import (
    Broadcast,
    MostlySilent,
    PhaseModulated,
    Shaped,
    Transmitter,
    spoken,
)

CHANNEL_SEED = 6
"""The first seed of which the mean gain of the channel over 0.4 s lies between 4 and 5 dB."""

SILENT_SHARE = 0.63
"""Of a pass; 60% of the windows of WBFM are then silent throughout: a bare carrier."""

CHANNEL = DynamicChannel(
    sample_rate_hz=200e3,
    clock_std_hz=0.01,
    clock_limit_hz=50.0,
    carrier_std_hz=0.01,
    carrier_limit_hz=500.0,
    doppler_hz=1.0,
    rician_k=4.0,
    delays_samples=(0.0, 0.9, 1.7),
    magnitudes=(1.0, 0.8, 0.3),
    taps=8,
    sinusoids=8,
    rule="3.7",
)
"""Of all three sets; only 04C has limits of its own."""

_SPEECH = MostlySilent(share=SILENT_SHARE, seed=0)

TRANSMITTERS: dict[str, Transmitter] = {
    "BPSK": Shaped("BPSK", symbols=10_000),
    "QPSK": Shaped("QPSK", symbols=5000),
    "8PSK": Shaped("8PSK", symbols=3333),
    "PAM4": Shaped("4PAM", symbols=5000, amplitude=5**0.5),
    "QAM16": Shaped("16QAM", symbols=5000, amplitude=10**0.5),
    "QAM64": Shaped("64QAM", symbols=5000, amplitude=42**0.5),
    "GFSK": PhaseModulated("GFSK", symbols=10_000),
    "CPFSK": PhaseModulated("CPFSK", symbols=10_000),
    "WBFM": Broadcast("WBFM", _SPEECH),
    "AM-DSB": Broadcast("AM-DSB", _SPEECH),
    "AM-SSB": Broadcast("silence", _SPEECH),
}
"""By the name of the class; symbols of a pass."""

_CORRECTED: dict[str, Transmitter] = TRANSMITTERS | {
    "PAM4": Shaped("4PAM", symbols=5000),
    "QAM16": Shaped("16QAM", symbols=5000),
    "QAM64": Shaped("64QAM", symbols=5000),
    "WBFM": Broadcast("WBFM", spoken),
    "AM-DSB": Broadcast("AM-DSB", spoken),
    "AM-SSB": Broadcast("AM-SSB", spoken),
}

_COUNTS_04C = {
    **{"BPSK": 1248, "GFSK": 1248, "CPFSK": 1248, "WBFM": 779, "AM-DSB": 706, "AM-SSB": 706},
    **{"QPSK": 623, "PAM4": 623, "8PSK": 414, "QAM16": 311, "QAM64": 206},
}

PER_04C = _COUNTS_04C
"""Windows of each class at each label; the file itself holds nine fewer per label."""

_AS_PUBLISHED = Passes(TRANSMITTERS, CHANNEL, labelled_noise, channel_seed=CHANNEL_SEED)
_REPAIRED = Passes(
    _CORRECTED,
    replace(CHANNEL, rule="3.8"),
    true_noise,
    first=(800, 1200),
)

RML2016_10A = Synthetic("rml2016-10a", _AS_PUBLISHED, by_sum, shared_groups=True)
RML2016_10A_CORRECTED = Synthetic("rml2016-10a-corrected", _REPAIRED, to_unit_power)

RML2016_10B = Synthetic("rml2016-10b", _AS_PUBLISHED, by_sum, shared_groups=True)
RML2016_10B_CORRECTED = Synthetic("rml2016-10b-corrected", _REPAIRED, to_unit_power)

RML2016_04C = Synthetic(
    "rml2016-04c",
    Streams(
        TRANSMITTERS,
        _COUNTS_04C,
        replace(CHANNEL, clock_limit_hz=1000.0, carrier_limit_hz=1000.0),
        channel_seed=CHANNEL_SEED,
    ),
    as_received,
    shared_groups=True,
)
RML2016_04C_CORRECTED = Synthetic("rml2016-04c-corrected", _REPAIRED, to_unit_power)
