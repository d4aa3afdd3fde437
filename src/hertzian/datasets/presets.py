"""Presets: synthetic datasets by name, each a function that gives one cell of (class, SNR)."""

from collections.abc import Callable
from dataclasses import dataclass

from hertzian.datasets.cells import FIELD_CLASSES, Cell, field_cell
from hertzian.datasets.dataset import DatasetError
from hertzian.detection import WINDOW


@dataclass(frozen=True)
class Preset:
    """A synthetic dataset.

    Attributes:
        name: lower case, with hyphens.
        classes: in the order of the labels.
        snr_db: of which there are examples unless others are asked for.
        samples: length of a window.
        sample_rate_hz: 1.0 where frequencies are relative to the sampling rate.
        snr_definition: one sentence.
        cell: (seed, class, SNR in dB, examples) -> these examples, always the same bytes.
    """

    name: str
    classes: tuple[str, ...]
    snr_db: tuple[float, ...]
    samples: int
    sample_rate_hz: float
    snr_definition: str
    cell: Callable[[int, str, float, int], Cell]


_ALL = (
    Preset(
        name="field",
        classes=FIELD_CLASSES,
        # below, the detector hears next to nothing: there would be no windows
        snr_db=tuple(map(float, range(2, 31, 4))),
        samples=WINDOW,
        sample_rate_hz=1.0,
        snr_definition=(
            "mean power of the signal while it is on over the power of the noise within the "
            "signal's 99% occupied bandwidth, in the recording, after the channel"
        ),
        cell=field_cell,
    ),
)

PRESETS: dict[str, Preset] = {preset.name: preset for preset in _ALL}
"""Name -> preset; a new one is one entry above."""


def find_preset(name: str) -> Preset:
    """Return a preset.

    Raises:
        DatasetError: there is none of this name.
    """
    if name not in PRESETS:
        raise DatasetError(f"no preset is called {name!r}; known are {', '.join(PRESETS)}")
    return PRESETS[name]
