"""Whether a signal repeats itself: noise has no memory, a cyclic prefix is nothing else."""

import numpy as np
import numpy.typing as npt
from scipy import fft, ndimage, special

from hertzian.detection import OCCUPIED_SHARE
from hertzian.recognition.prefix import FIRST_LAG, LAST_LAG

_MOST_SAMPLES = 1 << 17
_SEGMENTS = (1, 4, 16)
_FEWEST_SAMPLES = 4 * FIRST_LAG
_CHANCE = 1e-16
_FLOOR = 1e-300
_TAIL = 1.0
_SIDE_LAGS = 49
_USUAL_LAGS = 401
_APART_LAGS = 36
_PROMINENT = 2.25

Samples = npt.NDArray[np.complex64]
Floats = npt.NDArray[np.float64]


def repeats_itself(iq: Samples) -> bool:
    """Tell whether baseband samples [n] correlate with themselves at a few long lags.

    An OFDM signal does at the length of its FFT (van de Beek, Sandell and Borjesson 1997, eq. 5),
    by the prefix's share of the symbol; where it is too short or too seldom for that, see
    `shows_prefix`. Samples that are exactly zero count as left out.
    """
    samples = iq[:_MOST_SAMPLES]
    # the phase alone: a burst that is stronger than the rest must not outweigh it
    x = np.asarray(samples / np.maximum(np.abs(samples), 1e-30), dtype=np.complex64)
    if x.size < _FEWEST_SAMPLES:
        return False
    return any((_chance(x, segments) < _CHANCE).any() for segments in _SEGMENTS)


def _chance(x: Samples, segments: int) -> Floats:
    """Return how likely noise would correlate so at each lag, from zero on; 1 where not asked.

    Of n samples of noise that fills `OCCUPIED_SHARE` of the band, n OCCUPIED_SHARE |r|^2 is
    exponential of mean 1, and a sum over segments is gamma distributed; a drifting carrier turns r
    from one segment to the next, but hardly within one. The filter's own response decays at least
    as fast as that of a sharp edge, 1 / (pi OCCUPIED_SHARE lag). Carriers and narrow signals on top
    of noise correlate over whole ranges of lags: one counts by how far it stands out of these.
    """
    length = x.size // segments
    last = min(LAST_LAG, length // 3)
    if last <= FIRST_LAG:
        return np.ones(1)
    rows = x[: length * segments].reshape(segments, length)
    size = fft.next_fast_len(length + last)
    raw = np.abs(fft.ifft(np.abs(fft.fft(rows, size, axis=1)) ** 2, axis=1)[:, FIRST_LAG:last])
    lags = np.arange(FIRST_LAG, last)
    pairs = _pairs(rows != 0, lags, size)
    beyond = np.maximum(raw / pairs - _TAIL / (np.pi * OCCUPIED_SHARE * lags), 0.0)
    total = np.sum(beyond**2 * pairs * OCCUPIED_SHARE, axis=0)
    parts = int((rows != 0).any(axis=1).sum())
    usual = ndimage.median_filter(total, _USUAL_LAGS, mode="nearest")
    total = total / np.maximum(usual / special.gammaincinv(parts, 0.5), 1.0)
    rarity = -np.log(np.maximum(special.gammaincc(parts, total), _FLOOR))
    reach = ndimage.maximum_filter1d(rarity, _SIDE_LAGS, mode="nearest")
    beside = np.maximum(np.roll(reach, _APART_LAGS), np.roll(reach, -_APART_LAGS))
    chance = np.ones(last)
    chance[FIRST_LAG:] = np.where(rarity > _PROMINENT * beside, np.exp(-rarity), 1.0)
    return chance


def _pairs(present: npt.NDArray[np.bool_], lags: npt.NDArray[np.int64], size: int) -> Floats:
    """Return how many pairs of samples each row has at each lag, at least one."""
    if present.all():
        return np.asarray(present.shape[1] - lags, dtype=np.float64)[None, :]
    spectrum = np.abs(fft.rfft(present.astype(np.float64), size, axis=1)) ** 2
    return np.asarray(np.maximum(fft.irfft(spectrum, size, axis=1)[:, lags], 1.0))
