"""Whether a signal repeats itself: noise has no memory, a cyclic prefix is nothing else."""

import numpy as np
import numpy.typing as npt
from scipy import fft, ndimage

from hertzian.detection import OCCUPIED_SHARE

_MOST_SAMPLES = 1 << 20
_FIRST_LAG = 128
# an FFT of 8192 at baseband's rate; transmitters repeat their packets at longer lags
_LAST_LAG = 3 * 8192
_FEWEST_SAMPLES = 4 * _FIRST_LAG
_DEVIATIONS = 6.0
_TAIL = 2.0
_SIDE_LAGS = 49
_APART_LAGS = 36
_PROMINENT = 1.5


def repeats_itself(iq: npt.NDArray[np.complex64]) -> bool:
    """Tell whether baseband samples [n] correlate with themselves at a few long lags.

    An OFDM signal does at the length of its FFT (van de Beek, Sandell and Borjesson 1997, eq. 5),
    by the prefix's share of the symbol. Of n samples of noise that fills `OCCUPIED_SHARE` of the
    band, |r|^2 is exponential with mean 1 / (n OCCUPIED_SHARE) beyond the filter's own response,
    which decays at least as fast as that of a sharp edge, 1 / (pi OCCUPIED_SHARE lag). A lag counts
    from six times the root of that mean, and if it stands out of the lags beside it: carriers and
    narrow signals on top of noise correlate over whole ranges of lags. Samples that are exactly
    zero count as left out.
    """
    samples = iq[:_MOST_SAMPLES]
    # the phase alone: a burst that is stronger than the rest must not outweigh it
    x = np.asarray(samples / np.maximum(np.abs(samples), 1e-30))
    if x.size < _FEWEST_SAMPLES:
        return False
    size = fft.next_fast_len(2 * x.size)
    power = np.abs(fft.fft(x, size)) ** 2
    lags = np.arange(_FIRST_LAG, min(_LAST_LAG, x.size // 2))
    raw = np.abs(fft.ifft(power)[: lags[-1] + 1])
    pairs = _pairs(x != 0, lags, size)
    correlation = raw[lags] / pairs
    noise = _DEVIATIONS / np.sqrt(pairs * OCCUPIED_SHARE)
    edge = _TAIL / (np.pi * OCCUPIED_SHARE * lags)
    reach = ndimage.maximum_filter1d(correlation, _SIDE_LAGS, mode="nearest")
    beside = np.maximum(np.roll(reach, _APART_LAGS), np.roll(reach, -_APART_LAGS))
    return bool(np.any((correlation > noise + edge) & (correlation > _PROMINENT * beside)))


def _pairs(
    present: npt.NDArray[np.bool_], lags: npt.NDArray[np.int64], size: int
) -> npt.NDArray[np.float64]:
    """Return how many pairs of samples there are at each lag, at least one."""
    if present.all():
        return (present.size - lags).astype(np.float64)
    counts = fft.irfft(np.abs(fft.rfft(present.astype(np.float64), size)) ** 2, size)
    return np.maximum(counts[lags], 1.0)
