"""The band of the demonstration: ten transmitters that come and go, the same ones every time."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from hertzian.channel import CarrierPhase, Chain, DCOffset, IQImbalance, PhaseNoise, add_noise
from hertzian.datasets.field import Emission, FieldRecording, add_emission
from hertzian.datasets.truth import write_truth
from hertzian.waveforms import Waveform, make

SAMPLE_RATE_HZ = 2e6
CENTER_FREQUENCY_HZ = 433.92e6
SECONDS = 3.0

_SEED = 2024
_NOISE_AMPLITUDE = 4 / 127.5  # four steps of an 8-bit receiver
_LINEWIDTH = 1e-6  # of the oscillators, in bandwidths


@dataclass(frozen=True)
class Sender:
    """A transmitter.

    Attributes:
        what: what people would call it.
        waveform: what it sends.
        unit_hz: its symbol rate, or what stands for one.
        center_hz: offset from the band's centre.
        start_s, seconds: when it is on the air.
        snr_db: in-band SNR.
    """

    what: str
    waveform: Waveform
    unit_hz: float
    center_hz: float
    start_s: float
    seconds: float
    snr_db: float


def _samples(unit_hz: float) -> float:
    return SAMPLE_RATE_HZ / unit_hz


def _share(bandwidth_hz: float) -> float:
    return bandwidth_hz / SAMPLE_RATE_HZ


SENDERS: tuple[Sender, ...] = (
    Sender(
        "garage door opener",
        make("OOK", samples_per_symbol=_samples(4e3), coding="pwm", rise_share=0.2),
        unit_hz=4e3,
        center_hz=-905e3,
        start_s=0.22,
        seconds=0.45,
        snr_db=25.0,
    ),
    Sender(
        "temperature sensor",
        make("2FSK", samples_per_symbol=_samples(20e3), modulation_index=2.0),
        unit_hz=20e3,
        center_hz=-190e3,
        start_s=0.35,
        seconds=0.30,
        snr_db=22.0,
    ),
    Sender(
        "satellite downlink",
        make("QPSK", samples_per_symbol=_samples(80e3), roll_off=0.35),
        unit_hz=80e3,
        center_hz=-560e3,
        start_s=0.50,
        seconds=0.70,
        snr_db=20.0,
    ),
    Sender(
        "microwave link",
        make("16QAM", samples_per_symbol=_samples(120e3), roll_off=0.25),
        unit_hz=120e3,
        center_hz=-750e3,
        start_s=1.10,
        seconds=0.80,
        snr_db=25.0,
    ),
    Sender(
        "digital television",
        make(
            "OFDM",
            fft_size=128,
            occupied_subcarriers=100,
            cyclic_prefix=1 / 8,
            alphabet="QPSK",
            oversampling=SAMPLE_RATE_HZ / (128 * 4e3),
        ),
        unit_hz=4e3,
        center_hz=640e3,
        start_s=0.80,
        seconds=1.20,
        snr_db=18.0,
    ),
    Sender(
        "smart meter",
        make("CSS", bandwidth=_share(125e3), spreading_factor=8),
        unit_hz=125e3 / 2**8,
        center_hz=-340e3,
        start_s=1.40,
        seconds=0.90,
        snr_db=15.0,
    ),
    Sender(
        "walkie-talkie",
        make("NBFM", message_bandwidth=_share(4e3), deviation=_share(5e3)),
        unit_hz=4e3,
        center_hz=330e3,
        start_s=0.15,
        seconds=1.90,
        snr_db=25.0,
    ),
    Sender(
        "aircraft radio",
        make("AM-DSB", message_bandwidth=_share(5e3), modulation_index=0.8),
        unit_hz=5e3,
        center_hz=375e3,
        start_s=0.60,
        seconds=2.10,
        snr_db=28.0,
    ),
    Sender(
        "radar",
        make("LFM", bandwidth=_share(200e3), pulse_samples=_samples(2e3)),
        unit_hz=2e3,
        center_hz=140e3,
        start_s=1.70,
        seconds=0.50,
        snr_db=20.0,
    ),
    Sender(
        "telemetry, spread",
        make("DSSS-BPSK", samples_per_chip=_samples(200e3), code="m31", roll_off=0.35),
        unit_hz=200e3 / 31,
        center_hz=-650e3,
        start_s=2.15,
        seconds=0.60,
        snr_db=20.0,
    ),
)
"""Everything in the band; no two overlap in time and frequency."""


def demo_recording() -> FieldRecording:
    """Return the band as an 8-bit receiver hears it; its emissions are in the order of `SENDERS`.

    complex64 [samples] with a full scale of one; the noise has a standard deviation of four steps.
    """
    draws = torch.Generator().manual_seed(_SEED)
    total = torch.zeros(round(SECONDS * SAMPLE_RATE_HZ), dtype=torch.complex64)
    emissions = []
    for sender in SENDERS:
        emission = _emission(sender)
        x = sender.waveform.generate(1, emission.count, draws)
        oscillator = Chain([PhaseNoise(_LINEWIDTH * emission.bandwidth), CarrierPhase()])
        add_emission(total, oscillator(x, draws)[0], emission)
        emissions.append(emission)
    receiver = Chain([IQImbalance(max_gain_db=0.2, max_phase_deg=1.0), DCOffset(max_relative=0.05)])
    iq = receiver(add_noise(total[None, :], 1.0, draws), draws)[0].numpy() * _NOISE_AMPLITUDE
    return FieldRecording(np.ascontiguousarray(iq, dtype=np.complex64), tuple(emissions))


def write_demo(path: Path) -> tuple[Emission, ...]:
    """Write the band as a SigMF pair with its truth as annotations; return the truth.

    Raises:
        RecordingError: it cannot be written.
    """
    recording = demo_recording()
    write_truth(
        path,
        recording,
        sample_rate_hz=SAMPLE_RATE_HZ,
        center_frequency_hz=CENTER_FREQUENCY_HZ,
        datatype="cu8",
        description="Synthetic: " + ", ".join(sender.what for sender in SENDERS),
    )
    return recording.emissions


def _emission(sender: Sender) -> Emission:
    return Emission(
        label=sender.waveform.label,
        start=round(sender.start_s * SAMPLE_RATE_HZ),
        count=round(sender.seconds * SAMPLE_RATE_HZ),
        center=sender.center_hz / SAMPLE_RATE_HZ,
        bandwidth=sender.waveform.occupied_bandwidth,
        snr_db=sender.snr_db,
        units=sender.seconds * sender.unit_hz,
    )
