"""The vocabulary: labels, definitions of SNR and bandwidth, constellations, transforms."""

from hertzian.signal.alphabets import Alphabet, alphabet_of
from hertzian.signal.attributes import Attributes, attributes_of, attributes_of_alphabet
from hertzian.signal.constellations import LINEAR, constellation
from hertzian.signal.detections import Detection, Summary, summarise
from hertzian.signal.errors import HertzianError
from hertzian.signal.heads import (
    BANDWIDTH_HZ,
    MODULATION,
    NO_PROTOCOL,
    POSITIVE,
    PROTOCOL,
    QUANTITIES,
    SNR_DB,
    SYMBOL_RATE_HZ,
)
from hertzian.signal.labels import (
    CORE,
    FAMILIES,
    LABELS,
    MERGED,
    Label,
    canonical,
    family_of,
    merged,
)
from hertzian.signal.located import Located
from hertzian.signal.measures import decibels, occupied_bandwidth, power_db
from hertzian.signal.transforms import from_channels, to_channels

__all__ = [
    "BANDWIDTH_HZ",
    "CORE",
    "FAMILIES",
    "LABELS",
    "LINEAR",
    "MERGED",
    "MODULATION",
    "NO_PROTOCOL",
    "POSITIVE",
    "PROTOCOL",
    "QUANTITIES",
    "SNR_DB",
    "SYMBOL_RATE_HZ",
    "Alphabet",
    "Attributes",
    "Detection",
    "HertzianError",
    "Label",
    "Located",
    "Summary",
    "alphabet_of",
    "attributes_of",
    "attributes_of_alphabet",
    "canonical",
    "constellation",
    "decibels",
    "family_of",
    "from_channels",
    "merged",
    "occupied_bandwidth",
    "power_db",
    "summarise",
    "to_channels",
]
