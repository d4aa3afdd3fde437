"""Clean complex baseband of every modulation, batched; the catalogue maps names to waveforms."""

from hertzian.waveforms.analog import (
    AmplitudeModulation,
    FrequencyModulation,
    SingleSideband,
    SingleSidebandWithCarrier,
    SuppressedCarrier,
)
from hertzian.waveforms.base import Waveform, WaveformError
from hertzian.waveforms.catalogue import CATALOGUE, make
from hertzian.waveforms.cck import ComplementaryCodeKeying, cck_codewords
from hertzian.waveforms.chirp import ChirpSpreadSpectrum
from hertzian.waveforms.fsk import FrequencyShiftKeying
from hertzian.waveforms.keying import AmplitudeKeying, PulsePosition
from hertzian.waveforms.linear import Linear
from hertzian.waveforms.messages import MESSAGES, message, speech_like
from hertzian.waveforms.ofdm import OFDM
from hertzian.waveforms.offset_spread import SpreadOffsetQPSK, chip_sequences
from hertzian.waveforms.radar import FMCW, LinearChirp, PulsedCarrier
from hertzian.waveforms.spread import CODES, DirectSequence, spreading_code
from hertzian.waveforms.tone import Carrier, Noise

__all__ = [
    "CATALOGUE",
    "CODES",
    "FMCW",
    "MESSAGES",
    "OFDM",
    "AmplitudeKeying",
    "AmplitudeModulation",
    "Carrier",
    "ChirpSpreadSpectrum",
    "ComplementaryCodeKeying",
    "DirectSequence",
    "FrequencyModulation",
    "FrequencyShiftKeying",
    "Linear",
    "LinearChirp",
    "Noise",
    "PulsePosition",
    "PulsedCarrier",
    "SingleSideband",
    "SingleSidebandWithCarrier",
    "SpreadOffsetQPSK",
    "SuppressedCarrier",
    "Waveform",
    "WaveformError",
    "cck_codewords",
    "chip_sequences",
    "make",
    "message",
    "speech_like",
    "spreading_code",
]
