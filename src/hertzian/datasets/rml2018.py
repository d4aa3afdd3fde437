"""A set like RML2018.01A, from the paper that came with it: its generator was never published.

RRC pulses of roll-off 0.1 to 0.4 at 8 samples per symbol, uniform timing and phase, a carrier
offset of 1e-4 of the rate, Rayleigh taps of delay spread 0.5, 1, 2 or 4 samples, and white noise
of a true Es/N0 (O'Shea, Roy and Clancy 2018, table I and section IV).
"""

import torch
from torch import Tensor

from hertzian.channel import CarrierOffset, CarrierPhase, Fading
from hertzian.datasets.drawn import Draw, Drawn, Sender, Sending, between
from hertzian.datasets.making import Synthetic, to_unit_power, true_noise
from hertzian.datasets.published import RML2018_01A
from hertzian.signal import family_of
from hertzian.waveforms import make

_SAMPLES_PER_SYMBOL = 8.0
_PER_SYMBOL_DB = 9.03  # 8 samples hold the energy of a symbol
_SPREADS = (0.5, 1.0, 2.0, 4.0)
_TAPS = 16


def _shaped(label: str) -> Draw:
    """Return a linear modulation, amplitude keying included, of random roll-off."""

    def draw(generator: torch.Generator) -> Sender:
        roll_off = round(between(0.1, 0.4, generator), 2)
        return make(label, samples_per_symbol=_SAMPLES_PER_SYMBOL, pulse="rrc", roll_off=roll_off)

    return draw


def _drawn(label: str) -> Draw:
    family = family_of(label)
    if family == "am":
        return lambda generator: make(label, message_bandwidth=between(0.03, 0.06, generator))
    if family == "fm":
        return lambda generator: make(
            "WBFM", message_bandwidth=0.02, deviation=between(0.05, 0.1, generator)
        )
    if family == "fsk":
        return lambda generator: make(label, samples_per_symbol=_SAMPLES_PER_SYMBOL)
    return _shaped(label)


def _channel(x: Tensor, snr_db: float, generator: torch.Generator) -> Tensor:
    """Rayleigh taps of exponential profile, one delay spread for eight windows."""
    received = []
    for piece in torch.split(x, 8):
        spread = _SPREADS[int(torch.randint(len(_SPREADS), (1,), generator=generator))]
        delays = tuple(float(tap) for tap in range(_TAPS))
        # of an exponential profile the delay spread is its time constant
        powers_db = tuple(-4.343 * delay / spread for delay in delays)
        received.append(Fading(delays, powers_db)(piece, generator))
    offset = CarrierOffset(std_cycles_per_sample=1e-4)
    return CarrierPhase()(offset(torch.cat(received), generator), generator)


RML2018_01A_LIKE = Synthetic(
    "rml2018-01a-like",
    Drawn(
        sending=Sending({kind: _drawn(kind.modulation) for kind in RML2018_01A.kinds}),
        channel=_channel,
        noise=lambda x, snr_db, generator: true_noise(x, snr_db - _PER_SYMBOL_DB, generator),
        samples=RML2018_01A.samples,
        run_in=_TAPS,
    ),
    to_unit_power,
)
