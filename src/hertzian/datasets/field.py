"""The `field` preset: recordings as they come off the air, with the truth about what is in them.

A recording is one receiver's band: several emitters that come and go at their own frequencies,
bandwidths and levels, each through its own transmitter and propagation, then one receiver with its
noise and faults. SNR is true and in-band: an emission's mean power while it is on, over the noise
within its 99% occupied bandwidth.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from numpy.random import Generator

from hertzian.channel import (
    AutomaticGain,
    CarrierDrift,
    CarrierPhase,
    Chain,
    DCOffset,
    Fading,
    FollowingGain,
    Impairment,
    IQImbalance,
    PhaseNoise,
    Quantisation,
    ReceiverFilter,
    add_noise,
)
from hertzian.datasets.cheap import cheaply_made
from hertzian.datasets.emitters import Emitter, draw_emitter
from hertzian.datasets.jobs import on_threads
from hertzian.datasets.outliers import HELD_BACK, TAUGHT, coloured_noise
from hertzian.datasets.protocols import PROTOCOLS, draw_protocol
from hertzian.datasets.scenes import Scene
from hertzian.signal import occupied_bandwidth

_PLACING_TRIES = 12
_OVERLOAD_STEPS = 15.0
_GUARD = 0.3
SILENCE = 8192
"""Samples without a signal after which a receiver takes what follows for another burst."""
_EDGE = 0.47
_SPECTRUM = 4096
_WHOLE = ("CSS", "LFM", "FMCW", "OFDM", "DSSS-BPSK", "DSSS-CCK", "DSSS-OQPSK", "PCW", "CW")
_FREE_RUNNING = ("OOK", "PPM", "4ASK", "PCW")


@dataclass(frozen=True)
class Emission:
    """The truth about one emission; frequencies in cycles per sample of the recording.

    `units` is the length of its longest burst in symbols, or what stands for them, see `Emitter`; a
    silence of `SILENCE` samples ends a burst. What is sent of a `protocol` has its true rates where
    the recording is sampled at `sample_rate_hz`; `shown` is then the 99% bandwidth of these very
    samples: speech fills little of the band that is set aside for it.
    """

    label: str
    start: int
    count: int
    center: float
    bandwidth: float
    snr_db: float
    units: float
    protocol: str | None = None
    sample_rate_hz: float | None = None
    shown: float | None = None

    @property
    def stop(self) -> int:
        """First sample after it."""
        return self.start + self.count


@dataclass(frozen=True)
class FieldRecording:
    """complex64 samples [n] and what was sent."""

    iq: npt.NDArray[np.complex64] = field(repr=False)
    emissions: tuple[Emission, ...]


@dataclass(frozen=True)
class _Burst:
    label: str
    x: torch.Tensor
    bandwidth: float
    unit_samples: float
    protocol: str | None = None
    sample_rate_hz: float | None = None


def _log_uniform(rng: Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _shifted(x: torch.Tensor, frequency: float) -> torch.Tensor:
    n = torch.arange(x.shape[-1], dtype=torch.float64)
    shift = torch.polar(torch.ones_like(n), 2 * torch.pi * ((frequency * n) % 1.0))
    return x * shift.to(torch.complex64)


def _burst(scene: Scene, longest: int, rng: Generator, draws: torch.Generator) -> _Burst:
    """Draw what is sent, complex64 [1, samples] of unit power while on."""
    kind = rng.random()
    bandwidth = _log_uniform(rng, *scene.bandwidth)
    if kind < scene.unknown + scene.noise:
        samples = int(min(longest, _log_uniform(rng, 200.0, 4000.0) / bandwidth))
        lot = HELD_BACK if scene.held_back else TAUGHT
        make = lot[str(rng.choice(list(lot)))] if kind < scene.unknown else coloured_noise
        label = "unknown" if kind < scene.unknown else "noise"
        return _Burst(
            label, make(bandwidth, samples, rng, draws)[None, :], bandwidth, 1 / bandwidth
        )
    if scene.protocols and rng.random() < scene.protocols:
        protocol = str(rng.choice(PROTOCOLS))
        heard = draw_protocol(protocol, rng).heard(bandwidth, narrowly=rng.random() < 0.5)
        return _sent(scene, longest, heard.emitter, rng, draws, protocol, heard.sample_rate_hz)
    label = str(rng.choice(scene.labels))
    return _sent(scene, longest, draw_emitter(label, bandwidth, rng, scene.style), rng, draws)


def _sent(
    scene: Scene,
    longest: int,
    emitter: Emitter,
    rng: Generator,
    draws: torch.Generator,
    protocol: str | None = None,
    sample_rate_hz: float | None = None,
) -> _Burst:
    """Draw how long an emitter sends, and let it."""
    label = emitter.waveform.label
    least = max(512.0, scene.units[0] * emitter.unit_samples)
    if label in _WHOLE:
        least = max(2048.0, scene.whole_units * emitter.unit_samples)
    most = max(least, scene.units[1] * emitter.unit_samples)
    samples = int(min(longest, _log_uniform(rng, least, most + 1)))
    if scene.filling and rng.random() < scene.filling:
        samples = longest
    x = _shifted(emitter.waveform.generate(1, samples, draws), -emitter.center)
    if scene.style == "cheap":
        x = cheaply_made(x, label, emitter.reference_bandwidth, rng)
    bandwidth, unit_samples = emitter.reference_bandwidth, emitter.unit_samples
    return _Burst(label, x, bandwidth, unit_samples, protocol, sample_rate_hz)


def shown_bandwidth(x: npt.NDArray[np.complex64]) -> float:
    """Return the 99% bandwidth of complex64 [n], in cycles per sample, by averaged spectra."""
    size = min(_SPECTRUM, x.size)
    rows = x[: x.size // size * size].reshape(-1, size) * np.hanning(size)
    density = np.fft.fftshift(np.mean(np.abs(np.fft.fft(rows, axis=1)) ** 2, axis=0))
    lower, upper = occupied_bandwidth(density, np.fft.fftshift(np.fft.fftfreq(size)))
    return upper - lower


def longest_burst(x: torch.Tensor) -> int:
    """Return the samples of the longest part of complex64 [n] without a silence of `SILENCE`."""
    on = torch.nonzero(x).flatten()
    if not len(on):
        return 0
    breaks = torch.nonzero(on.diff() > SILENCE).flatten() + 1
    parts = torch.tensor_split(on, breaks)
    return max(int(part[-1] - part[0]) + 1 for part in parts)


def _propagation(burst: _Burst, rng: Generator) -> Chain:
    """Draw the transmitter's and the path's faults, in proportion to the signal's bandwidth."""
    bandwidth, samples = burst.bandwidth, burst.x.shape[-1]
    # cheap keyed transmitters pull their oscillator; others are locked to a crystal
    keyed = burst.label in _FREE_RUNNING
    drift = float(rng.choice([0.0, 0.0, 0.05, 0.5 if keyed else 0.02])) * bandwidth / samples
    steps: list[Impairment] = [
        PhaseNoise(_log_uniform(rng, 1e-7, 1e-2 if keyed else 3e-4) * bandwidth),
        CarrierDrift(max_linear_cycles_per_sample2=drift),
        CarrierPhase(),
    ]
    doppler = _log_uniform(rng, 0.01, 2.0) / samples
    if rng.random() < 0.5:
        paths = int(rng.integers(1, 4))
        delays = np.concatenate([[0.0], rng.uniform(0.05, 0.4, paths) / bandwidth])
        powers = np.concatenate([[0.0], rng.uniform(-22.0, -6.0, paths)])
        steps.append(
            Fading(
                delays_samples=tuple(map(float, delays)),
                powers_db=tuple(map(float, powers)),
                doppler_cycles_per_sample=doppler,
                rician_k_db=float(rng.uniform(6.0, 20.0)),
            )
        )
    elif rng.random() < 0.3:
        steps.append(Fading(doppler_cycles_per_sample=doppler))
    return Chain(steps)


def _receiver(scene: Scene, power: float, rng: Generator) -> Chain:
    """Draw the receiver's faults; the noise has unit power, all together `power`."""
    steps: list[Impairment] = []
    if rng.random() < 0.15:
        steps.append(AutomaticGain(steps=float(rng.uniform(0.5, 3.0)), max_step_db=8.0))
    if rng.random() < 0.5:
        steps.append(IQImbalance(max_gain_db=0.5, max_phase_deg=3.0))
    if rng.random() < 0.5:
        steps.append(DCOffset(max_relative=0.1))
    bits = int(rng.choice([8, 8, 8, 12, 16]))
    # full scale is set by how many steps the noise spans: strong signals then clip by themselves
    coarse = 8.0 if scene.style == "plain" else _OVERLOAD_STEPS
    noise_steps = _log_uniform(rng, 0.7, coarse if bits == 8 else 100.0)
    full_scale = 2 ** (bits - 1) / (noise_steps * np.sqrt(2.0))
    headroom = float(20 * np.log10(full_scale) - 10 * np.log10(power))
    steps.append(Quantisation(bits=bits, headroom_db=(headroom, headroom)))
    return Chain(steps)


def _place(
    samples: int, burst: _Burst, taken: list[Emission], rng: Generator
) -> tuple[int, float] | None:
    """Draw a start and a centre frequency clear of the other emissions, if there is room."""
    half = burst.bandwidth / 2
    for _ in range(_PLACING_TRIES):
        reach = max(0.0, _EDGE - half)
        center = float(rng.uniform(-reach, reach))
        start = int(rng.integers(0, max(1, samples - burst.x.shape[-1] + 1)))
        stop = start + burst.x.shape[-1]
        guard = samples // 50
        clash = any(
            start < other.stop + guard
            and other.start < stop + guard
            and abs(center - other.center) < (half + other.bandwidth / 2) * (1 + _GUARD) + 0.01
            for other in taken
        )
        if not clash:
            return start, center
    return None


def _level(scene: Scene, rng: Generator) -> float:
    snr_db = float(rng.uniform(*scene.snr_db))
    return snr_db + (float(rng.uniform(0.0, 20.0)) if rng.random() < scene.loud else 0.0)


def add_emission(total: torch.Tensor, x: torch.Tensor, emission: Emission) -> None:
    """Add what was sent, complex64 [count], to a recording, complex64 [samples], where it belongs.

    Its level gives the emission's SNR over noise of unit power in the whole sampled band.
    """
    amplitude = float(np.sqrt(10 ** (emission.snr_db / 10) * emission.bandwidth))
    power = float(x.abs().square().mean())
    place = slice(emission.start, emission.stop)
    total[place] += _shifted(x, emission.center) * amplitude / power**0.5


@on_threads(1)
def field_recording(seed: int, index: int, scene: Scene | None = None) -> FieldRecording:
    """Return recording number `index` of a seed; the two determine every byte of it."""
    scene = scene or Scene()
    rng = np.random.default_rng([seed, index])
    draws = torch.Generator().manual_seed(int(rng.integers(2**62)))
    samples = int(rng.integers(scene.samples[0], scene.samples[1] + 1))
    total = torch.zeros(samples, dtype=torch.complex64)
    emissions: list[Emission] = []
    for _ in range(int(rng.integers(scene.emitters[0], scene.emitters[1] + 1))):
        burst = _burst(scene, samples, rng, draws)
        place = _place(samples, burst, emissions, rng)
        if place is None:
            continue
        start, center = place
        x = _propagation(burst, rng)(burst.x, draws)[0]
        snr_db = _level(scene, rng)
        count = x.shape[-1]
        units = longest_burst(burst.x[0]) / burst.unit_samples
        emission = Emission(
            label=burst.label,
            start=start,
            count=count,
            center=center,
            bandwidth=burst.bandwidth,
            snr_db=snr_db,
            units=units,
            protocol=burst.protocol,
            sample_rate_hz=burst.sample_rate_hz,
            shown=shown_bandwidth(burst.x[0].numpy()) if burst.protocol else None,
        )
        add_emission(total, x, emission)
        emissions.append(emission)
    received = add_noise(total[None, :], 1.0, draws)
    if rng.random() < scene.rolled_off:
        received = ReceiverFilter((0.75, 0.98), float(rng.uniform(3.0, 40.0)))(received, draws)
    if scene.style == "cheap" and rng.random() < 0.5:
        window = _log_uniform(rng, 30.0, 3000.0)
        received = FollowingGain(float(rng.uniform(0.3, 0.9)), window)(received, draws)
    power = float(received.abs().square().mean())
    iq = _receiver(scene, power, rng)(received, draws)[0].numpy()
    return FieldRecording(np.ascontiguousarray(iq), tuple(emissions))
