"""Small generators of data with known leaks, known SNR and known channels."""

import numpy as np

from hertzian.datasets.dataset import Dataset

SAMPLES_PER_SYMBOL = 8
RATE_HZ = 200e3


def pulse(rolloff=0.35, symbols=11):
    """A root-raised-cosine pulse of unit energy."""
    t = (np.arange(symbols * SAMPLES_PER_SYMBOL + 1) / SAMPLES_PER_SYMBOL - symbols / 2) + 1e-6
    a = rolloff
    taps = (np.sin(np.pi * t * (1 - a)) + 4 * a * t * np.cos(np.pi * t * (1 + a))) / (
        np.pi * t * (1 - (4 * a * t) ** 2)
    )
    return taps / np.sqrt(np.sum(taps**2))


def symbols(name, shape, random):
    if name == "noise":
        return np.zeros(shape, complex)
    phases = {"BPSK": 2, "QPSK": 4, "8PSK": 8}[name]
    offset = 0.5 if name == "QPSK" else 0.0
    return np.exp(2j * np.pi * (random.integers(0, phases, shape) + offset) / phases)


def linear(name, streams, length, random):
    """Streams [streams, length] of mean power 1, each with a random timing."""
    taps = pulse()
    count = length // SAMPLES_PER_SYMBOL + 16
    comb = np.zeros((streams, count * SAMPLES_PER_SYMBOL), complex)
    comb[:, ::SAMPLES_PER_SYMBOL] = symbols(name, (streams, count), random)
    size = 1 << int(np.ceil(np.log2(comb.shape[1] + len(taps))))
    shaped = np.fft.ifft(np.fft.fft(comb, size) * np.fft.fft(taps, size))
    first = len(taps) + random.integers(0, SAMPLES_PER_SYMBOL, streams)
    cut = np.stack([row[a : a + length] for row, a in zip(shaped, first, strict=True)])
    return cut * np.sqrt(SAMPLES_PER_SYMBOL)


def noise(shape, random):
    """White noise of power 1."""
    return (random.normal(size=shape) + 1j * random.normal(size=shape)) / np.sqrt(2)


def trajectory(length, random, doppler_hz=1.0):
    """Rician taps [3, length] at delays 0, 1, 2 that drift as they do at 1 Hz of Doppler."""
    t = np.arange(length) / RATE_HZ
    taps = []
    for gain in (1.0, 0.8, 0.3):
        angle = random.uniform(0, 2 * np.pi, 8)
        start = random.uniform(0, 2 * np.pi, 8)
        waves = np.exp(1j * (2 * np.pi * doppler_hz * np.cos(angle)[:, None] * t + start[:, None]))
        taps.append(gain * waves.sum(axis=0) / np.sqrt(8))
    sight = np.exp(2j * np.pi * (doppler_hz * np.cos(random.uniform(0, np.pi)) * t))
    taps[0] = taps[0] / np.sqrt(5) + np.sqrt(0.8) * sight * np.exp(2j * np.pi * random.uniform())
    return np.stack(taps)


def through(taps, signal):
    """The signal [length + 2] through taps [3, length]."""
    length = taps.shape[1]
    return sum(taps[k] * signal[2 - k : 2 - k + length] for k in range(3))


def dataset(x, modulation, snr_db, group, names=("BPSK", "QPSK", "8PSK"), **changes):
    """A dataset of complex windows."""
    modulation = np.asarray(modulation, np.int64)
    parts = {
        "x": np.stack([x.real, x.imag], axis=1).astype(np.float32),
        "modulation": modulation,
        "snr_db": np.broadcast_to(np.asarray(snr_db, np.float32), modulation.shape).copy(),
        "group": np.asarray(group, np.int64),
        "modulations": tuple(names),
        **{"preset": "test", "seed": 0, "sample_rate_hz": RATE_HZ},
        **{"snr_definition": "total", "version": "0"},
    }
    return Dataset(**(parts | changes))


def like_04c(seed=0, names=("BPSK", "QPSK"), levels=(0.0, 10.0, 18.0), per=300, hop=64, block=None):
    """Windows of 128 of one stream for each (class, SNR), in the stream's order.

    Groups are blocks of `block` windows of a stream, or one for all; a window across two blocks
    is of neither, -1. Each block has a carrier phase of its own.
    """
    random = np.random.default_rng(seed)
    length = hop * (per - 1) + 128
    windows, modulation, snr_db, group = [], [], [], []
    for place, name in enumerate(names):
        for level in levels:
            stream = linear(name, 1, length, random)[0]
            stream = stream + 10 ** (-level / 20) * noise(length, random)
            modulation += [place] * per
            snr_db += [level] * per
            start = np.arange(per) * hop
            if block is not None:
                turns = np.repeat(random.uniform(size=per // block + 2), block * hop)[:length]
                stream = stream * np.exp(2j * np.pi * turns)
            windows.append(np.lib.stride_tricks.sliding_window_view(stream, 128)[::hop])
            if block is None:
                group += [0] * per
            else:
                first, last = start // (block * hop), (start + 127) // (block * hop)
                offset = len(group)
                group += np.where(first == last, first + offset, -1).tolist()
    return dataset(np.concatenate(windows), modulation, snr_db, group, names)


def like_10a(seed=0, names=("BPSK", "QPSK"), shared=True, passes=6, per_pass=60, level=18.0):
    """Windows of passes through a fading channel, each divided by the sum of its magnitudes.

    With `shared`, every pass goes along one trajectory, as a constant seed makes it; otherwise each
    window has a channel of its own. Each window is its own group.
    """
    random = np.random.default_rng(seed)
    length = 80_000
    one = trajectory(length, random)
    windows, modulation = [], []
    for place, name in enumerate(names):
        for _ in range(passes):
            starts = random.integers(0, length - 128, per_pass)
            signal = linear(name, per_pass, 130, random)
            for start, row in zip(starts, signal, strict=True):
                taps = one if shared else trajectory(128, random)
                first = start if shared else 0
                heard = through(taps[:, first : first + 128], row)
                heard = heard + 10 ** (-level / 20) * noise(128, random)
                windows.append(heard / np.abs(heard).sum())
            modulation += [place] * per_pass
    return dataset(np.array(windows), modulation, level, np.arange(len(windows)), names)
