"""Scenes: what a `field` recording is drawn from, as different receivers hear it."""

from dataclasses import dataclass

from hertzian.datasets.emitters import EMITTED, Style


@dataclass(frozen=True)
class Scene:
    """What a field recording is drawn from.

    Attributes:
        samples: least and most samples of a recording.
        emitters: least and most emitters in it.
        bandwidth: least and most occupied bandwidth, cycles per sample (log-uniform).
        snr_db: least and most in-band SNR.
        units: least and most symbols (or codes, message periods) of a burst.
        whole_units: least sweeps, pulses or OFDM symbols of a burst of these.
        loud: probability of an emitter up to 20 dB over `snr_db`, which may saturate the receiver.
        unknown: probability of a signal of no known kind, among emitters.
        noise: probability of a burst of coloured noise, among emitters.
        held_back: whether unknown signals are those kept for tests.
        labels: that emitters may have; one that stands there twice is drawn twice as often.
        filling: probability of a burst as long as the recording.
        style: of the emitters, see `draw_emitter`; any but "plain" may overload the receiver, and
            "cheap" ones leak, and drive its gain.
        rolled_off: probability that the receiver's filter shows at the edges of the band.
        protocols: share of the emitters that send a protocol, each as often as any other.
    """

    samples: tuple[int, int] = (32_768, 131_072)
    emitters: tuple[int, int] = (1, 5)
    bandwidth: tuple[float, float] = (0.006, 0.85)
    snr_db: tuple[float, float] = (-3.0, 30.0)
    units: tuple[float, float] = (64.0, 4096.0)
    whole_units: float = 8.0
    loud: float = 0.15
    unknown: float = 0.04
    noise: float = 0.04
    held_back: bool = False
    labels: tuple[str, ...] = EMITTED
    filling: float = 0.0
    style: Style = "plain"
    rolled_off: float = 0.3
    protocols: float = 0.0


def close_scene() -> Scene:
    """Return what a receiver beside its transmitters hears: strong, wide, lasting, often one."""
    frequent = (
        *("OOK", "OOK", "OOK", "OFDM", "OFDM", "OFDM", "2FSK", "2FSK", "GFSK"),
        *("PPM", "WBFM", "AM-SSB"),
    )
    return Scene(
        samples=(12_000, 131_072),
        emitters=(1, 2),
        bandwidth=(0.02, 0.88),
        snr_db=(8.0, 42.0),
        filling=0.35,
        noise=0.06,
        labels=(*frequent, *frequent, *EMITTED),
        style="close",
        rolled_off=0.4,
    )


def cheap_scene() -> Scene:
    """Return what is heard of remotes and sensors: free-running, leaking, driving the gain."""
    frequent = ("OOK", "OOK", "OOK", "OOK", "PPM", "PCW", "2FSK", "2FSK", "GFSK", "4ASK")
    return Scene(
        samples=(32_768, 196_608),
        emitters=(1, 2),
        bandwidth=(0.02, 0.5),
        snr_db=(8.0, 42.0),
        units=(32.0, 1024.0),
        filling=0.3,
        unknown=0.02,
        noise=0.04,
        labels=(*frequent, *frequent, *frequent, *EMITTED),
        style="cheap",
        rolled_off=0.2,
    )


def long_scene() -> Scene:
    """Return a band that was watched for long: whole transmissions, voices and steady carriers."""
    return Scene(
        samples=(200_000, 1_000_000),
        emitters=(2, 6),
        bandwidth=(0.01, 0.6),
        snr_db=(3.0, 35.0),
        units=(256.0, 4096.0),
        whole_units=16.0,
        labels=(*EMITTED, "CW", "CW", "CW", "AM-SSB", "AM-SSB", "AM-DSB", "AM-DSB", "WBFM"),
    )


def wide_scene() -> Scene:
    """Return what a receiver hears that is tuned to one signal nearly as wide as its band."""
    return Scene(
        samples=(12_000, 65_536),
        emitters=(1, 1),
        bandwidth=(0.45, 0.88),
        snr_db=(5.0, 35.0),
        units=(512.0, 16_384.0),
        filling=0.8,
        unknown=0.02,
        noise=0.0,
        labels=(
            *("OFDM", "OFDM", "OFDM", "OFDM", "OFDM", "WBFM", "2FSK", "GFSK", "4FSK", "BPSK"),
            *("QPSK", "8PSK", "16QAM", "64QAM", "DSSS-BPSK", "CSS", "LFM"),
        ),
        style="close",
        rolled_off=0.1,
    )
