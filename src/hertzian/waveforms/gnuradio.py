"""The transmitters of GNU Radio's flowgraphs behind the RadioML sets, cut anywhere out of a pass.

A pass is one run of a flowgraph. Windows of it hold data of their own: two of them share no symbol,
as windows that lie apart don't. Eight samples per symbol, so that shaping is a product of symbols
with one banded matrix (Toeplitz) instead of a sum over taps.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import pi
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from scipy.fft import next_fast_len
from scipy.ndimage import gaussian_filter1d
from torch import Tensor

from hertzian.signal import canonical
from hertzian.waveforms.base import draw_indices, require, rotate
from hertzian.waveforms.fsk import FrequencyShiftKeying
from hertzian.waveforms.linear import Linear, alphabet
from hertzian.waveforms.messages import speech_like
from hertzian.waveforms.pulses import root_raised_cosine

SAMPLES_PER_SYMBOL = 8
_SPAN = 88  # symbols that the root-raised-cosine filter of the flowgraphs is long
_ROLL_OFF = 0.35
_FOLD = 32  # symbols at once where a stream is long: the band then fills most of its matrix
_BT = 0.35
_GAUSSIAN_SYMBOLS = 4
_GFSK_SENSITIVITY = 0.1  # radians per sample
_CPFSK_INDEX = 0.5

AUDIO_RATE_HZ = 44_100.0
AUDIO_SAMPLES = 10_000
"""Audio of one pass, 0.23 s."""

_VOICE_HZ = 3400.0
_LOWEST_SOUND_HZ = 300.0
_RISE = 0.2  # of a sound, in standard deviations of what it comes and goes by
_FM_INTERPOLATION = 5
_FM_DEVIATION_HZ = 75e3
_AM_RATE_HZ = 200e3
_RATIOS = {"WBFM": (_FM_INTERPOLATION, 1), "AM-DSB": (2000, 441), "AM-SSB": (2000, 441)}

Reader = Callable[[Tensor, Tensor, int], Tensor]
"""(which pass int64 [n], first sample int64 [n], length) -> complex64 [n, length]."""


class Transmitter(Protocol):
    """What sends one class of a set."""

    @property
    def samples(self) -> int:
        """Samples of a pass."""
        ...

    @property
    def occupied_bandwidth(self) -> float | None:
        """Of 99% of the power, cycles per sample; None where it comes and goes with the speech."""
        ...

    @property
    def symbol_rate(self) -> float | None:
        """Symbols per sample; None of what has none."""
        ...

    def begin(self, passes: int, generator: torch.Generator) -> Reader:
        """Begin so many passes and return what reads samples of them; each reading is anew."""
        ...


@dataclass(frozen=True)
class Shaped:
    """A linear modulation on a root-raised cosine of roll-off 0.35, 8 samples per symbol.

    Attributes:
        label: the alphabet, of unit mean power.
        symbols: of a pass.
        amplitude: factor of the alphabet.
    """

    label: str
    symbols: int
    amplitude: float = 1.0

    @property
    def samples(self) -> int:
        """Samples of a pass."""
        return self.symbols * SAMPLES_PER_SYMBOL

    @property
    def occupied_bandwidth(self) -> float:
        """99% of the spectrum of endless data."""
        return Linear(self.label, SAMPLES_PER_SYMBOL, _ROLL_OFF, _SPAN).occupied_bandwidth

    @property
    def symbol_rate(self) -> float:
        """Symbols per sample."""
        return 1 / SAMPLES_PER_SYMBOL

    def begin(self, passes: int, generator: torch.Generator) -> Reader:
        """Return what reads windows with symbols of their own."""
        points = self.amplitude * alphabet(canonical(self.label)).to(generator.device)
        axes = torch.view_as_real(points).T.contiguous()

        def read(which: Tensor, first: Tensor, length: int) -> Tensor:
            count = _symbols_needed(length)
            chosen = draw_indices(len(points), len(first), count + _SPAN - 1, generator)
            # the filter is empty when a pass begins, and fills in its first 88 symbols
            begun = _numbers(first, count) >= 0
            parts = axes.index_select(1, chosen.view(-1)).view(2, *chosen.shape) * begun
            in_phase, quadrature = _shaped(parts.flatten(0, 1), "rrc").view(2, len(first), -1)
            return _cut(torch.complex(in_phase, quadrature), first, length)

        return read


@dataclass(frozen=True)
class PhaseModulated:
    """Binary frequency keying of constant envelope, 8 samples per symbol.

    CPFSK: rectangular, h = 0.5. GFSK: Gaussian of BT 0.35, 0.1 rad per sample, so h = 0.255.

    Attributes:
        label: CPFSK or GFSK.
        symbols: of a pass.
    """

    label: str
    symbols: int

    @property
    def samples(self) -> int:
        """Samples of a pass."""
        return self.symbols * SAMPLES_PER_SYMBOL

    @property
    def _keying(self) -> FrequencyShiftKeying:
        kind = canonical(self.label)
        require(kind in ("GFSK", "CPFSK"), f"constant envelopes are GFSK and CPFSK, not {kind}")
        index, bt = _CPFSK_INDEX, None
        if kind == "GFSK":
            index, bt = _GFSK_SENSITIVITY * SAMPLES_PER_SYMBOL / pi, _BT
        return FrequencyShiftKeying(kind, SAMPLES_PER_SYMBOL, index, bt)

    @property
    def occupied_bandwidth(self) -> float:
        """99% of the spectrum of endless data."""
        return self._keying.occupied_bandwidth

    @property
    def symbol_rate(self) -> float:
        """Symbols per sample."""
        return 1 / SAMPLES_PER_SYMBOL

    def begin(self, passes: int, generator: torch.Generator) -> Reader:
        """Return what reads windows with bits of their own."""
        keying = self._keying
        kind, step = keying.label, keying.index / (2 * SAMPLES_PER_SYMBOL)
        span = _filter_of(kind).shape[0]

        def read(which: Tensor, first: Tensor, length: int) -> Tensor:
            count = _symbols_needed(length)
            bits = 2.0 * draw_indices(2, len(first), count + span - 1, generator) - 1
            turns = _cut(torch.cumsum(_shaped(bits, kind).double(), dim=1), first, length)
            symbols = torch.div(first, SAMPLES_PER_SYMBOL, rounding_mode="floor").clamp(min=0)
            before = _earlier_turns(symbols, generator)[:, None] * SAMPLES_PER_SYMBOL
            return rotate(step * (before + turns))

        return read


def _earlier_turns(symbols: Tensor, generator: torch.Generator) -> Tensor:
    """Draw the sum of so many random signs, float64 [n]: of a normal law, rounded to its parity."""
    spread = torch.randn(symbols.shape, generator=generator, device=generator.device).double()
    ones = torch.round(symbols / 2 + spread * torch.sqrt(symbols / 4.0))
    return 2 * ones - symbols


@dataclass(frozen=True)
class Broadcast:
    """An analog transmitter that sends 0.23 s of speech in each pass.

    Attributes:
        label: WBFM (75 kHz of deviation at 220.5 kHz), AM-DSB (1 + x at 200 kHz), AM-SSB (the upper
            sideband alone, at 200 kHz) or "silence": the AM-SSB of the published sets, whose
            carrier of 0 Hz multiplies everything by zero.
        audio: (passes, generator) -> float32 [passes, `AUDIO_SAMPLES`], at most 0.5; where it gives
            one row, every pass sends it.
    """

    label: str
    audio: Callable[[int, torch.Generator], Tensor]

    @property
    def samples(self) -> int:
        """Samples of a pass."""
        if self.label == "WBFM":
            return AUDIO_SAMPLES * _FM_INTERPOLATION
        return int(AUDIO_SAMPLES * _AM_RATE_HZ / AUDIO_RATE_HZ)

    @property
    def occupied_bandwidth(self) -> None:
        """Comes and goes with the speech."""
        return None

    @property
    def symbol_rate(self) -> None:
        """There are no symbols."""
        return None

    def begin(self, passes: int, generator: torch.Generator) -> Reader:
        """Send the audio, and return what reads windows of it."""
        if self.label == "silence":
            sent = torch.zeros(1, self.samples, dtype=torch.complex64)
        elif isinstance(self.audio, MostlySilent):
            sent = _recorded(self.label, self.audio, self.samples)
        else:
            sent = _modulated(self.label, self.audio(passes, generator), self.samples)

        def read(which: Tensor, first: Tensor, length: int) -> Tensor:
            row = which if len(sent) > 1 else torch.zeros_like(which)
            places = first[:, None] + torch.arange(length)
            return sent.view(-1)[row[:, None] * sent.shape[1] + places.clamp(0, sent.shape[1] - 1)]

        return read


def _modulated(label: str, audio: Tensor, samples: int) -> Tensor:
    require(label in _RATIOS, f"broadcasts are {', '.join(_RATIOS)}, not {label}")
    upsampled = _resampled(audio, *_RATIOS[label])[:, :samples]
    if label == "WBFM":
        deviation = _FM_DEVIATION_HZ / (AUDIO_RATE_HZ * _FM_INTERPOLATION)
        return rotate(torch.cumsum(deviation * upsampled.double(), dim=1))
    if label == "AM-DSB":
        return (1 + upsampled).to(torch.complex64)
    half = torch.fft.rfft(upsampled)
    half[:, 0] = 0
    analytic: Tensor = torch.fft.ifft(half, n=samples)
    return 2 * analytic


@lru_cache(maxsize=8)
def _recorded(label: str, audio: "MostlySilent", samples: int) -> Tensor:
    """Modulate the one recording of every pass once."""
    return _modulated(label, audio(1, torch.Generator()), samples)


def _resampled(audio: Tensor, up: int, down: int) -> Tensor:
    """Interpolate by FFT: speech of 3.4 kHz is far inside every filter of the flowgraphs."""
    # a pass of AM has 45 351 = 9 x 5039 samples, for which the transform takes eight times as long
    parts = next_fast_len(-(-audio.shape[1] // down))
    spectrum = torch.fft.rfft(audio, n=parts * down)
    raised: Tensor = torch.fft.irfft(spectrum, n=parts * up) * (up / down)
    return raised


def spoken(passes: int, generator: torch.Generator) -> Tensor:
    """Draw speech of its own for each pass, float32 [passes, `AUDIO_SAMPLES`], peak 0.5."""
    bandwidth = _VOICE_HZ / AUDIO_RATE_HZ
    return 0.5 * speech_like(passes, AUDIO_SAMPLES, bandwidth, generator)


@dataclass(frozen=True)
class MostlySilent:
    """One recording for every pass, float32 [1, `AUDIO_SAMPLES`]: faint sounds that come and go.

    In the released data most windows of WBFM at high SNR are a bare carrier, and nearly all of
    AM-DSB. So the sounds turn the carrier of WBFM by about a radian, and are so faint then (3% of
    full scale) that they hardly show in the amplitude of AM-DSB. They hold nothing below 300 Hz:
    the phase of WBFM is the same in every silence, and no silence tells from its phase which of
    the two it is.

    Attributes:
        share: of the pass, silent.
        seed: of the sounds and of when they come.
        swing_rad: root mean square of the phase of WBFM while there is sound.
        lasting_s: standard deviation in time of what the sounds come and go by.
    """

    share: float
    seed: int
    swing_rad: float = 1.0
    lasting_s: float = 2e-3

    def __call__(self, passes: int, generator: torch.Generator) -> Tensor:
        """Return the recording; nothing is drawn from the generator."""
        drawn = torch.Generator().manual_seed(self.seed)
        phase = self.swing_rad * self._phase(drawn) * self._gate(drawn)
        audio = torch.diff(phase, append=phase[-1:]) * AUDIO_RATE_HZ / (2 * pi * _FM_DEVIATION_HZ)
        return audio[None].float()

    def _phase(self, drawn: torch.Generator) -> Tensor:
        """Return the phase of WBFM under speech without pauses, of unit mean square."""
        voice = speech_like(1, AUDIO_SAMPLES, _VOICE_HZ / AUDIO_RATE_HZ, drawn)[0].double()
        frequency_hz = torch.fft.rfftfreq(AUDIO_SAMPLES, 1 / AUDIO_RATE_HZ)
        heard = frequency_hz >= _LOWEST_SOUND_HZ
        spectrum = torch.fft.rfft(voice) * heard / frequency_hz.clamp(min=_LOWEST_SOUND_HZ)
        phase: Tensor = torch.fft.irfft(spectrum * -1j, n=AUDIO_SAMPLES)
        return phase / phase.square().mean().sqrt()

    def _gate(self, drawn: torch.Generator) -> Tensor:
        """Return 0 in silence, which has its share to the sample and comes first, up to 1."""
        noise = torch.randn(AUDIO_SAMPLES, generator=drawn, dtype=torch.float64)
        deviation = self.lasting_s * AUDIO_RATE_HZ
        slow = torch.from_numpy(gaussian_filter1d(noise.numpy(), deviation, mode="wrap"))
        # the pass begins where it is most silent
        slow = slow.roll(-int(slow.argmin()))
        above = slow - slow.quantile(self.share)
        gate: Tensor = (above / (_RISE * slow.std())).clamp(0, 1)
        return gate


# --- shaping ------------------------------------------------------------------------------------


def _symbols_needed(length: int) -> int:
    return -(-(length + SAMPLES_PER_SYMBOL - 1) // SAMPLES_PER_SYMBOL)


def _numbers(first: Tensor, count: int) -> Tensor:
    """Return the numbers of the symbols that shape `count` symbols of output, int64 [n, ...]."""
    newest = torch.div(first, SAMPLES_PER_SYMBOL, rounding_mode="floor")
    return newest[:, None] + torch.arange(1 - _SPAN, count, device=first.device)


def _cut(x: Tensor, first: Tensor, length: int) -> Tensor:
    """Return `length` samples of each row from its place within a symbol on."""
    rows = torch.arange(len(first), device=first.device)
    return x.unfold(1, length, 1)[rows, first % SAMPLES_PER_SYMBOL]


@lru_cache(maxsize=8)
def _filter_of(kind: str) -> npt.NDArray[np.float64]:
    """Return the pulse as [symbols, samples per symbol], in order of time."""
    if kind == "rrc":
        t = np.arange(_SPAN * SAMPLES_PER_SYMBOL) / SAMPLES_PER_SYMBOL - _SPAN / 2
        taps = root_raised_cosine(t, _ROLL_OFF)
    elif kind == "CPFSK":
        taps = np.ones(SAMPLES_PER_SYMBOL)
    else:
        length = _GAUSSIAN_SYMBOLS * SAMPLES_PER_SYMBOL
        t = (np.arange(length) - (length / 2 - 1)) / SAMPLES_PER_SYMBOL
        bell = np.exp(-0.5 * (2 * np.pi * _BT * t) ** 2 / np.log(2))
        taps = np.convolve(bell / bell.sum(), np.ones(SAMPLES_PER_SYMBOL))
    padded = np.pad(taps, (0, -taps.size % SAMPLES_PER_SYMBOL))
    return padded.reshape(-1, SAMPLES_PER_SYMBOL)


@lru_cache(maxsize=32)
def _toeplitz(kind: str, count: int) -> Tensor:
    """Return float32 [count + span - 1, count x 8]: from symbols to the samples of `count`."""
    pulse = _filter_of(kind)
    span = len(pulse)
    matrix = np.zeros((count + span - 1, count, SAMPLES_PER_SYMBOL))
    for place in range(count):
        # the newest symbol meets the beginning of the pulse
        matrix[place : place + span, place] = pulse[::-1]
    return torch.from_numpy(matrix.reshape(count + span - 1, -1).astype(np.float32))


def _shaped(symbols: Tensor, kind: str) -> Tensor:
    """Shape float32 [n, count + span - 1] into [n, count x 8]."""
    span = len(_filter_of(kind))
    count = symbols.shape[1] - span + 1
    if count <= 2 * _FOLD:
        return symbols.to(torch.float32) @ _toeplitz(kind, count).to(symbols.device)
    padded = torch.nn.functional.pad(symbols.to(torch.float32), (0, -count % _FOLD))
    blocks = padded.unfold(1, _FOLD + span - 1, _FOLD)
    shaped = blocks @ _toeplitz(kind, _FOLD).to(symbols.device)
    return shaped.reshape(len(symbols), -1)[:, : count * SAMPLES_PER_SYMBOL]
