"""Signals of known truth that the detection and recognition tests share; numpy alone."""

import numpy as np
from scipy.optimize import brentq


def white(samples, seed=0, power=1.0):
    """Circular complex normal noise, complex64 [samples]."""
    parts = np.random.default_rng(seed).standard_normal((2, samples), dtype=np.float32)
    return ((parts[0] + 1j * parts[1]) * np.sqrt(power / 2)).astype(np.complex64)


def tone(samples, frequency, amplitude=1.0, phase=0.0):
    cycles = frequency * np.arange(samples) % 1.0
    return (amplitude * np.exp(2j * np.pi * (cycles + phase))).astype(np.complex64)


def band_noise(samples, bandwidth, seed=0):
    """Normal noise of unit power within |f| < bandwidth / 2 and nothing beyond."""
    bins = np.fft.fft(white(samples, seed))
    bins[np.abs(np.fft.fftfreq(samples)) > bandwidth / 2] = 0
    x = np.fft.ifft(bins)
    return (x / np.sqrt(np.mean(np.abs(x) ** 2))).astype(np.complex64)


def qpsk(samples, samples_per_symbol, roll_off=0.35, seed=0):
    """QPSK of unit power under a root raised cosine, an integer number of samples per symbol."""
    rng = np.random.default_rng(seed)
    symbols = -(-samples // samples_per_symbol) + 32
    impulses = np.zeros(symbols * samples_per_symbol, dtype=complex)
    impulses[::samples_per_symbol] = np.exp(0.5j * np.pi * (rng.integers(4, size=symbols) + 0.5))
    f = np.abs(np.fft.fftfreq(impulses.size)) * samples_per_symbol
    slope = np.clip((f - (1 - roll_off) / 2) / roll_off, 0, 1)
    gain = np.cos(np.pi / 2 * slope)
    x = np.fft.ifft(np.fft.fft(impulses) * gain)[16 * samples_per_symbol :][:samples]
    return (x * samples_per_symbol).astype(np.complex64)


def qpsk_bandwidth(samples_per_symbol, roll_off=0.35):
    """Return its 99% bandwidth in cycles per sample: half a per cent of the power lies above."""

    def above(f):
        u = np.pi * (f - (1 - roll_off) / 2) / roll_off
        return roll_off / (2 * np.pi) * (np.pi - u - np.sin(u)) - 0.005

    edge = brentq(above, (1 - roll_off) / 2, (1 + roll_off) / 2)
    return 2 * edge / samples_per_symbol


def amplitude(snr_db, bandwidth):
    """Return the amplitude for an in-band SNR over noise of unit power, of unit-power signals."""
    return np.sqrt(10 ** (snr_db / 10) * bandwidth)


def add(x, start, signal, frequency=0.0):
    """Add a signal from a sample on, moved to a frequency."""
    x[start : start + signal.size] += signal * tone(signal.size, frequency)


def shuffled_chunks(x, seed):
    """Cut samples into chunks of random sizes, from 1 to 200 000."""
    rng = np.random.default_rng(seed)
    place = 0
    while place < x.size:
        size = int(np.exp(rng.uniform(0, np.log(200_000))))
        yield x[place : place + size]
        place += size
