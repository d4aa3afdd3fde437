"""The label table: canonical modulation names, their families and their aliases."""

from dataclasses import dataclass

from hertzian.signal.errors import HertzianError


@dataclass(frozen=True)
class Label:
    """A modulation that Hertzian knows by name.

    Attributes:
        name: canonical name, as every output spells it.
        family: coarse class, one of `FAMILIES`.
        aliases: other spellings in the literature, matched without regard to case.
    """

    name: str
    family: str
    aliases: tuple[str, ...] = ()


_TABLE: dict[str, tuple[Label | str, ...]] = {
    "ask": (
        Label("OOK", "ask", ("2ASK", "on/off")),
        "4ASK",
        "8ASK",
        Label("4PAM", "ask", ("PAM4",)),
        "PPM",
    ),
    "fsk": ("2FSK", "4FSK", "GFSK", "GMSK", "MSK", "CPFSK"),
    "psk": ("BPSK", "QPSK", "8PSK", "16PSK", "32PSK", "OQPSK", "PI4-DQPSK"),
    "qam": (
        "8QAM",
        Label("16QAM", "qam", ("QAM16",)),
        "32QAM",
        Label("64QAM", "qam", ("QAM64",)),
        "128QAM",
        "256QAM",
        "12APSK",
        "16APSK",
        "32APSK",
        "64APSK",
        "128APSK",
    ),
    "ofdm": ("OFDM",),
    "am": (
        Label("AM-DSB", "am", ("AM-DSB-WC",)),
        "AM-DSB-SC",
        Label("AM-SSB", "am", ("AM-SSB-SC",)),
        "AM-SSB-WC",
    ),
    "fm": ("NBFM", Label("WBFM", "fm", ("FM",))),
    "chirp": ("LFM", "FMCW", Label("CSS", "chirp", ("LoRa",))),
    "pulse": (Label("PCW", "pulse", ("pulsed",)),),
    "dsss": ("DSSS-BPSK", "DSSS-CCK", "DSSS-OQPSK"),
    "carrier": ("CW",),
    "noise": ("noise",),
    "unknown": ("unknown",),
}

LABELS: dict[str, Label] = {
    label.name: label
    for family, entries in _TABLE.items()
    for label in (e if isinstance(e, Label) else Label(e, family) for e in entries)
}
"""Canonical name -> label, in the order of the families."""

FAMILIES: tuple[str, ...] = tuple(_TABLE)
"""Every family, in table order."""

CORE: tuple[str, ...] = (
    *("OOK", "4ASK", "4PAM", "PPM", "2FSK", "4FSK", "GFSK", "GMSK", "BPSK", "QPSK", "8PSK"),
    *("OQPSK", "16QAM", "64QAM", "16APSK", "OFDM", "CSS", "LFM", "PCW", "DSSS-BPSK"),
    *("AM-DSB", "AM-SSB", "NBFM", "WBFM", "CW", "noise"),
)
"""The labels that the shipped `field` model and its preset know."""

MERGED: dict[str, str] = {
    **{"PPM": "OOK", "GFSK": "2FSK", "GMSK": "2FSK", "MSK": "2FSK", "CPFSK": "2FSK"},
    **{"DSSS-BPSK": "BPSK", "NBFM": "WBFM"},
}
"""Labels that are a subset of another -> that other; the rest stand for themselves."""

_SPELLINGS: dict[str, str] = {
    spelling.casefold(): label.name
    for label in LABELS.values()
    for spelling in (label.name, *label.aliases)
}


def canonical(name: str) -> str:
    """Return the canonical spelling of a modulation's name.

    Raises:
        HertzianError: the table has no such name.
    """
    try:
        return _SPELLINGS[name.strip().casefold()]
    except KeyError:
        known = ", ".join(LABELS)
        raise HertzianError(f"unknown modulation {name!r}; known are {known}") from None


def family_of(name: str) -> str:
    """Return the family of a modulation, by any of its spellings."""
    return LABELS[canonical(name)].family


def merged(name: str) -> str:
    """Return the label that contains this one where labels are subsets of one another."""
    spelled = canonical(name)
    return MERGED.get(spelled, spelled)
