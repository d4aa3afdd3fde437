"""The published datasets as facts: classes, levels, sizes and what their SNR labels mean.

Readers, presets and the downloader share these; the sources are in each entry.
"""

from dataclasses import dataclass

_RML_SNR_DB = tuple(map(float, range(-20, 19, 2)))
_GNURADIO_SNR = (
    "a label: the noise has the standard deviation 10^(-label/10), whatever the signal's power"
)


@dataclass(frozen=True)
class Kind:
    """One kind of example: its modulation and, where the set has them, its protocol."""

    modulation: str
    protocol: str | None = None


@dataclass(frozen=True)
class Published:
    """A published dataset.

    Attributes:
        name: as its authors call it.
        kinds: in the order of its files or papers, spelled as its files spell modulations.
        snr_db: its labels.
        samples: length of a window.
        per: examples of each kind at each label.
        sample_rate_hz: nominal; 1.0 where none is stated.
        snr_definition: what its labels say, in one sentence.
        source: the paper or page that describes it.
    """

    name: str
    kinds: tuple[Kind, ...]
    snr_db: tuple[float, ...]
    samples: int
    per: int
    sample_rate_hz: float
    snr_definition: str
    source: str

    @property
    def modulations(self) -> tuple[str, ...]:
        """Modulations in order, each once."""
        return tuple(dict.fromkeys(kind.modulation for kind in self.kinds))

    @property
    def protocols(self) -> tuple[str, ...]:
        """Protocols in order, each once; empty where the set has none."""
        names = (kind.protocol for kind in self.kinds)
        return tuple(dict.fromkeys(name for name in names if name is not None))


def _modulations(text: str) -> tuple[Kind, ...]:
    return tuple(map(Kind, text.split()))


_RML_PAPER = "O'Shea and West, Radio machine learning dataset generation with GNU Radio, 2016"

RML2016_10A = Published(
    name="RML2016.10a",
    kinds=_modulations("8PSK AM-DSB AM-SSB BPSK CPFSK GFSK PAM4 QAM16 QAM64 QPSK WBFM"),
    snr_db=_RML_SNR_DB,
    samples=128,
    per=1000,
    sample_rate_hz=200e3,
    snr_definition=_GNURADIO_SNR,
    source=_RML_PAPER,
)

RML2016_04C = Published(
    name="RML2016.04C",
    kinds=RML2016_10A.kinds,
    snr_db=_RML_SNR_DB,
    samples=128,
    per=737,  # the mean: classes differ
    sample_rate_hz=200e3,
    snr_definition=_GNURADIO_SNR,
    source=_RML_PAPER,
)

STREAM_BLOCK = 63
"""Windows of 04C that are a group: 20 blocks in the longest stream, the same times in every class.

The last window of a block reaches into the next one, so that it is in neither.
"""

RML2016_10B = Published(
    name="RML2016.10b",
    kinds=_modulations("8PSK AM-DSB BPSK CPFSK GFSK PAM4 QAM16 QAM64 QPSK WBFM"),
    snr_db=_RML_SNR_DB,
    samples=128,
    per=6000,
    sample_rate_hz=200e3,
    snr_definition=_GNURADIO_SNR,
    source=_RML_PAPER,
)

RML2018_01A = Published(
    name="RML2018.01A",
    kinds=_modulations(
        "OOK 4ASK 8ASK BPSK QPSK 8PSK 16PSK 32PSK 16APSK 32APSK 64APSK 128APSK 16QAM 32QAM 64QAM "
        "128QAM 256QAM AM-SSB-WC AM-SSB-SC AM-DSB-WC AM-DSB-SC FM GMSK OQPSK"
    ),
    snr_db=tuple(map(float, range(-20, 31, 2))),
    samples=1024,
    per=4096,
    sample_rate_hz=1.0,
    snr_definition="a label, as its authors give it",
    source="O'Shea, Roy and Clancy, Over-the-air deep learning based radio signal classification, "
    "2018",
)

HISARMOD = Published(
    name="HisarMod2019.1",
    kinds=_modulations(
        "BPSK QPSK 8PSK 16PSK 32PSK 64PSK 4QAM 8QAM 16QAM 32QAM 64QAM 128QAM 256QAM 2FSK 4FSK "
        "8FSK 16FSK 4PAM 8PAM 16PAM AM-DSB AM-DSB-SC AM-USB AM-LSB FM PM"
    ),
    snr_db=_RML_SNR_DB,
    samples=1024,
    per=1500,
    sample_rate_hz=1.0,
    snr_definition="a label, as its authors give it",
    source="Tekbiyik et al., Robust and fast automatic modulation classification with CNN under "
    "multipath fading channels, 2020",
)

_RADCOM_DYNAMIC = (
    Kind("PCW", "Airborne-detection"),
    Kind("PCW", "Airborne-range"),
    Kind("PCW", "Air-Ground-MTI"),
    Kind("PCW", "Ground mapping"),
    Kind("FMCW", "Radar-Altimeter"),
    Kind("BPSK", "SATCOM"),
    Kind("AM-DSB", "AM radio"),
    Kind("AM-SSB", "AM radio"),
    Kind("OOK", "Short-Range"),
)
_RADCOM_PAPER = (
    "Jagannath and Jagannath, Multi-task learning approach for modulation and wireless signal "
    "classification for 5G and beyond, 2022"
)

RADCOM_AWGN = Published(
    name="RadComAWGN",
    kinds=(
        *_RADCOM_DYNAMIC,
        Kind("GFSK", "Bluetooth"),
        Kind("DSSS-CCK", "802.11bg"),
        Kind("DSSS-OQPSK", "802.15.4"),
    ),
    snr_db=_RML_SNR_DB,
    samples=128,
    per=700,
    sample_rate_hz=10e6,
    snr_definition=_GNURADIO_SNR,
    source=_RADCOM_PAPER,
)

RADCOM_DYNAMIC = Published(
    name="RadComDynamic",
    kinds=_RADCOM_DYNAMIC,
    snr_db=_RML_SNR_DB,
    samples=128,
    per=700,
    sample_rate_hz=10e6,
    snr_definition=_GNURADIO_SNR,
    source=_RADCOM_PAPER,
)

RADCOM_OTA = Published(
    name="RadComOta",
    kinds=_RADCOM_DYNAMIC,
    snr_db=tuple(map(float, range(0, 33, 4))),
    samples=128,
    per=7000,
    sample_rate_hz=10e6,
    snr_definition="the transmitter's gain in decibels, not an SNR",
    source=_RADCOM_PAPER,
)

SIGZSL = Published(
    name="the set of SigZSLNet",
    kinds=_modulations("BPSK QPSK 2ASK 4ASK 16QAM 32QAM 64QAM"),
    snr_db=tuple(map(float, range(11))),
    samples=1024,
    per=400,
    sample_rate_hz=1.0,
    snr_definition="total signal power over noise power in the sampled band",
    source="SigZSLNet",
)
