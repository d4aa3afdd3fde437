"""The likelihood of windows under each linear modulation: what no classifier can do better than.

Symbols are independent and equally likely, timing is known, noise is white and Gaussian. Then the
average likelihood ratio test, the largest likelihood averaged over symbols, is the classifier of
least error (Wei and Mendel, Maximum-likelihood classification for digital amplitude-phase
modulations, IEEE Trans. Commun. 48(2), 2000; Hameed, Dobre and Popescu, On the likelihood-based
approach to modulation classification, IEEE Trans. Wireless Commun. 8(12), 2009, sec. III).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from hertzian.evaluation.classes import EvaluationError
from hertzian.signal import Alphabet, attributes_of_alphabet

Knowing = Literal["all", "no phase", "no phase and gain"]
"""What of the channel is known: all of it; all but its phase, over which the likelihood is averaged
(ALRT); neither phase nor gain, over which it is maximised (hybrid, HLRT)."""

_AT_ONCE = 1 << 22  # numbers in memory for each product
_MOST_PHASES = 96
_MOST_STEPS = 128
_ZOOM = 8
_SEARCH = 40


@dataclass(frozen=True)
class Received:
    """Windows behind the matched filter.

    Attributes:
        symbols: complex64 [n, symbols], at unit mean power but for the gain of the channel.
        early: the same half a symbol earlier, for the real part of offset alphabets; None where
            there are no samples between symbols.
        noise: power of the noise in `symbols`, float [n].
    """

    symbols: Tensor
    early: Tensor | None
    noise: Tensor

    def __post_init__(self) -> None:
        """Refuse what is no number, and noise of no power.

        Raises:
            EvaluationError: it is.
        """
        values = torch.view_as_real(self.symbols)
        if not bool(torch.isfinite(values).all()) or not bool((self.noise > 0).all()):
            raise EvaluationError("a likelihood needs finite symbols and noise of some power")

    def rows(self, rows: slice) -> "Received":
        """Return some of the windows."""
        early = None if self.early is None else self.early[rows]
        return Received(self.symbols[rows], early, self.noise[rows])


def log_likelihoods(
    received: Received, alphabets: Sequence[Alphabet], knowing: Knowing = "all"
) -> Tensor:
    """Return log p(window | modulation) but for a term that all modulations share.

    With z_k = a_k + w_k behind the filter and s^2 the power of w it is the sum over k of
    log mean_m exp((2 Re(z_k a_m*) - |a_m|^2) / s^2); eq. 8 of Wei and Mendel with |z_k|^2 left out.

    Args:
        received: the windows.
        alphabets: of the modulations.
        knowing: see `Knowing`.

    Returns:
        float64 [n, modulations].

    Raises:
        EvaluationError: an offset alphabet, and one sample a symbol.
    """
    ways: dict[Knowing, Callable[[_Scored], Tensor]] = {
        "all": _Scored.at,
        "no phase": _averaged,
        "no phase and gain": _maximised,
    }
    columns = []
    for alphabet in alphabets:
        if alphabet.offset and received.early is None:
            raise EvaluationError(
                "an alphabet of which Q comes half a symbol late has no likelihood in windows of "
                "one sample a symbol"
            )
        parts = _parts(alphabet)
        rows = max(1, _AT_ONCE // (received.symbols.shape[1] * max(part.size for part in parts)))
        columns.append(
            torch.cat(
                [
                    ways[knowing](_Scored(received.rows(slice(row, row + rows)), alphabet, parts))
                    for row in range(0, len(received.symbols), rows)
                ]
            )
        )
    return torch.stack(columns, dim=1)


def over_noise(
    received: Received,
    alphabets: Sequence[Alphabet],
    powers: Sequence[float],
) -> Tensor:
    """Return log p(window | modulation) where the noise has one of several powers, equally likely.

    Args:
        received: the windows, one sample a symbol; their own noise doesn't count.
        alphabets: of the modulations.
        powers: of the noise.

    Returns:
        float64 [n, modulations].
    """
    energy = received.symbols.abs().double().square().sum(dim=1)
    count = received.symbols.shape[1]
    found = []
    for power in powers:
        told = Received(received.symbols, received.early, torch.full_like(energy, power))
        shared = -energy / power - count * math.log(power)
        found.append(log_likelihoods(told, alphabets) + shared[:, None])
    return torch.logsumexp(torch.stack(found), dim=0) - math.log(len(powers))


def over_snr(received: Received, alphabets: Sequence[Alphabet], snr: Sequence[float]) -> Tensor:
    """Return log p(window | modulation) where neither gain nor SNR is known.

    At each SNR, all equally likely, the gain is taken for that which leaves the window's power what
    it is. Windows whose scale means nothing could be told a little better by an average over the
    gain: by half a point at most, of 64 symbols.

    Args:
        received: the windows, one sample a symbol; their own noise doesn't count.
        alphabets: of the modulations.
        snr: power ratios.

    Returns:
        float64 [n, modulations].
    """
    symbols, count = received.symbols, received.symbols.shape[1]
    power = symbols.abs().square().mean(dim=1, keepdim=True).clamp(min=1e-30)
    found = []
    for ratio in snr:
        noise = torch.full_like(received.noise, 1 / ratio)
        scaled = Received(symbols * ((1 + 1 / ratio) / power).sqrt(), None, noise)
        # of windows of unit power, whose energy is that of so many symbols at any SNR
        shared = count * (math.log1p(ratio) - ratio)
        found.append(log_likelihoods(scaled, alphabets) + shared)
    return torch.logsumexp(torch.stack(found), dim=0) - math.log(len(snr))


@dataclass(frozen=True, eq=False)
class _Part:
    """Points that symbols are drawn from: a table, or levels of I and of Q independently."""

    points: Tensor | None
    levels: tuple[Tensor, Tensor] | None

    @property
    def size(self) -> int:
        """How many numbers a symbol is compared with at once."""
        if self.levels is None:
            assert self.points is not None
            return len(self.points)
        return max(map(len, self.levels))


def _parts(alphabet: Alphabet) -> list[_Part]:
    """Return what symbols are drawn from; two parts where they come from each by turns."""
    points = alphabet.points
    return [_part(points[0::2]), _part(points[1::2])] if alphabet.alternating else [_part(points)]


def _part(points: np.ndarray) -> _Part:
    axes = [np.unique(np.round(axis, 9)) for axis in (points.real, points.imag)]
    if len(axes[0]) * len(axes[1]) == len(points):
        both = [torch.from_numpy(axis).float() for axis in axes]
        return _Part(None, (both[0], both[1]))
    return _Part(torch.from_numpy(points.astype(np.complex64)), None)


@dataclass(frozen=True, eq=False)
class _Scored:
    """Windows under one alphabet."""

    received: Received
    alphabet: Alphabet
    parts: Sequence[_Part]

    def at(self, phase: Tensor | None = None, gain: Tensor | None = None) -> Tensor:
        """Return the likelihood [n] of a channel of this phase and gain, [n] each or none."""
        symbols, noise = self.received.symbols, self.received.noise
        early = self.received.early if self.alphabet.offset else None
        if phase is not None:
            scale = torch.ones_like(noise) if gain is None else 1 / gain
            factor = torch.polar(scale.float(), -phase.float())[:, None]
            symbols, noise = symbols * factor, noise * scale.square()
            early = None if early is None else early * factor
        in_phase = symbols.real if early is None else early.real
        return self._summed(in_phase, symbols.imag, (1 / noise).float()[:, None])

    def _summed(self, in_phase: Tensor, quadrature: Tensor, inverse: Tensor) -> Tensor:
        """Return the sum of the scores of all symbols, of as many at once as memory allows."""
        rows, count = in_phase.shape
        size = max(part.size for part in self.parts)
        width = max(2, _AT_ONCE // (rows * size) // 2 * 2)  # even, for those that take turns
        orders = [in_phase.new_zeros(rows, dtype=torch.float64) for _ in self.parts]
        for first in range(0, count, width):
            some = slice(first, first + width)
            each = [
                _score(part, in_phase[:, some], quadrature[:, some], inverse).double()
                for part in self.parts
            ]
            for place, order in enumerate(orders):
                order += each[place][:, 0::2].sum(dim=1) + each[place - 1][:, 1::2].sum(dim=1)
        if len(orders) == 1:
            return orders[0]
        return torch.logaddexp(*orders) - math.log(2)

    @property
    def sector(self) -> float:
        """The angle by which a turn leaves the alphabet, and the order of I and Q, as they are."""
        order = attributes_of_alphabet(self.alphabet).symmetry
        return 2 * math.pi / (math.gcd(order, 2) if self.alphabet.offset else order)

    @property
    def sharpest(self) -> float:
        """Half of the least deviation that estimates of the phase have (Cramer and Rao)."""
        noise, count = float(self.received.noise.min()), self.received.symbols.shape[1]
        return math.sqrt(noise / (2 * count)) / 2


def _score(part: _Part, in_phase: Tensor, quadrature: Tensor, inverse: Tensor) -> Tensor:
    """Return log mean_m exp((2 Re(z a_m*) - |a_m|^2) / s^2), float32 [n, symbols]."""
    if part.levels is not None:
        axes = zip((in_phase, quadrature), part.levels, strict=True)
        scores = [_axis(values, levels, inverse) for values, levels in axes if levels.any()]
        return scores[0] if len(scores) == 1 else scores[0] + scores[1]
    assert part.points is not None
    points = part.points[:, None, None]
    towards = 2 * (in_phase * points.real + quadrature * points.imag) - points.abs().square()
    return torch.logsumexp(towards * inverse, dim=0) - math.log(len(points))


def _axis(values: Tensor, levels: Tensor, inverse: Tensor) -> Tensor:
    steps = levels[:, None, None]
    towards = (2 * values * steps - steps.square()) * inverse
    return torch.logsumexp(towards, dim=0) - math.log(len(levels))


def _averaged(scored: _Scored) -> Tensor:
    """Return the likelihood averaged over the phase.

    As a function of the phase it is periodic and little sharper than a normal density of the
    Cramer-Rao deviation, so that equal steps of half of that integrate it. Where those are more
    than `_MOST_PHASES` they are taken around the largest, and coarser ones elsewhere; more closely
    around it where even there they are more than `_MOST_STEPS`.
    """
    wanted = math.ceil(scored.sector / scored.sharpest)
    count = min(max(wanted, 8), _MOST_PHASES)
    step = scored.sector / count
    like = scored.received.noise
    coarse = torch.stack([scored.at(torch.full_like(like, step * k)) for k in range(count)])
    if wanted <= _MOST_PHASES:
        return torch.logsumexp(coarse, dim=0) - math.log(count)
    best = coarse.argmax(dim=0)
    center, wide = best * step, step
    while 3 * wide / scored.sharpest > _MOST_STEPS:
        wide /= _ZOOM
        steps = range(-2 * _ZOOM, 2 * _ZOOM + 1)
        tried = torch.stack([scored.at(center + wide * k) for k in steps])
        center = center + (tried.argmax(dim=0) - 2 * _ZOOM) * wide
    fine = 1.5 * wide / math.ceil(1.5 * wide / scored.sharpest)
    reach = round(1.5 * wide / fine)
    near = torch.stack([scored.at(center + fine * k) for k in range(-reach, reach + 1)])
    near[[0, -1]] -= math.log(2)  # the ends of a trapezium
    away = (torch.arange(count)[:, None] - best + 1) % count > 2
    rest = coarse.masked_fill(~away, -math.inf)
    parts = torch.logsumexp(near, dim=0) + math.log(fine), rest.logsumexp(dim=0) + math.log(step)
    return torch.logaddexp(*parts) - math.log(scored.sector)


def _maximised(scored: _Scored) -> Tensor:
    """Return the largest likelihood over phase and gain.

    From the best of equal phases, at the gain that the power tells, the search goes to the better
    neighbour in either, and halves its steps where there is none, down to half of the Cramer-Rao
    deviation, which is the same for the phase in radians and the gain as a share of itself.
    """
    received = scored.received
    power = received.symbols.abs().square().mean(dim=1).to(received.noise.dtype)
    gain = (power - received.noise).clamp(min=0.01 * power).sqrt()
    count = min(max(math.ceil(scored.sector / scored.sharpest), 8), _MOST_PHASES)
    turn = scored.sector / count
    phases = [scored.at(torch.full_like(gain, turn * k), gain) for k in range(count)]
    best, place = torch.stack(phases).max(dim=0)
    phase = place * turn
    step = torch.full_like(gain, max(turn, 1 / math.sqrt(received.symbols.shape[1])) / 2)
    for _ in range(_SEARCH):
        if bool((step <= scored.sharpest).all()):
            break
        moved = torch.zeros_like(step, dtype=torch.bool)
        start = phase, gain
        for turned, grown in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            tried = start[0] + turned * step, start[1] * (1 + grown * step)
            found = scored.at(*tried)
            better = found > best
            best = torch.where(better, found, best)
            phase = torch.where(better, tried[0], phase)
            gain = torch.where(better, tried[1], gain)
            moved |= better
        step = torch.where(moved, step, step / 2)
    return best
