"""The cyclic prefix of OFDM, looked for symbol by symbol."""

import numpy as np
import numpy.typing as npt
from scipy import fft, special

from hertzian.detection import OCCUPIED_SHARE

FIRST_LAG = 96
"""Shortest FFT looked for, in samples at baseband: the filter's own response is shorter."""
# an FFT of 8192 at baseband's rate; transmitters repeat their packets at longer lags
LAST_LAG = 3 * 8192
_PREFIXES = (1 / 4, 1 / 8, 1 / 16, 1 / 32)
_MOST_SAMPLES = 1 << 15
_EVERY_LAG_TO = 12_288
_MOST_LAGS = 64
_FEWEST_SYMBOLS = 6
_SEGMENTS = (1, 4, 16)
_SHIFT = 0.7
_CHANCE = 1e-8

Samples = npt.NDArray[np.complex64]
Floats = npt.NDArray[np.float64]


def shows_prefix(iq: Samples) -> bool:
    """Tell whether products of baseband samples [n] a lag apart come and go like a prefix.

    x[n] conj(x[n + L]) has a mean while a prefix passes, and none in the rest of the symbol: a
    train of pulses of duty d = g / (1 + g), g the prefix's share of the FFT, with lines of like
    height at about 1 / d multiples of the symbol rate (Gardner 1986). Of noise, the sum of k lines'
    powers is gamma distributed, of shape k. The line at 0 Hz is left out: carriers have it too.

    Of a long signal, only the lags that correlate the most are looked at. Slow symbols of any kind
    look alike: ask it of what looks like noise.
    """
    samples = iq[:_MOST_SAMPLES]
    x = np.asarray(samples / np.maximum(np.abs(samples), 1e-30), dtype=np.complex64)
    lags = np.arange(FIRST_LAG, min(LAST_LAG, x.size // _FEWEST_SYMBOLS))
    if x.size > _EVERY_LAG_TO:
        lags = lags[np.argsort(-_correlation(x, lags))[:_MOST_LAGS]]
    return any(_periodic(x, int(lag)) for lag in lags)


def _correlation(x: Samples, lags: npt.NDArray[np.int64]) -> Floats:
    """Return |r| at some lags, each part of the signal on its own: a carrier may drift."""
    strength = np.zeros(lags.size)
    for segments in _SEGMENTS:
        length = x.size // segments
        inside = lags < length // 3
        if inside.any():
            rows = x[: length * segments].reshape(segments, length)
            size = fft.next_fast_len(length + int(lags[inside][-1]))
            raw = np.abs(fft.ifft(np.abs(fft.fft(rows, size, axis=1)) ** 2, axis=1)) ** 2
            total = raw[:, lags[inside]].sum(axis=0) / (length - lags[inside]) * OCCUPIED_SHARE
            # in deviations of that sum for noise, a gamma variate
            deviations = (total - segments) / np.sqrt(segments)
            strength[inside] = np.maximum(strength[inside], deviations)
    return strength


def _periodic(x: Samples, lag: int) -> bool:
    products = x[:-lag] * x[lag:].conj()
    count = products.size
    size = fft.next_fast_len(2 * count)
    power = np.abs(fft.fft(products, size)) ** 2 * (OCCUPIED_SHARE / count)
    for prefix in _PREFIXES:
        symbol = lag * (1 + prefix)
        if count < _FEWEST_SYMBOLS * symbol:
            continue
        lines = round((1 + prefix) / prefix / 2)
        # so fine that the highest line moves by half of its width
        step = symbol**2 / (4 * count * lines)
        reach = np.ceil(_SHIFT * (1 + prefix) / step)
        symbols = symbol + np.arange(-reach, reach + 1) * step
        comb = np.concatenate([np.arange(-lines, 0), np.arange(1, lines + 1)])
        places = np.round(size * comb / symbols[:, None]).astype(np.int64) % size
        if special.gammaincc(comb.size, float(power[places].sum(axis=1).max())) < _CHANCE:
            return True
    return False
