"""What analog transmitters say: tones, noise, speech, music, stereo multiplex and video lines.

Durations are tied to the bandwidth W by the audio or video signal that would fill it: a voice
message of W cycles per sample is what 3.4 kHz of speech looks like at 3400 / W samples per second.
"""

from collections.abc import Callable
from math import ceil

import torch

from hertzian.waveforms.base import require, sample_times, uniform

_VOICE_HZ = 3400.0
_MUSIC_HZ = 15000.0
_STEREO_HZ = 53000.0
_VIDEO_HZ = 4.2e6


def _wander(
    batch: int, samples: int, period_samples: float, generator: torch.Generator
) -> torch.Tensor:
    """Draw a slow Gaussian process of unit variance at its knots, float32 [batch, samples]."""
    device = generator.device
    knots = ceil(samples / period_samples) + 2
    values = torch.randn(batch, knots, generator=generator, device=device)
    place = uniform(batch, generator) + sample_times(samples, generator) / period_samples
    before = torch.floor(place)
    share = (place - before).to(torch.float32)
    # a cubic step from knot to knot: as smooth as what it stands for
    share = share * share * (3 - 2 * share)
    index = before.to(torch.int64)
    return values.gather(1, index) * (1 - share) + values.gather(1, index + 1) * share


def _limit(
    x: torch.Tensor, lower: float, upper: float, gain: torch.Tensor | None = None
) -> torch.Tensor:
    """Keep lower <= |f| <= upper of real [batch, samples]; `gain` [batch, bins] multiplies."""
    samples = x.shape[-1]
    frequencies = torch.fft.rfftfreq(samples, device=x.device)
    kept = (frequencies >= lower) & (frequencies <= upper)
    if not bool(kept.any()):
        # a window shorter than a period of the message holds its slowest part only
        kept = torch.arange(frequencies.numel(), device=x.device) == min(1, frequencies.numel() - 1)
    spectrum = torch.fft.rfft(x) * (kept if gain is None else kept * gain)
    limited: torch.Tensor = torch.fft.irfft(spectrum, n=samples)
    return limited


def _levelled(
    x: torch.Tensor, lower: float, upper: float, gain: torch.Tensor | None = None
) -> torch.Tensor:
    """Limit the band, then the peaks as a transmitter's audio processor does, then the band."""
    x = _limit(x, lower, upper, gain)
    rms = x.square().mean(dim=1, keepdim=True).sqrt().clamp(min=1e-20)
    return _limit(torch.tanh(x / (1.5 * rms)), lower, upper)


def _formants(
    batch: int, samples: int, bandwidth: float, generator: torch.Generator
) -> torch.Tensor:
    """Draw a spectral envelope of three resonances, float32 [batch, bins]."""
    relative = torch.fft.rfftfreq(samples, device=generator.device) / bandwidth
    envelope = torch.zeros(batch, relative.numel(), device=generator.device)
    for middle, spread, width in ((0.16, 0.1, 0.05), (0.42, 0.3, 0.08), (0.75, 0.3, 0.1)):
        center = middle + spread * (uniform(batch, generator) - 0.5)
        level = (middle / 0.16) ** -0.8
        envelope += (level / (1 + ((relative - center) / width) ** 2)).to(torch.float32)
    return envelope


def _speech(batch: int, samples: int, bandwidth: float, generator: torch.Generator) -> torch.Tensor:
    per_second = _VOICE_HZ / bandwidth
    pitch_hz = 100 * 2 ** (1.2 * uniform(batch, generator))
    sway = 2 ** (0.15 * _wander(batch, samples, 0.15 * per_second, generator))
    cycles = torch.cumsum(pitch_hz / per_second * sway, dim=1)
    angle = 2 * torch.pi * (cycles + uniform(batch, generator)).frac().to(torch.float32)
    # a train of glottal pulses: harmonics that fall off as the Bessel functions I_k(12)
    voiced = torch.exp(12 * (torch.cos(angle) - 1))
    hiss = 0.2 * torch.randn(voiced.shape, generator=generator, device=generator.device)
    share = torch.sigmoid(4 * _wander(batch, samples, 0.12 * per_second, generator) + 3)
    syllables = torch.sigmoid(5 * _wander(batch, samples, 0.1 * per_second, generator) + 2)
    pauses = torch.sigmoid(8 * _wander(batch, samples, 0.5 * per_second, generator) + 6)
    envelope = syllables * pauses + 0.01
    source = envelope * (share * voiced + (1 - share) * hiss)
    gain = _formants(batch, samples, bandwidth, generator)
    return _levelled(source, bandwidth * 100 / _VOICE_HZ, bandwidth, gain)


def _music(batch: int, samples: int, bandwidth: float, generator: torch.Generator) -> torch.Tensor:
    per_second = _MUSIC_HZ / bandwidth
    total = torch.zeros(batch, samples, dtype=torch.float32, device=generator.device)
    for _ in range(4):
        # a new note of the chromatic scale about every 0.3 s, struck and fading
        place = sample_times(samples, generator) / (0.3 * per_second) + uniform(batch, generator)
        note = torch.floor(place)
        keys = (36 * uniform(batch * (int(note.max()) + 1), generator)).floor().view(batch, -1)
        pitch_hz = 110 * 2 ** (keys.gather(1, note.to(torch.int64)) / 12)
        cycles = torch.cumsum(pitch_hz / per_second, dim=1) + uniform(batch, generator)
        angle = 2 * torch.pi * cycles.frac().to(torch.float32)
        fading = torch.exp(-2 * (place - note)).to(torch.float32)
        total += fading * (torch.exp(5 * (torch.cos(angle) - 1)) - 0.18)
    beat = torch.sigmoid(6 * _wander(batch, samples, 0.05 * per_second, generator) - 6)
    noise = torch.randn(total.shape, generator=generator, device=generator.device)
    return _levelled(total + beat * noise, bandwidth * 40 / _MUSIC_HZ, bandwidth)


def _noise(batch: int, samples: int, bandwidth: float, generator: torch.Generator) -> torch.Tensor:
    white = torch.randn(batch, samples, generator=generator, device=generator.device)
    return _limit(white, 0.02 * bandwidth, bandwidth)


def _tone(batch: int, samples: int, bandwidth: float, generator: torch.Generator) -> torch.Tensor:
    cycles = bandwidth * sample_times(samples, generator) + uniform(batch, generator)
    return torch.cos(2 * torch.pi * cycles.frac()).to(torch.float32)


def _pre_emphasised(x: torch.Tensor, bandwidth: float) -> torch.Tensor:
    """Raise the treble as 1 + j f / f_c, f_c = 2.12 kHz (75 us) of 15 kHz."""
    samples = x.shape[-1]
    # mirrored at its ends: the step from the last sample to the first would outdo all of the rest
    mirrored = torch.cat([x, x.flip(-1)], dim=-1)
    frequencies = torch.fft.rfftfreq(2 * samples, device=x.device)
    gain = 1 + 1j * frequencies / (bandwidth * 2122 / _MUSIC_HZ)
    raised: torch.Tensor = torch.fft.irfft(torch.fft.rfft(mirrored) * gain, n=2 * samples)
    return raised[..., :samples]


def _stereo(batch: int, samples: int, bandwidth: float, generator: torch.Generator) -> torch.Tensor:
    """FM stereo multiplex (ITU-R BS.450-3): sum, 19 kHz pilot of 9%, difference on 38 kHz."""
    audio = bandwidth * _MUSIC_HZ / _STEREO_HZ
    both = _music(2 * batch, samples, audio, generator)
    both = _to_peak(_pre_emphasised(both, audio)).view(2, batch, samples)
    pilot = sample_times(samples, generator) * (bandwidth * 19000 / _STEREO_HZ)
    pilot = pilot + uniform(batch, generator)
    sine = torch.sin(2 * torch.pi * pilot.frac()).to(torch.float32)
    twice = torch.sin(4 * torch.pi * pilot.frac()).to(torch.float32)
    total, difference = (both[0] + both[1]) / 2, (both[0] - both[1]) / 2
    return 0.91 * 0.5 * (total + difference * twice) + 0.09 * sine


def _video(batch: int, samples: int, bandwidth: float, generator: torch.Generator) -> torch.Tensor:
    """Composite video (ITU-R BT.1700, 525 lines): sync tip -40, black 0, white 100, burst."""
    device = generator.device
    per_us = _VIDEO_HZ / 1e6 / bandwidth
    t = sample_times(samples, generator) / (63.556 * per_us) + uniform(batch, generator)
    line = torch.floor(t)
    within_us = (t - line) * 63.556
    lines, cells = int(line.max()) + 1, 24
    new = torch.randn(batch, lines, cells, generator=generator, device=device)
    # neighbouring lines show nearly the same: average a picture over a few of them
    picture = torch.nn.functional.avg_pool1d(
        new.transpose(1, 2), 5, stride=1, padding=2, count_include_pad=False
    ).transpose(1, 2)
    column = ((within_us - 9.4) / 52.7 * (cells - 1)).clamp(0, cells - 1.001)
    left = torch.floor(column)
    index = line.to(torch.int64) * cells + left.to(torch.int64)
    flat = picture.reshape(batch, -1)
    share = (column - left).to(torch.float32)
    luma = flat.gather(1, index) * (1 - share) + flat.gather(1, index + 1) * share
    detail = torch.randn(batch, samples, generator=generator, device=device)
    luma = torch.sigmoid(3 * luma + 0.3 * detail)
    color = torch.remainder(t * 227.5, 1.0).to(torch.float32)
    chroma = torch.cos(2 * torch.pi * (color + torch.sigmoid(4 * flat.gather(1, index))))
    active = (within_us >= 9.4) & (within_us < 62.1)
    burst = (within_us >= 5.3) & (within_us < 7.8)
    level = torch.where(active, 0.85 * luma + 0.1 * chroma, 0.0)
    level = torch.where(burst, 0.2 * torch.cos(2 * torch.pi * color), level)
    return _limit(torch.where(within_us < 4.7, -0.4, level) - 0.3, 0.0, bandwidth)


def _to_peak(x: torch.Tensor) -> torch.Tensor:
    return x / x.abs().amax(dim=-1, keepdim=True).clamp(min=1e-20)


_SOURCES: dict[str, Callable[[int, int, float, torch.Generator], torch.Tensor]] = {
    "speech": _speech,
    "music": _music,
    "noise": _noise,
    "tone": _tone,
    "stereo": _stereo,
    "video": _video,
}

MESSAGES: tuple[str, ...] = tuple(_SOURCES)
"""Names of the message sources."""


def message(
    kind: str,
    batch: int,
    samples: int,
    bandwidth: float,
    generator: torch.Generator,
    pre_emphasis: bool = False,
) -> torch.Tensor:
    """Return a real message, float32 [batch, samples], limited to `bandwidth` cycles per sample.

    Every example's peak magnitude within the window is one, in a pause between words too: then it
    is the pause's faint background that is heard. A "tone" is at the bandwidth itself.
    `pre_emphasis` raises the treble by 6 dB per octave above a seventh of the bandwidth.

    Raises:
        WaveformError: no such source, or the bandwidth is not from 0 to 0.5.
    """
    require(kind in _SOURCES, f"unknown message {kind!r}; known are {', '.join(MESSAGES)}")
    require(0 < bandwidth <= 0.5, f"message bandwidth is from 0 to 0.5, not {bandwidth}")
    raw = _SOURCES[kind](batch, samples, bandwidth, generator)
    return _to_peak(_pre_emphasised(raw, bandwidth) if pre_emphasis else raw)


def speech_like(
    batch: int, samples: int, bandwidth_cycles_per_sample: float, generator: torch.Generator
) -> torch.Tensor:
    """Return synthetic speech, float32 [batch, samples], peak one: see `message`.

    Glottal pulses at a wandering pitch of 100 to 230 Hz and hiss by turns, under three formants,
    syllables of about 5 Hz and pauses, all relative to a voice bandwidth of 3.4 kHz.
    """
    return message("speech", batch, samples, bandwidth_cycles_per_sample, generator)
