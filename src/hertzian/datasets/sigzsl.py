"""The set of the zero-shot paper: seven linear modulations in white noise of a true SNR."""

from hertzian.channel import Chain
from hertzian.datasets.drawn import Draw, Drawn, Sending, at_every_snr
from hertzian.datasets.making import Synthetic, as_received, true_noise
from hertzian.datasets.published import SIGZSL
from hertzian.waveforms import make


def _drawn(label: str) -> Draw:
    # 2ASK keys on and off, since bipolar it would be BPSK; 4ASK is unipolar
    return lambda generator: make(
        label, samples_per_symbol=8.0, pulse="rrc", roll_off=0.35, timing=0.0
    )


SIGZSL_7 = Synthetic(
    "sigzsl-7",
    Drawn(
        sending=Sending({kind: _drawn(kind.modulation) for kind in SIGZSL.kinds}),
        channel=at_every_snr(Chain(())),
        noise=true_noise,
        samples=SIGZSL.samples,
    ),
    as_received,
)
"""Pulses of the root-raised cosine as in common MATLAB use, aligned with the window, no offsets."""
