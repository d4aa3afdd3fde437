"""Band-limited interpolation by a Kaiser-windowed sinc."""

import math

import torch
from torch import Tensor

TAPS = 24
# Image rejection above 70 dB for |f| <= 0.4 cycles per sample: with a transition from 0.4 to 0.6,
# A = 2.285 (2 pi 0.2) (TAPS - 1) + 7.95 = 74 dB, beta = 0.1102 (A - 8.7), as in J. F. Kaiser,
# "Nonrecursive digital filter design using the I0-sinh window function", ISCAS 1974.
KAISER_BETA = 7.2
# Every output sample holds 2 x TAPS floats while it is computed: 200 MB for this many.
SAMPLES_AT_ONCE = 1 << 20


def sinc_kernel(fraction: Tensor) -> Tensor:
    """Taps h_k that read a signal at n + fraction: y[n] = sum_k h_k x[n + k - TAPS/2 + 1].

    ``fraction`` has any shape, in samples, best within [-0.1, 1.1]; returns float32
    [..., TAPS] with unit gain at zero frequency.
    """
    offsets = torch.arange(TAPS, device=fraction.device, dtype=torch.float64) - (TAPS // 2 - 1)
    distance = offsets - fraction.to(torch.float64).unsqueeze(-1)
    inside = (1.0 - (distance / (TAPS // 2)).square()).clamp_min_(0.0)
    window = torch.special.i0(KAISER_BETA * inside.sqrt_())
    kernel: Tensor = torch.sinc(distance) * window
    kernel /= kernel.sum(dim=-1, keepdim=True)
    return kernel.to(torch.float32)


def resample(x: Tensor, shifts: Tensor, block: int, max_shift: float) -> Tensor:
    """Read each example at n + s(n), with s linear between its values at the block edges.

    x: complex64 [batch, samples]; shifts: float64 [batch, blocks + 1] in samples, with
    blocks = ceil(samples / block), at n = 0, block, 2 block, ...; |shifts| <= max_shift.
    What lies outside the record is zero. Between two edges the outputs of the two kernels are
    interpolated linearly: the error of a tone of w radians per sample is at most
    (w delta)^2 / 8 for a change of delta samples per block.
    """
    margin = math.ceil(max_shift) + TAPS
    rows = _rows_at_once(x)
    pieces = zip(torch.split(x, rows), torch.split(shifts, rows), strict=True)
    return torch.cat([_resample(piece, shift, block, margin) for piece, shift in pieces])


def _rows_at_once(x: Tensor) -> int:
    return max(1, SAMPLES_AT_ONCE // x.shape[1])


def _resample(x: Tensor, shifts: Tensor, block: int, margin: int) -> Tensor:
    batch, samples = x.shape
    blocks = shifts.shape[1] - 1
    tail = blocks * block - samples
    padded = torch.view_as_real(torch.nn.functional.pad(x, (margin, margin + tail)))
    base = torch.floor(torch.minimum(shifts[:, :-1], shifts[:, 1:]))
    edges = torch.stack((shifts[:, :-1] - base, shifts[:, 1:] - base), dim=-1)
    kernels = sinc_kernel(edges)  # [batch, blocks, 2, TAPS]
    first = torch.arange(blocks, device=x.device) * block + (margin - (TAPS // 2 - 1))
    start = first + base.to(torch.int64)
    span = torch.arange(block + TAPS - 1, device=x.device)
    index = (start.unsqueeze(-1) + span).reshape(batch, -1, 1).expand(-1, -1, 2)
    windows = torch.gather(padded, 1, index).reshape(batch * blocks, block + TAPS - 1, 2)
    # [batch * blocks, I/Q, block, TAPS] x [batch * blocks, 1, TAPS, 2 edges]
    frames = windows.transpose(1, 2).contiguous().unfold(2, TAPS, 1)
    taps = kernels.reshape(batch * blocks, 2, TAPS).transpose(1, 2)
    read = torch.bmm(frames.reshape(batch * blocks, 2 * block, TAPS), taps)
    read = read.reshape(batch * blocks, 2, block, 2)
    ramp = torch.arange(block, device=x.device, dtype=torch.float32) / block
    parts = torch.lerp(read[..., 0], read[..., 1], ramp)
    y = torch.complex(parts[:, 0], parts[:, 1])
    return y.reshape(batch, blocks * block)[:, :samples]


def delay(x: Tensor, samples: Tensor, max_samples: float) -> Tensor:
    """Delay each example by its own constant: y[n] = x(n - samples).

    x: complex64 [batch, n]; samples: float64 [batch], |samples| <= max_samples. What comes from
    outside the record is zero.
    """
    margin = math.ceil(max_samples) + TAPS
    rows = _rows_at_once(x)
    pieces = zip(torch.split(x, rows), torch.split(samples, rows), strict=True)
    return torch.cat([_delay(piece, by, margin) for piece, by in pieces])


def _delay(x: Tensor, samples: Tensor, margin: int) -> Tensor:
    length = x.shape[1]
    padded = torch.view_as_real(torch.nn.functional.pad(x, (margin, margin)))
    base = torch.floor(-samples)
    kernels = sinc_kernel(-samples - base)
    start = base.to(torch.int64) + (margin - (TAPS // 2 - 1))
    span = torch.arange(length + TAPS - 1, device=x.device)
    index = (start.unsqueeze(-1) + span).unsqueeze(-1).expand(-1, -1, 2)
    frames = torch.gather(padded, 1, index).transpose(1, 2).contiguous().unfold(2, TAPS, 1)
    read = torch.matmul(frames, kernels[:, None, :, None]).squeeze(-1)
    return torch.complex(read[:, 0], read[:, 1])
