"""From the name of a modulation to its waveform."""

from collections.abc import Callable, Iterable
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from hertzian.signal import HertzianError, canonical
from hertzian.waveforms.analog import (
    AmplitudeModulation,
    FrequencyModulation,
    SingleSideband,
    SingleSidebandWithCarrier,
    SuppressedCarrier,
)
from hertzian.waveforms.base import Waveform, WaveformError
from hertzian.waveforms.cck import ComplementaryCodeKeying
from hertzian.waveforms.chirp import ChirpSpreadSpectrum
from hertzian.waveforms.fsk import FrequencyShiftKeying
from hertzian.waveforms.keying import AmplitudeKeying, PulsePosition
from hertzian.waveforms.linear import Linear
from hertzian.waveforms.ofdm import OFDM
from hertzian.waveforms.offset_spread import SpreadOffsetQPSK
from hertzian.waveforms.radar import FMCW, LinearChirp, PulsedCarrier
from hertzian.waveforms.spread import DirectSequence
from hertzian.waveforms.tone import Carrier, Noise

ENTRY_POINTS = "hertzian.waveforms"
"""Entry-point group in which other packages offer waveforms: label -> `Waveform` subclass."""

_CLASSES: tuple[type[Waveform], ...] = (
    *(Linear, AmplitudeKeying, PulsePosition, FrequencyShiftKeying),
    *(AmplitudeModulation, SuppressedCarrier, SingleSideband, SingleSidebandWithCarrier),
    *(FrequencyModulation, PulsedCarrier, LinearChirp, FMCW, ChirpSpreadSpectrum),
    *(DirectSequence, ComplementaryCodeKeying, SpreadOffsetQPSK, OFDM, Carrier, Noise),
)

CATALOGUE: dict[str, Callable[..., Waveform]] = {
    label: kind for kind in _CLASSES for label in kind.labels
}
"""Label -> what makes its waveform, called with `label` and the parameters; ours and others'."""


def _load_and_make(point: EntryPoint, **parameters: Any) -> Waveform:
    waveform: Waveform = point.load()(**parameters)
    return waveform


def offered(points: Iterable[EntryPoint]) -> dict[str, Callable[..., Waveform]]:
    """Return label -> what makes the waveform of another package, which is loaded when called."""
    return {point.name: partial(_load_and_make, point) for point in points}


CATALOGUE.update(offered(entry_points(group=ENTRY_POINTS)))


def _find(name: str) -> str:
    spellings = {label.casefold(): label for label in CATALOGUE}
    spelled = spellings.get(name.strip().casefold())
    label = canonical(name) if spelled is None else spelled
    if label not in CATALOGUE:
        raise WaveformError(f"no waveform generates {label}; known are {', '.join(CATALOGUE)}")
    return label


def make(name: str, **parameters: Any) -> Waveform:
    """Return the waveform of a modulation, by any of its spellings, with these parameters.

    Raises:
        HertzianError: the name is unknown or has no waveform, or a parameter is not one of its own
            or out of range.
    """
    label = _find(name)
    try:
        return CATALOGUE[label](label=label, **parameters)
    except TypeError as error:
        raise HertzianError(f"{label}: {error}") from error
