"""What the figures of signals show, as arrays."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hertzian.recordings import Recording
from hertzian.signal import HertzianError

Floats = npt.NDArray[np.float64]
Complex = npt.NDArray[np.complex64]

_FEWEST_SAMPLES = 16
_ROWS = 512
_COLUMNS = 1200
_FRAMES_PER_COLUMN = 128
_BLOCK_SAMPLES = 1 << 18


@dataclass(frozen=True)
class SpectrogramImage:
    """Power over time and frequency, reduced to the size of a picture.

    Attributes:
        power: float32 [rows, columns], |sum w x exp(-j 2 pi k n / N)|^2 / (sum w)^2 with Hann's
            w, so that a tone of amplitude 1 on a bin reads 1 (0 dBFS); row 0 is the lowest
            frequency. A column is the largest of its frames: a short burst still shows.
        start_s: time of the left edge, seconds from the beginning.
        stop_s: time of the right edge.
        lower_hz: absolute frequency of the bottom edge, half a bin below the lowest bin's centre.
        upper_hz: absolute frequency of the top edge.
        complete: whether every sample was looked at; if not, frames were taken at even spacing.
    """

    power: npt.NDArray[np.float32]
    start_s: float
    stop_s: float
    lower_hz: float
    upper_hz: float
    complete: bool


def spectrogram_image(recording: Recording) -> SpectrogramImage:
    """Return the spectrogram of a recording of any length, at most 512 x 1200, in bounded memory.

    Frames of N samples, N about the square root of the recording's length, are centred at even
    spacing over all of it. Past some 40 million samples the spacing exceeds the frames.

    Raises:
        RecordingError: the recording cannot be read.
    """
    samples = recording.samples
    size = min(_ROWS, 2 ** round(math.log2(samples) / 2))
    columns = min(_COLUMNS, 1 + (samples - size) // (size // 8))
    wanted = -(-2 * samples // (columns * size))
    frames = min(wanted, _FRAMES_PER_COLUMN)
    centres = (np.arange(columns * frames) + 0.5) * (samples / (columns * frames))
    starts = np.clip(np.round(centres).astype(np.int64) - size // 2, 0, samples - size)
    power = np.empty((size, columns), dtype=np.float32)
    for first, block in _frame_blocks(recording, starts.reshape(columns, frames), size):
        power[:, first : first + len(block)] = _largest_power(block).T
    half = recording.sample_rate_hz / 2
    lower = recording.center_frequency_hz - half - half / size
    return SpectrogramImage(
        power=power,
        start_s=0.0,
        stop_s=samples / recording.sample_rate_hz,
        lower_hz=lower,
        upper_hz=lower + 2 * half,
        complete=frames == wanted,
    )


def excerpt_image(iq: npt.ArrayLike, sample_rate_hz: float) -> SpectrogramImage:
    """Return the spectrogram of samples [n] at baseband, frequencies being offsets.

    Frames of N samples, N about the square root of n and at least 8, lie an eighth of that apart.

    Raises:
        HertzianError: fewer than 16 samples, or no power in them.
    """
    x = np.asarray(iq, dtype=np.complex64)
    if x.size < _FEWEST_SAMPLES or not np.any(x):
        raise HertzianError(f"a spectrogram needs {_FEWEST_SAMPLES} samples with power in them")
    size = min(_ROWS, max(8, 2 ** round(math.log2(x.size) / 2)))
    columns = min(_COLUMNS, 1 + (x.size - size) // max(1, size // 8))
    starts = np.linspace(0, x.size - size, columns).round().astype(np.int64)
    frames = x[starts[:, None] + np.arange(size)]
    half = sample_rate_hz / 2
    lower = -half - half / size
    return SpectrogramImage(
        power=_largest_power(frames[:, None]).T,
        start_s=0.0,
        stop_s=x.size / sample_rate_hz,
        lower_hz=lower,
        upper_hz=lower + 2 * half,
        complete=True,
    )


def _frame_blocks(
    recording: Recording, starts: npt.NDArray[np.int64], size: int
) -> Iterator[tuple[int, Complex]]:
    """Yield (first column, frames [columns, frames, size]) over `starts` [columns, frames]."""
    columns, frames = starts.shape
    offsets = np.arange(size)
    per_block = max(1, _BLOCK_SAMPLES // (frames * size))
    for first in range(0, columns, per_block):
        block = starts[first : first + per_block]
        begin, end = int(block[0, 0]), int(block[-1, -1]) + size
        if end - begin <= 2 * _BLOCK_SAMPLES:
            yield first, recording.read(begin, end - begin)[block[..., None] - begin + offsets]
        else:
            pieces = [recording.read(int(start), size) for start in block.ravel()]
            yield first, np.stack(pieces).reshape(*block.shape, size)


def _largest_power(frames: Complex) -> npt.NDArray[np.float32]:
    """Return the largest power over frames [columns, frames, size] of each bin: [columns, size]."""
    import scipy.signal  # takes most of a second, which verbs without figures need not wait

    window = scipy.signal.windows.hann(frames.shape[-1], sym=False)
    weights = (window / window.sum()).astype(np.float32)
    spectra = np.fft.fftshift(np.fft.fft(frames * weights), axes=-1)
    power = np.square(spectra.real) + np.square(spectra.imag)
    return np.asarray(power.max(axis=1), dtype=np.float32)


def color_limits(power_db: npt.ArrayLike) -> tuple[float, float]:
    """Return (lower, upper) levels that show a spectrogram [rows, columns] in decibels well.

    From just below the noise (the 15th percentile) to just above the strongest 0.02%, yet 25 dB at
    the least and 70 dB at the most; levels that are not finite (digital silence) do not count.
    """
    levels = np.asarray(power_db, dtype=np.float64)
    levels = levels[np.isfinite(levels)]
    if levels.size == 0:
        return -100.0, -75.0
    lower, upper = np.percentile(levels, [15, 99.98])
    upper = max(upper, lower + 25)
    return float(max(lower, upper - 70)), float(upper)


def power_spectrum(iq: npt.ArrayLike, sample_rate_hz: float) -> tuple[Floats, Floats]:
    """Return (frequencies_hz, power per hertz), both [bins], of samples [n], ascending.

    Welch's estimate with Hann's window and half overlap: about 16 segments, 32 to 1024 bins. Its
    sum times the bin width is the mean power.

    Raises:
        HertzianError: fewer than 16 samples.
    """
    import scipy.signal  # takes most of a second, which verbs without figures need not wait

    x = np.asarray(iq, dtype=np.complex128)
    if x.size < _FEWEST_SAMPLES:
        raise HertzianError(f"a power spectrum needs {_FEWEST_SAMPLES} samples, got {x.size}")
    bins = int(np.clip(2 ** np.floor(np.log2(x.size / 8)), 32, 1024))
    frequencies, psd = scipy.signal.welch(
        x,
        sample_rate_hz,
        nperseg=min(bins, x.size),
        nfft=bins,
        detrend=False,
        return_onesided=False,
    )
    return np.fft.fftshift(frequencies), np.fft.fftshift(psd)


def instantaneous_frequency(iq: npt.ArrayLike, sample_rate_hz: float) -> Floats:
    """Return rate / (2 pi) x arg(x[n] conj x[n-1]) in hertz, [n - 1] for samples [n]."""
    x = np.asarray(iq, dtype=np.complex128)
    return np.angle(x[1:] * x[:-1].conj()) * (sample_rate_hz / (2 * np.pi))


def strongest_excerpt(iq: npt.ArrayLike, count: int) -> slice:
    """Return the `count` consecutive samples of [n] with the most energy; all of it if shorter."""
    energy = np.abs(np.asarray(iq, dtype=np.complex128)) ** 2
    if energy.size <= count:
        return slice(0, energy.size)
    cumulative = np.concatenate([[0.0], np.cumsum(energy)])
    start = int(np.argmax(cumulative[count:] - cumulative[:-count]))
    return slice(start, start + count)


def trajectory_density(iq: npt.ArrayLike, bins: int = 101) -> tuple[Floats, float]:
    """Return (share [bins, bins], radius): where in the I/Q plane the signal spends its time.

    The 16384 strongest samples in a row are scaled to unit power and interpolated eightfold, so
    that the paths between them show. Row 0 is the lowest Q, column 0 the lowest I; the square
    reaches from -radius to +radius.

    Raises:
        HertzianError: fewer than 16 samples, or no power in them.
    """
    import scipy.signal  # takes most of a second, which verbs without figures need not wait

    x = np.asarray(iq, dtype=np.complex128)
    x = x[strongest_excerpt(x, 16384)]
    if x.size < _FEWEST_SAMPLES or not np.any(x):
        raise HertzianError(f"a trajectory needs {_FEWEST_SAMPLES} samples with power in them")
    power = np.mean(np.abs(x) ** 2)
    path = scipy.signal.resample_poly(x / np.sqrt(power), 8, 1)
    radius = 1.1 * float(np.percentile(np.abs(path), 99.8))
    edges = np.linspace(-radius, radius, bins + 1)
    counts, _, _ = np.histogram2d(path.imag, path.real, bins=(edges, edges))
    return counts / path.size, radius
