"""The front end: a sighting to baseband, at a known share of the sampling rate, in windows."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import fft

from hertzian.detection.detector import Sighting
from hertzian.detection.frames import FRAME
from hertzian.signal import occupied_bandwidth

OCCUPIED_SHARE = 1 / 3
"""99% occupied bandwidth over sampling rate, at baseband."""
WINDOW = 1024
"""Samples in a window at baseband."""
FEWEST_SAMPLES = 64
"""Samples at baseband under which nothing can be said of a detection."""
SURE_SLACK_DB = 4.0
"""How far under `least_snr_db` a signal is believed that the model is sure of."""
PASS_SHARE, STOP_SHARE = 0.20, 0.28
"""Edges of the channel filter's transition, as shares of the baseband sampling rate."""
_SHORTEST = 256
_LINE_WIDTH = 0.5 / FRAME
_SPECTRUM_CELLS = 512
_CELL_BINS = 8
_OVER_NOISE = 2.0
_EDGE_SAMPLES = 16
_EDGE_NOISE = 4.0
_EDGE_AROUND = 2.5
_EDGE_SHARE = 0.05
_QUIET_SHARE = 0.1
_LINE_BINS = 4
LINE_BANDWIDTH = 0.03
"""Bandwidth from which nothing is taken for a line any more, cycles per sample."""
_TRUSTED_BANDS = (0.03, 0.3)
_TRUSTED_SNRS_DB = (9.0, 3.0)

Samples = npt.NDArray[np.complex64]


@dataclass(frozen=True)
class Baseband:
    """A sighting, measured and brought to baseband.

    Attributes:
        iq: complex64 samples, trimmed to the signal.
        rate: sampling rate of `iq` over that of the recording.
        center: centre of the occupied band, cycles per sample of the recording.
        bandwidth: 99% occupied bandwidth, cycles per sample of the recording.
        start, stop: samples of the recording.
        energy: sum of |x|^2 within `bandwidth` at the recording's rate, less the noise's share.
        noise_density: noise power per cycle per sample.
        line_share: share of the energy in one spectral line; 0 from `LINE_BANDWIDTH` on.
        plateau, faint, outshone: as in `Sighting`.
    """

    iq: Samples
    rate: float
    center: float
    bandwidth: float
    start: int
    stop: int
    energy: float
    noise_density: float
    line_share: float
    plateau: bool
    faint: bool = False
    outshone: bool = False

    @property
    def snr_db(self) -> float:
        """Mean power over noise power, both within the occupied band."""
        noise = self.noise_density * self.bandwidth * (self.stop - self.start)
        return float(10 * np.log10(max(self.energy / max(noise, 1e-30), 1e-3)))


def to_baseband(sighting: Sighting) -> Baseband:
    """Measure a sighting's band, shift it to 0 Hz, filter and resample it, and trim it in time.

    One FFT of the whole sighting serves all of it: its power spectrum gives the occupied band, and
    the bins of that band, tapered by a raised cosine and transformed back at another length, are
    the resampled signal (exact for periodic signals; the margin keeps the wrap-around out).
    """
    size = fft.next_fast_len(sighting.iq.size)
    spectrum = fft.fft(sighting.iq, n=size)
    low, high = _occupied(sighting, spectrum)
    bandwidth = _shown_bandwidth(high - low, sighting.stop - sighting.start)
    center = (low + high) / 2
    iq = _resampled(spectrum, center, bandwidth / OCCUPIED_SHARE)
    rate = iq.size / size
    noise = sighting.noise_density * rate * (PASS_SHARE + STOP_SHARE)
    margins = (sighting.start - sighting.offset, sighting.offset + sighting.iq.size - sighting.stop)
    around = (round(margins[0] * rate), round(margins[1] * rate))
    begin, end = _edges(iq[: round(sighting.iq.size * rate)], noise, around)
    start = sighting.offset + round(begin / rate)
    stop = min(sighting.offset + sighting.iq.size, sighting.offset + max(round(end / rate), 1))
    stop = max(stop, start + 1)
    energy = _band_energy(spectrum, low, high) - sighting.noise_density * (high - low) * size
    return Baseband(
        iq=iq[begin:end],
        rate=rate,
        center=center,
        bandwidth=high - low,
        start=start,
        stop=stop,
        energy=energy,
        noise_density=sighting.noise_density,
        line_share=_line_share(iq[begin:end]) if high - low < LINE_BANDWIDTH else 0.0,
        plateau=sighting.plateau,
        faint=sighting.faint,
        outshone=sighting.outshone,
    )


def windows(baseband: Baseband, limit: int) -> Samples:
    """Cut baseband into complex64 [count, WINDOW], count from 1 to `limit`; see `cut_windows`."""
    return cut_windows(baseband.iq, limit)


def cut_windows(iq: Samples, limit: int) -> Samples:
    """Cut samples at baseband into complex64 [count, WINDOW], count from 1 to `limit`.

    Windows follow each other without overlap; a signal shorter than one is padded with zeros, the
    last one is aligned to the end. Windows that hold little energy (gaps between packets) are left
    out; of too many, evenly spaced ones stay.
    """
    if iq.size <= WINDOW:
        return np.pad(iq, (0, WINDOW - iq.size))[None, :]
    starts = list(range(0, iq.size - WINDOW + 1, WINDOW))
    if iq.size - (starts[-1] + WINDOW) >= WINDOW // 2:
        starts.append(iq.size - WINDOW)
    cut = np.stack([iq[s : s + WINDOW] for s in starts])
    energy = np.sum(np.abs(cut) ** 2, axis=1)
    loud = np.flatnonzero(energy >= _QUIET_SHARE * np.quantile(energy, 0.9))
    if loud.size > limit:
        loud = loud[np.linspace(0, loud.size - 1, limit).round().astype(int)]
    return np.asarray(cut[loud])


def least_snr_db(bandwidth: float) -> float:
    """Return the in-band SNR from which a detection of this bandwidth is taken for a signal.

    9 dB under 3% of the sampled band, where receivers put their spurs, 3 dB over 30% of it, and in
    between what lies between on a logarithmic scale of `bandwidth`, cycles per sample.
    """
    return float(np.interp(np.log(max(bandwidth, 1e-9)), np.log(_TRUSTED_BANDS), _TRUSTED_SNRS_DB))


def _shown_bandwidth(measured: float, duration: int) -> float:
    """Return the bandwidth that becomes `OCCUPIED_SHARE` of the sampling rate at baseband.

    It gives 256 samples at least. Of what is narrower than half a detector's bin it gives a whole
    window, up to that width: seen closer, the drift of a steady carrier is a chirp.
    """
    least = OCCUPIED_SHARE * _SHORTEST / duration
    if measured < _LINE_WIDTH:
        least = max(least, min(_LINE_WIDTH, OCCUPIED_SHARE * WINDOW / duration))
    return min(1.0, max(measured, least))


def _band_bins(size: int, low: float, high: float) -> npt.NDArray[np.int64]:
    return np.arange(np.ceil(low * size), np.floor(high * size) + 1, dtype=np.int64)


def _band_energy(spectrum: Samples, low: float, high: float) -> float:
    bins = _band_bins(spectrum.size, low, high) % spectrum.size
    return float(np.sum(np.abs(spectrum[bins]) ** 2) / spectrum.size)


def _occupied(sighting: Sighting, spectrum: Samples) -> tuple[float, float]:
    """Return the edges of the 99% occupied band in cycles per sample."""
    size = spectrum.size
    bins = _band_bins(size, max(sighting.low, -0.5), min(sighting.high, 0.5))
    per_cell = max(_CELL_BINS, -(-bins.size // _SPECTRUM_CELLS))
    cells = bins.size // per_cell
    if cells < 2:
        return sighting.low, sighting.high
    bins = bins[: cells * per_cell]
    density = np.abs(spectrum[bins % size]) ** 2 / sighting.iq.size
    density = density.reshape(cells, per_cell).mean(axis=1)
    noise = sighting.noise_density
    over = np.where(density > _OVER_NOISE * noise, density - noise, 0.0)
    if not over.any():
        return sighting.low, sighting.high
    centres = bins.reshape(cells, per_cell).mean(axis=1) / size
    return occupied_bandwidth(over, centres)


def _resampled(spectrum: Samples, center: float, rate: float) -> Samples:
    """Return the band around `center`, at `rate` times the sampling rate."""
    size = spectrum.size
    length = fft.next_fast_len(max(16, round(size * rate)))
    reach = int(np.ceil(STOP_SHARE * length))
    offsets = np.arange(-reach, reach + 1)
    source = offsets + round(center * size)
    share = np.abs(offsets) / length
    taper = np.clip((STOP_SHARE - share) / (STOP_SHARE - PASS_SHARE), 0.0, 1.0)
    gain = 0.5 - 0.5 * np.cos(np.pi * taper)
    inside = (source >= -size // 2) & (source < (size + 1) // 2)
    bins = np.zeros(length, dtype=np.complex64)
    bins[offsets[inside] % length] = spectrum[source[inside] % size] * gain[inside]
    return np.asarray(fft.ifft(bins) * (length / size), dtype=np.complex64)


def _line_share(iq: Samples) -> float:
    """Return the share of energy within a few bins of the strongest spectral line."""
    power = np.abs(fft.fft(iq * np.hanning(iq.size))) ** 2
    around = np.arange(-_LINE_BINS, _LINE_BINS + 1) + int(power.argmax())
    return float(power[around % power.size].sum() / max(power.sum(), 1e-30))


def _edges(iq: Samples, noise: float, around: tuple[int, int]) -> tuple[int, int]:
    """Return first and last sample of the signal, from its smoothed power.

    It has to exceed the noise, a share of its own peak, and what is there before and after it (a
    strong neighbour's skirt): `around` tells how many samples precede and follow the sighting.
    """
    power = np.abs(iq) ** 2
    length = min(_EDGE_SAMPLES, power.size)
    smooth = np.convolve(power, np.full(length, 1 / length), mode="same")
    level = max(_EDGE_NOISE * noise, _EDGE_SHARE * float(np.quantile(smooth, 0.95)))
    before, after = smooth[: around[0]], smooth[smooth.size - around[1] :]
    quieter = [float(np.median(part)) for part in (before, after) if part.size >= length]
    if quieter:
        level = max(level, _EDGE_AROUND * min(quieter))
    over = np.flatnonzero(smooth > level)
    if over.size == 0:
        return 0, iq.size
    return int(over[0]), int(over[-1]) + 1
