"""The stage that measures what a channel costs networks that have learnt without it."""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field, field_validator
from torch import Tensor

from hertzian.datasets.dataset import Float32
from hertzian.datasets.keyed import Keyed
from hertzian.datasets.possible import KINDS, MODULATIONS, SNR_DB, SymbolSource
from hertzian.datasets.randomness import generator
from hertzian.evaluation.bound import LikelihoodClassifier
from hertzian.experiments.classifiers.data import bar, split_data
from hertzian.experiments.classifiers.train import source_of, trained
from hertzian.experiments.possible import IMPAIRMENTS
from hertzian.experiments.stages import (
    ExperimentError,
    StageContext,
    StageOutcome,
    StageSettings,
    stage,
)
from hertzian.signal import canonical, to_channels

_MOST = {"phase": 0.5, "carrier": 0.5, "timing": 0.5, "rate": 0.1, "fading": 1e6}
_CHUNK = 256


class ImpairmentSettings(StageSettings):
    """`strengths` are those of each of `IMPAIRMENTS`; `per` windows of each class at each SNR.

    `likelihoods` are classifiers of `BOUNDS`, which know nothing of the impairment.
    """

    networks: tuple[str, ...] = Field(min_length=1)
    likelihoods: tuple[str, ...] = ("likelihood",)
    strengths: dict[str, tuple[float, ...]] = Field(min_length=1)
    per: int = Field(default=50, ge=1)
    snr: tuple[float, ...] = SNR_DB
    seed: int = Field(default=1, ge=0)

    @field_validator("strengths")
    @classmethod
    def _known(cls, strengths: dict[str, tuple[float, ...]]) -> dict[str, tuple[float, ...]]:
        for name, values in strengths.items():
            if name not in IMPAIRMENTS:
                raise ValueError(f"{name}: known impairments are {', '.join(IMPAIRMENTS)}")
            most = _MOST[name]
            if not values or min(values) < 0 or max(values) > most:
                raise ValueError(f"{name}: strengths are from 0 to {most:g}")
        return strengths


@stage("impairments", ImpairmentSettings, per_seed=True)
def impairments(settings: ImpairmentSettings, context: StageContext) -> StageOutcome:
    """Test networks and likelihoods on windows of each impairment."""
    sources = {name: source_of(context, name) for name in settings.networks}
    data = {split_data(context, source.data).samples for source in sources.values()}
    if len(data) > 1:
        raise ExperimentError("impairments: the networks have learnt windows of different lengths")
    symbols = data.pop()
    ask: dict[str, Callable[[Float32, Float32], npt.NDArray[Any]]] = {}
    for name, source in sources.items():
        if list(map(canonical, split_data(context, source.data).classes)) != list(MODULATIONS):
            raise ExperimentError(f"impairments: {name} has not learnt the classes of possible-6")
        ask[name] = _asking(trained(context, name))
    for name in settings.likelihoods:
        ask[name] = LikelihoodClassifier(name, Keyed(), MODULATIONS, settings.snr).log_likelihoods
    found: dict[str, dict[str, dict[str, float]]] = {}
    total = sum(map(len, settings.strengths.values()))
    with bar("impairments", total) as advance:
        for impairment, strengths in settings.strengths.items():
            found[impairment] = {name: {} for name in ask}
            for strength in strengths:
                changes: dict[str, Any] = {impairment: strength}
                source_of_symbols = replace(SymbolSource(symbols), **changes)
                right = _right(settings, source_of_symbols, ask, context.seed)
                for name, share in right.items():
                    found[impairment][name][f"{strength:g}"] = share
                advance(1)
            context.log(f"impairments: {impairment} done")
    return StageOutcome(metrics={context.folder.parent.name: {"impaired": found}})


def _asking(model: torch.nn.Module) -> Callable[[Float32, Float32], npt.NDArray[Any]]:
    def ask(x: Float32, snr_db: Float32) -> npt.NDArray[Any]:
        with torch.no_grad():
            answer: Tensor = model(torch.from_numpy(x))
        return answer.numpy()

    return ask


def _right(
    settings: ImpairmentSettings,
    source: SymbolSource,
    ask: dict[str, Callable[[Float32, Float32], npt.NDArray[Any]]],
    seed: int,
) -> dict[str, float]:
    """Return by name which share of the windows is told rightly, every SNR counting as much."""
    right = dict.fromkeys(ask, 0)
    total = 0
    for label, x, snr_db in _windows(settings, source, seed):
        for name, asked in ask.items():
            right[name] += int((asked(x, snr_db).argmax(axis=1) == label).sum())
        total += len(x)
    return {name: count / total for name, count in right.items()}


def _windows(
    settings: ImpairmentSettings, source: SymbolSource, seed: int
) -> Iterator[tuple[int, Float32, Float32]]:
    """Yield windows of each class at each SNR: the class, float32 [n, 2, symbols], SNRs [n].

    Those of equal seed have the same symbols, whatever the impairment.
    """
    word = zlib.crc32(b"impairments")
    for label, kind in enumerate(KINDS):
        for place, snr_db in enumerate(settings.snr):
            random = generator(word, settings.seed, seed, label, place)
            for first in range(0, settings.per, _CHUNK):
                count = min(_CHUNK, settings.per - first)
                parts = source.parts(kind, snr_db, count, random)
                x = to_channels((parts.signal + parts.noise).numpy())
                yield label, x, np.full(count, snr_db, np.float32)
