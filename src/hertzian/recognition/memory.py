"""Whether a signal repeats itself: noise has no memory, a cyclic prefix is nothing else."""

import numpy as np
import numpy.typing as npt
from scipy import fft, ndimage, special

from hertzian.detection import OCCUPIED_SHARE

_FIRST_LAG = 96
# an FFT of 8192 at baseband's rate; transmitters repeat their packets at longer lags
_LAST_LAG = 3 * 8192
_FEWEST_SAMPLES = 512
_MOST_SAMPLES = 1 << 17
_SEGMENTS = (1, 4, 16)
_REPEATS_BY_CHANCE = 1e-16
_LEAST_CHANCE = 1e-300
_TAIL = 1.0
_USUAL_LAGS = 401
_SIDE_LAGS = 49
_APART_LAGS = 36
_PROMINENT = 2.25
_PREFIXES = (1 / 4, 1 / 8, 1 / 16, 1 / 32)
_PREFIX_SAMPLES = 1 << 15
_FEWEST_SYMBOLS = 6
_EVERY_LAG_TO = 4096
_MOST_LAGS = 128
_OFF_LAG = 0.7
_PREFIX_BY_CHANCE = 1e-7

Samples = npt.NDArray[np.complex64]
Floats = npt.NDArray[np.float64]
Lags = npt.NDArray[np.int64]


def repeats_at(iq: Samples) -> int | None:
    """Return the lag at which baseband samples [n] correlate with themselves, None where at none.

    An OFDM signal does at the length of its FFT (van de Beek, Sandell and Borjesson 1997, eq. 5),
    by the prefix's share of the symbol; where it is too short or too seldom for that, see
    `prefix_at`. Samples that are exactly zero count as left out.
    """
    x = _phases(iq, _MOST_SAMPLES)
    if x.size < _FEWEST_SAMPLES:
        return None
    found = (_repeats(x, segments) for segments in _SEGMENTS)
    return next((lag for lag in found if lag is not None), None)


def prefix_at(iq: Samples) -> int | None:
    """Return the lag by which products of baseband samples [n] come and go like a prefix, or None.

    x[n] conj(x[n + L]) has a mean while a prefix passes, and none in the rest of the symbol: a
    train of pulses of duty d = g / (1 + g), g the prefix's share of the FFT, with lines of like
    height at about 1 / d multiples of the symbol rate (Gardner 1986). Of noise, the sum of k lines'
    powers is gamma distributed, of shape k. The line at 0 Hz is left out: carriers have it too.

    Six symbols or more must fit into the first 32 768 samples, so that FFTs of up to about 1500
    subcarriers are found; of more than 4096 samples only the lags that correlate the most are
    looked at. Slow symbols of any kind look alike: ask it of what looks like noise.
    """
    x = _phases(iq, _PREFIX_SAMPLES)
    most = int(x.size / (1 + _FEWEST_SYMBOLS * (1 + min(_PREFIXES))))
    lags = np.arange(_FIRST_LAG, most + 1)
    if x.size > _EVERY_LAG_TO:
        lags = lags[np.argsort(-_strength(x, lags))[:_MOST_LAGS]]
    chances = {int(lag): _chance_of_period(x, int(lag)) for lag in lags}
    best = min(chances, key=lambda lag: chances[lag], default=None)
    return None if best is None or chances[best] >= _PREFIX_BY_CHANCE else best


def _phases(iq: Samples, most: int) -> Samples:
    """Return up to `most` samples from the first that isn't zero on, all of magnitude 1 or 0.

    A burst that is stronger than the rest must not outweigh it.
    """
    sounding = np.flatnonzero(iq)
    if not sounding.size:
        return iq[:0]
    samples = iq[sounding[0] : sounding[0] + most]
    return np.asarray(samples / np.maximum(np.abs(samples), 1e-30), dtype=np.complex64)


def _repeats(x: Samples, segments: int) -> int | None:
    """Return the lag that correlates the most beyond chance, summed over segments of the signal.

    Of n samples of noise that fills `OCCUPIED_SHARE` of the band, n OCCUPIED_SHARE |r|^2 is
    exponential of mean 1, and a sum over segments is gamma distributed; a drifting carrier turns r
    from one segment to the next, but hardly within one. The filter's own response decays at least
    as fast as that of a sharp edge, 1 / (pi OCCUPIED_SHARE lag). Carriers and narrow signals on top
    of noise correlate over whole ranges of lags: one counts by how far it stands out of these.
    """
    length = x.size // segments
    lags = np.arange(_FIRST_LAG, min(_LAST_LAG, length // 3))
    if not lags.size:
        return None
    rows = x[: length * segments].reshape(segments, length)
    rows = rows[(rows != 0).any(axis=1)]
    pairs = _pairs(rows != 0, lags)
    tail = _TAIL / (np.pi * OCCUPIED_SHARE * lags)
    beyond = np.maximum(_autocorrelation(rows, lags) / pairs - tail, 0.0)
    total = np.sum(beyond**2 * pairs * OCCUPIED_SHARE, axis=0)
    usual = ndimage.median_filter(total, _USUAL_LAGS, mode="nearest")
    total = total / np.maximum(usual / special.gammaincinv(len(rows), 0.5), 1.0)
    rarity = -np.log(np.maximum(special.gammaincc(len(rows), total), _LEAST_CHANCE))
    reach = ndimage.maximum_filter1d(rarity, _SIDE_LAGS, mode="nearest")
    padded = np.pad(reach, _APART_LAGS)
    beside = np.maximum(padded[: lags.size], padded[2 * _APART_LAGS :])
    found = (rarity > -np.log(_REPEATS_BY_CHANCE)) & (rarity > _PROMINENT * beside)
    return int(lags[np.where(found, total, -1.0).argmax()]) if found.any() else None


def _autocorrelation(rows: Samples, lags: Lags) -> Floats:
    """Return |sum of x[n] conj(x[n + lag])| of each row, float64 [rows, lags]."""
    size = fft.next_fast_len(rows.shape[1] + int(lags[-1]))
    power = np.abs(fft.fft(rows, size, axis=1)) ** 2
    return np.asarray(np.abs(fft.ifft(power, axis=1)[:, lags]), dtype=np.float64)


def _pairs(present: npt.NDArray[np.bool_], lags: Lags) -> Floats:
    """Return how many pairs of samples each row has at each lag, at least one."""
    if present.all():
        return np.asarray(present.shape[1] - lags, dtype=np.float64)[None, :]
    counts = _autocorrelation(present.astype(np.complex64), lags)
    return np.maximum(np.round(counts), 1.0)


def _strength(x: Samples, lags: Lags) -> Floats:
    """Return how much each lag correlates, in deviations of the sum for noise, a gamma variate."""
    strength = np.zeros(lags.size)
    for segments in _SEGMENTS:
        length = x.size // segments
        inside = lags[lags < length // 3]
        if inside.size:
            rows = x[: length * segments].reshape(segments, length)
            powers = _autocorrelation(rows, inside) ** 2 * OCCUPIED_SHARE / (length - inside)
            deviations = (powers.sum(axis=0) - segments) / np.sqrt(segments)
            strength[: inside.size] = np.maximum(strength[: inside.size], deviations)
    return strength


def _chance_of_period(x: Samples, lag: int) -> float:
    least = 1.0
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
        reach = np.ceil(_OFF_LAG * (1 + prefix) / step)
        symbols = symbol + np.arange(-reach, reach + 1) * step
        comb = np.concatenate([np.arange(-lines, 0), np.arange(1, lines + 1)])
        places = np.round(size * comb / symbols[:, None]).astype(np.int64) % size
        strongest = float(power[places].sum(axis=1).max())
        least = min(least, float(special.gammaincc(comb.size, strongest)))
    return least
