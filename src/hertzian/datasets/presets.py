"""Presets: synthetic datasets by name, each a maker of cells of (kind, SNR)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, cast

from hertzian.datasets import possible, published, radcom_like, rml2016, rml2018, sigzsl
from hertzian.datasets.cells import FIELD_CLASSES, Cell, FieldCells
from hertzian.datasets.dataset import DatasetError
from hertzian.datasets.keyed import Keyed
from hertzian.datasets.making import Synthetic
from hertzian.datasets.published import Kind, Published
from hertzian.detection import WINDOW

_CHANNEL_SEED = re.compile(r"0|[1-9][0-9]{0,8}")
_TRUE_SNR = "mean power of the signal over that of the noise in the sampled band, of each window"


class Maker(Protocol):
    """What makes the windows of a preset."""

    @property
    def shared_groups(self) -> bool:
        """Whether equal groups of different cells are one realisation."""
        ...

    def cell(self, seed: int, kind: Kind, snr_db: float, count: int) -> Cell:
        """Return `count` windows; these four determine every byte of them."""
        ...

    def draw(self, seed: int, kind: Kind, snr_db: float, index: int, count: int) -> Cell:
        """Return `count` windows of the endless stream of a cell; every index has its own."""
        ...


@dataclass(frozen=True)
class Preset:
    """A synthetic dataset.

    Attributes:
        name: lower case, with hyphens.
        kinds: in the order of the labels.
        snr_db: of which there are examples unless others are asked for.
        samples: length of a window.
        sample_rate_hz: 1.0 where frequencies are relative to the sampling rate.
        snr_definition: one sentence.
        per: examples of each kind at each SNR unless another number is asked for; by the name of
            the modulation where it differs.
        maker: makes the windows.
        parallel: "processes" where Python does much of the work, "threads" where torch does it.
        keyed: what a likelihood needs to know of the symbols; None where they have no one timing.
    """

    name: str
    kinds: tuple[Kind, ...]
    snr_db: tuple[float, ...]
    samples: int
    sample_rate_hz: float
    snr_definition: str
    per: int | Mapping[str, int]
    maker: Maker
    parallel: str = "threads"
    keyed: Keyed | None = None

    @property
    def modulations(self) -> tuple[str, ...]:
        """Modulations in order, each once."""
        return tuple(dict.fromkeys(kind.modulation for kind in self.kinds))

    @property
    def protocols(self) -> tuple[str, ...]:
        """Protocols in order, each once; empty where the preset has none."""
        names = (kind.protocol for kind in self.kinds)
        return tuple(dict.fromkeys(name for name in names if name is not None))

    def count(self, kind: Kind, per: int | None = None) -> int:
        """Return how many examples of a kind there are at each SNR: `per`, or the preset's own."""
        if per is not None:
            return per
        return self.per if isinstance(self.per, int) else self.per[kind.modulation]


def _like(
    facts: Published,
    maker: Synthetic,
    *,
    snr_definition: str | None = None,
    per: int | Mapping[str, int] | None = None,
    keyed: Keyed | None = None,
) -> Preset:
    """Return a preset that follows a published set but for what is given."""
    return Preset(
        name=maker.name,
        kinds=facts.kinds,
        snr_db=facts.snr_db,
        samples=facts.samples,
        sample_rate_hz=facts.sample_rate_hz,
        snr_definition=snr_definition or facts.snr_definition,
        per=facts.per if per is None else per,
        maker=maker,
        keyed=keyed,
    )


_ALL = (
    _like(published.RML2016_10A, rml2016.RML2016_10A),
    _like(published.RML2016_10A, rml2016.RML2016_10A_CORRECTED, snr_definition=_TRUE_SNR),
    _like(published.RML2016_10B, rml2016.RML2016_10B),
    _like(published.RML2016_10B, rml2016.RML2016_10B_CORRECTED, snr_definition=_TRUE_SNR),
    _like(published.RML2016_04C, rml2016.RML2016_04C, per=rml2016.PER_04C),
    _like(
        published.RML2016_04C,
        rml2016.RML2016_04C_CORRECTED,
        per=rml2016.PER_04C,
        snr_definition=_TRUE_SNR,
    ),
    _like(
        published.RML2018_01A,
        rml2018.RML2018_01A_LIKE,
        snr_definition="energy per symbol of 8 samples over noise density, of each window",
    ),
    _like(published.RADCOM_AWGN, radcom_like.AWGN),
    _like(published.RADCOM_AWGN, radcom_like.AWGN_CORRECTED, snr_definition=_TRUE_SNR),
    _like(published.RADCOM_DYNAMIC, radcom_like.DYNAMIC),
    _like(published.RADCOM_DYNAMIC, radcom_like.DYNAMIC_CORRECTED, snr_definition=_TRUE_SNR),
    _like(published.RADCOM_OTA, radcom_like.GAIN),
    _like(published.SIGZSL, sigzsl.SIGZSL_7, snr_definition=_TRUE_SNR, keyed=sigzsl.KEYED),
    Preset(
        name="linear",
        kinds=sigzsl.LINEAR_KINDS,
        snr_db=tuple(map(float, range(0, 21, 2))),
        samples=published.SIGZSL.samples,
        sample_rate_hz=1.0,
        snr_definition=_TRUE_SNR,
        per=200,
        maker=sigzsl.LINEAR,
        keyed=sigzsl.KEYED,
    ),
    *(
        Preset(
            name=maker.name,
            kinds=possible.KINDS,
            snr_db=possible.SNR_DB,
            samples=symbols,
            sample_rate_hz=1.0,
            snr_definition=possible.SNR_DEFINITION,
            per=1000,
            maker=maker,
            keyed=Keyed(),
        )
        for symbols, maker in possible.SETS.items()
    ),
    Preset(
        name="field",
        kinds=tuple(map(Kind, FIELD_CLASSES)),
        # below, the detector hears next to nothing: there would be no windows
        snr_db=tuple(map(float, range(6, 31, 4))),
        samples=WINDOW,
        sample_rate_hz=1.0,
        snr_definition=(
            "mean power of the signal while it is on over the power of the noise within the "
            "signal's 99% occupied bandwidth, in the recording, after the channel"
        ),
        per=100,
        maker=FieldCells(),
        parallel="processes",
    ),
)

PRESETS: dict[str, Preset] = {preset.name: preset for preset in _ALL}
"""Name -> preset; a new one is one entry above."""


def find_preset(name: str) -> Preset:
    """Return a preset: by its name, or `NAME@SEED` for another course of a published channel.

    A published set whose windows all went through one course of the channel is one draw of many;
    `rml2016-10a@1` is another one, with all else drawn anew as well.

    Raises:
        DatasetError: there is none of this name, or its channel has no seed to change.
    """
    base, at, seed = name.partition("@")
    if base not in PRESETS:
        raise DatasetError(f"no preset is called {name!r}; known are {', '.join(PRESETS)}")
    preset = PRESETS[base]
    if not at:
        return preset
    source: Any = preset.maker.source if isinstance(preset.maker, Synthetic) else None
    if getattr(source, "channel_seed", None) is None:
        raise DatasetError(f"{name}: preset {base} has no single course of a channel to draw anew")
    if not _CHANNEL_SEED.fullmatch(seed):
        raise DatasetError(f"{name}: after @ comes the seed of a channel, such as {base}@1")
    source = replace(source, channel_seed=int(seed))
    maker = replace(cast(Synthetic, preset.maker), name=name, source=source)
    return replace(preset, name=name, maker=maker)
