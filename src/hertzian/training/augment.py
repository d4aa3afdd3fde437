"""Random changes of a batch that keep its labels true."""

import math

import torch
from torch import Tensor


def augment(
    x: Tensor,
    generator: torch.Generator,
    *,
    largest_offset_cycles_per_sample: float = 0.005,
    largest_gain_db: float = 20.0,
    conjugate: bool = True,
) -> Tensor:
    """Turn, shift in frequency, scale and mirror each example at random.

    y[n] = g c(x[n]) exp(j (2 pi f n + phi)), phi uniform over the circle, f and the gain in dB
    uniform up to their limits, c conjugation with probability 1/2. Conjugation mirrors the
    spectrum, as a receiver with high-side injection does; no label of `hertzian.signal.LABELS`
    tells the two apart (AM-SSB is either sideband, LFM and CSS sweep either way), so it is on.

    Args:
        x: float [batch, 2, samples]; zeros stay zeros.
        generator: on the CPU.
        largest_offset_cycles_per_sample: limit of |f|.
        largest_gain_db: limit of |20 log10 g|.
        conjugate: whether spectra are mirrored.
    """
    batch, _, samples = x.shape
    draws = torch.rand(4, batch, 1, generator=generator).to(x.device)
    offset = (2 * draws[0] - 1) * largest_offset_cycles_per_sample
    index = torch.arange(samples, device=x.device)
    angle = 2 * math.pi * (draws[1] + offset * index)
    gain = 10.0 ** ((2 * draws[2] - 1) * largest_gain_db / 20)
    cosine, sine = gain * torch.cos(angle), gain * torch.sin(angle)
    real, imaginary = x[:, 0], x[:, 1]
    if conjugate:
        imaginary = torch.where(draws[3] < 0.5, -imaginary, imaginary)
    return torch.stack([real * cosine - imaginary * sine, real * sine + imaginary * cosine], dim=1)
