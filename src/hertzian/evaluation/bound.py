"""The likelihood classifiers by name, on the windows of a dataset whose symbols are known."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from hertzian.datasets.dataset import Dataset, Float32
from hertzian.datasets.keyed import Keyed
from hertzian.datasets.presets import PRESETS
from hertzian.evaluation.classes import EvaluationError
from hertzian.evaluation.likelihood import Knowing, Received, log_likelihoods, over_noise, over_snr
from hertzian.evaluation.metrics import evaluation_block, softmax
from hertzian.signal import LINEAR, HertzianError, alphabet_of, canonical, from_channels
from hertzian.waveforms.pulses import root_raised_cosine

_CUT = 2  # symbols of either end, of whose pulse a part may lie outside the window
_FEWEST = 1
_LARGEST_DB = 100
_TINY, _ENDLESS = 1e-60, 1e12


@dataclass(frozen=True)
class Bound:
    """A likelihood classifier.

    Attributes:
        knowing: what it knows of the channel, beside the SNR of each window.
        averaged: what it doesn't know of it instead: the "snr", where those of the data are
            equally likely, or the "gain" as well.
        says: what it is, for people.
    """

    knowing: Knowing
    averaged: Literal["snr", "gain"] | None
    says: str


BOUNDS = {
    "likelihood": Bound("all", None, "phase, gain and SNR known: the bound"),
    "likelihood-snr": Bound("all", "snr", "phase and gain known, SNR not"),
    "likelihood-gain": Bound("all", "gain", "phase known, neither gain nor SNR"),
    "likelihood-phase": Bound("no phase", None, "gain and SNR known, averaged over the phase"),
    "likelihood-hybrid": Bound("no phase and gain", None, "SNR known, phase and gain estimated"),
}
"""Name -> classifier; `hertzian evaluate` takes these names for models."""


def keyed(dataset: Dataset, data: str) -> Keyed:
    """Return how the symbols of a dataset lie in its windows.

    Raises:
        EvaluationError: it doesn't tell, or has modulations of no symbol alphabet.
    """
    without = [name for name in dataset.modulations if not _linear(name)]
    if without:
        raise EvaluationError(
            f"{data}: a likelihood is worked out of symbols, and {', '.join(without)} has no "
            f"alphabet of them"
        )
    preset = PRESETS.get(dataset.preset)
    if preset is not None and preset.keyed is not None:
        if dataset.x.shape[2] == preset.samples:
            return preset.keyed
        raise EvaluationError(
            f"{data}: windows of {preset.name} have {preset.samples} samples, not "
            f"{dataset.x.shape[2]}; shorter or longer ones have lost their symbols' timing"
        )
    if not dataset.preset and _at_symbol_rate(dataset):
        return Keyed(by_window=True, known_gain=False)
    known = ", ".join(name for name, preset in PRESETS.items() if preset.keyed is not None)
    raise EvaluationError(
        f"{data}: a likelihood needs known timing and pulses, which windows of the presets "
        f"{known} have, and windows of one sample a symbol whose symbol rate is their sample rate"
    )


def _linear(name: str) -> bool:
    try:
        return canonical(name) in LINEAR
    except HertzianError:
        return False


def _at_symbol_rate(dataset: Dataset) -> bool:
    rate = dataset.symbol_rate_hz
    return rate is not None and bool(np.allclose(rate, dataset.sample_rate_hz, rtol=1e-6))


class LikelihoodClassifier:
    """A classifier of `BOUNDS` for windows of known symbols.

    Args:
        name: of the classifier.
        symbols: how they lie in the windows.
        modulations: by any of their spellings.
        snr_db: SNRs that there are.

    Raises:
        EvaluationError: no classifier has this name, or it can't be had of such symbols.
    """

    def __init__(
        self, name: str, symbols: Keyed, modulations: Sequence[str], snr_db: npt.ArrayLike
    ) -> None:
        if name not in BOUNDS:
            raise EvaluationError(
                f"no likelihood is called {name!r}; known are {', '.join(BOUNDS)}"
            )
        self.bound, self.symbols = BOUNDS[name], symbols
        self.alphabets = [alphabet_of(modulation) for modulation in modulations]
        self.levels = np.unique(np.asarray(snr_db, dtype=np.float64))
        if not (np.abs(self.levels) <= _LARGEST_DB).all():
            raise EvaluationError(
                f"{name}: every window needs an SNR from -{_LARGEST_DB} to {_LARGEST_DB} dB"
            )
        if self.bound.averaged and symbols.samples_per_symbol > 1:
            raise EvaluationError(
                f"{name}: an unknown SNR is averaged over in windows of one sample a symbol alone, "
                f"as those of possible-6 are"
            )
        if self.bound.averaged == "snr" and not symbols.known_gain:
            raise EvaluationError(f"{name}: the gain of these windows isn't known; likelihood-gain")

    def log_likelihoods(self, x: Float32, snr_db: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return float64 [n, modulations] of windows [n, 2, samples] and the SNR of each."""
        received = received_of(x, snr_db, self.symbols)
        ratios = 10 ** (self.levels / 10)
        if self.bound.averaged == "snr":
            found = over_noise(received, self.alphabets, (1 / ratios).tolist())
        elif self.bound.averaged == "gain":
            found = over_snr(received, self.alphabets, ratios.tolist())
        else:
            found = log_likelihoods(received, self.alphabets, self.bound.knowing)
        return found.numpy()


def received_of(x: Float32, snr_db: npt.ArrayLike, symbols: Keyed) -> Received:
    """Return windows [n, 2, samples] behind the matched filter.

    Pulses that reach out of the window are cut, so that of several samples a symbol two symbols of
    either end are left out.

    Raises:
        EvaluationError: no symbol is left.
    """
    noise = 10 ** (-torch.as_tensor(np.asarray(snr_db, dtype=np.float64)) / 10)
    windows = torch.from_numpy(from_channels(x))
    power = windows.abs().double().square().mean(dim=1)
    if not symbols.known_gain:
        scale = ((1 + noise) / power.clamp(min=_TINY)).sqrt()
        windows = windows * scale.float()[:, None]
    elif symbols.by_window:
        # what is silent is as likely of any modulation
        noise = torch.where(power > 0, noise / (1 + noise) * power, _ENDLESS)
    step = symbols.samples_per_symbol
    if step == 1:
        return Received(windows, None, noise)
    count = -(-windows.shape[1] // step) - 2 * _CUT
    if count < _FEWEST:
        raise EvaluationError(
            f"windows of {windows.shape[1]} samples at {step} a symbol are too short for a "
            f"likelihood, which leaves out {_CUT} symbols of either end"
        )
    early = _filtered(windows, symbols, -step // 2, count) if step % 2 == 0 else None
    return Received(_filtered(windows, symbols, 0, count), early, noise / step)


def _filtered(windows: Tensor, symbols: Keyed, late: int, count: int) -> Tensor:
    """Return the matched filter's output at the middle of each symbol, so many samples later."""
    step, reach = symbols.samples_per_symbol, symbols.span // 2 * symbols.samples_per_symbol
    pulse = root_raised_cosine(np.arange(-reach, reach + 1) / step, symbols.roll_off)
    taps = torch.from_numpy(pulse / (pulse**2).sum()).float()[None, None]
    first = _CUT * step + late - reach
    last = first + (count - 1) * step + 2 * reach + 1
    padded = nn.functional.pad(
        torch.view_as_real(windows).permute(0, 2, 1).flatten(0, 1)[:, None],
        (max(0, -first), max(0, last - windows.shape[1])),
    )
    start = max(0, first)
    passed = nn.functional.conv1d(padded[..., start : start + last - first], taps, stride=step)
    parts = passed.reshape(len(windows), 2, count)
    return torch.complex(parts[:, 0].contiguous(), parts[:, 1].contiguous())


def evaluate_likelihood(
    name: str,
    dataset: Dataset,
    *,
    data: str,
    advance: Callable[[float], None] = lambda windows: None,
) -> dict[str, Any]:
    """Return the block of `evaluate --json` for a classifier of `BOUNDS` on windows.

    Args:
        name: of the classifier.
        dataset: the windows.
        data: how to name them.
        advance: told how many windows are done.

    Raises:
        EvaluationError: the data don't tell what it needs to know.
    """
    if not len(dataset):
        raise EvaluationError(f"{data}: holds no example to evaluate")
    classifier = LikelihoodClassifier(
        name, keyed(dataset, data), dataset.modulations, dataset.snr_db
    )
    found = []
    for place, x in dataset.batches():
        found.append(classifier.log_likelihoods(x, dataset.snr_db[place]))
        advance(len(x))
    return evaluation_block(
        model=name,
        data=data,
        classes=tuple(map(canonical, dataset.modulations)),
        probabilities=softmax(np.concatenate(found)),
        truth=dataset.modulation,
        snr_db=dataset.snr_db,
    )
