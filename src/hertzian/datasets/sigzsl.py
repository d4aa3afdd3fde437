"""The zero-shot paper's set, and all linear modulations likewise, in white noise of a true SNR."""

from hertzian.channel import Chain
from hertzian.datasets.drawn import Draw, Drawn, Sending, at_every_snr
from hertzian.datasets.keyed import Keyed
from hertzian.datasets.making import Synthetic, as_received, true_noise
from hertzian.datasets.published import SIGZSL, Kind
from hertzian.waveforms import AmplitudeKeying, Linear, make

KEYED = Keyed(samples_per_symbol=8, by_window=True)


def _drawn(label: str) -> Draw:
    # 2ASK keys on and off, since bipolar it would be BPSK; 4ASK is unipolar
    return lambda generator: make(
        label,
        samples_per_symbol=float(KEYED.samples_per_symbol),
        pulse="rrc",
        roll_off=KEYED.roll_off,
        timing=0.0,
    )


def _made(name: str, kinds: tuple[Kind, ...]) -> Synthetic:
    drawn = Drawn(
        sending=Sending({kind: _drawn(kind.modulation) for kind in kinds}),
        channel=at_every_snr(Chain(())),
        noise=true_noise,
        samples=SIGZSL.samples,
    )
    return Synthetic(name, drawn, as_received)


SIGZSL_7 = _made("sigzsl-7", SIGZSL.kinds)
"""Pulses of the root-raised cosine as in common MATLAB use, aligned with the window, no offsets."""

LINEAR_KINDS = tuple(map(Kind, (*Linear.labels, *AmplitudeKeying.labels)))
LINEAR = _made("linear", LINEAR_KINDS)
"""The same of every modulation with a symbol alphabet, for leaving one out."""
