"""What a file's name says of a recording, in the conventions of well-known programs."""

import re
from dataclasses import dataclass
from pathlib import Path

from hertzian.recordings.samples import raw_format


@dataclass(frozen=True)
class NameFacts:
    """What a name tells; None for what it does not."""

    sample_rate_hz: float | None = None
    center_frequency_hz: float | None = None


_UNITS = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9}

# gqrx_20180520_101530_433920000_2000000_fc.raw
_GQRX = re.compile(r"gqrx_\d{8}_\d{6}_(\d{1,12})_(\d{1,12})_fc", re.ASCII)

# SDRSharp_20150804_204045Z_97900000Hz_IQ.wav, HDSDR_20170101_120000Z_7100kHz_RF.wav
_TUNED = re.compile(r"_(\d{1,12}(?:\.\d{1,9})?)([kM]?)Hz_(?:IQ|RF)(?![A-Za-z0-9])", re.ASCII)

# SDRuno_20200907_184115Z_7100kHz.wav, baseband_97900000Hz_20-15-30_04-08-2021.wav
_PROGRAM = re.compile(
    r"(?:SDRSharp|HDSDR|SDRuno|SpectraVue|baseband)_(?:.*_)?(\d{1,12})(k?)Hz(?![A-Za-z0-9])",
    re.ASCII,
)

# 433.92M_250k (rtl_433) and 868.950M_1M6 (1M6 is 1.6 MHz): a frequency, then a rate. One number
# alone could be either, and is left.
_NUMBER = r"(\d{1,9}(?:\.\d{1,9})?[kMG]|\d{1,9}[kMG]\d{1,9})"
_PAIR = re.compile(
    rf"(?<![A-Za-z0-9.]){_NUMBER}(?:Hz)?[_-]{_NUMBER}(?:Hz|sps|Sps|SPS)?(?![A-Za-z0-9])", re.ASCII
)

# 2.4Msps: a rate by its unit
_RATE = re.compile(
    r"(?<![A-Za-z0-9.])(\d{1,12}(?:\.\d{1,9})?)([kMG]?)(?:sps|Sps|SPS)(?![A-Za-z0-9])", re.ASCII
)


def _hertz(number: str, unit: str) -> float:
    # 433.92 x 1e6 is not quite 433920000
    return round(float(number) * _UNITS[unit], 3)


def _value(text: str) -> float:
    unit = next(letter for letter in text if letter in "kMG")
    whole, fraction = text.split(unit)
    return _hertz(f"{whole}.{fraction}" if fraction else whole, unit)


def name_facts(name: str) -> NameFacts:
    """Return the sample rate and centre frequency, in hertz, that a file's name tells.

    Known are the names that rtl_433, gqrx, SDR#, HDSDR, SDRuno and SDR++ give, `868.95M_1M6`, and
    rates with a unit such as `2.4Msps`. What is ambiguous, like `20MHz`, tells nothing.
    """
    stem = Path(name).stem
    if gqrx := _GQRX.match(stem):
        return NameFacts(float(gqrx[2]), float(gqrx[1]))
    if pair := _PAIR.search(stem):
        return NameFacts(_value(pair[2]), _value(pair[1]))
    tuned = _TUNED.search(stem) or _PROGRAM.match(stem)
    rate = _RATE.search(stem)
    return NameFacts(
        _hertz(rate[1], rate[2]) if rate else None,
        _hertz(tuned[1], tuned[2]) if tuned else None,
    )


def format_of_name(name: str) -> str | None:
    """Return the raw format that a file's name says, or None; `.raw` says it for gqrx alone."""
    if name.startswith("gqrx_") and name.casefold().endswith(".raw"):
        return "cf32"
    return raw_format(Path(name).suffix.removeprefix("."))
