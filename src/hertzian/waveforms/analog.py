"""Analog amplitude and frequency modulation of a message."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from hertzian.waveforms.base import Waveform, require, rotate
from hertzian.waveforms.messages import MESSAGES, message


def _check_message(kind: str, bandwidth: float) -> None:
    require(kind in MESSAGES, f"unknown message {kind!r}; known are {', '.join(MESSAGES)}")
    require(0 < bandwidth <= 0.5, f"message bandwidth is from 0 to 0.5, not {bandwidth}")


def _check_index(index: float) -> None:
    require(0 < index <= 1, f"modulation index is from 0 to 1, not {index}")


def _check_side(side: str) -> None:
    require(side in ("upper", "lower"), f"side is upper or lower, not {side!r}")


def _upper_sideband(m: torch.Tensor) -> torch.Tensor:
    """Return [m + j H(m)] / 2, complex64 [batch, samples], without the message's constant part."""
    half = torch.fft.rfft(m)
    half[:, 0] = 0
    sideband: torch.Tensor = torch.fft.ifft(half, n=m.shape[-1])
    return sideband


@dataclass(frozen=True)
class AmplitudeModulation(Waveform):
    """Both sidebands and the carrier: x = (1 + mu m) / sqrt(1 + mu^2 mean m^2), max |m| = 1.

    Carrier and sidebands together have unit power in every example.

    Attributes:
        label: AM-DSB.
        message_bandwidth: W in cycles per sample, up to 0.5.
        modulation_index: mu, 0 to 1, reached at the message's peak.
        message: one of `MESSAGES`.
    """

    labels: ClassVar[tuple[str, ...]] = ("AM-DSB",)

    label: str = "AM-DSB"
    message_bandwidth: float = 0.05
    modulation_index: float = 0.8
    message: str = "speech"

    def _check(self) -> None:
        _check_message(self.message, self.message_bandwidth)
        _check_index(self.modulation_index)

    @property
    def occupied_bandwidth(self) -> float:
        """2 W, the necessary bandwidth of A3E (ITU-R SM.1138); the voice itself fills less."""
        return 2 * self.message_bandwidth

    def _generate(self, batch: int, samples: int, generator: torch.Generator) -> torch.Tensor:
        m = message(self.message, batch, samples, self.message_bandwidth, generator)
        envelope = 1 + self.modulation_index * m
        power = envelope.square().mean(dim=1, keepdim=True)
        return (envelope / torch.sqrt(power)).to(torch.complex64)


@dataclass(frozen=True)
class SuppressedCarrier(Waveform):
    """Both sidebands, no carrier: x = m / sqrt(mean m^2), real; every example has unit power.

    The message's constant part, which would be a carrier, is left out.

    Attributes:
        label: AM-DSB-SC.
        message_bandwidth: W in cycles per sample, up to 0.5.
        message: one of `MESSAGES`.
    """

    labels: ClassVar[tuple[str, ...]] = ("AM-DSB-SC",)

    label: str = "AM-DSB-SC"
    message_bandwidth: float = 0.05
    message: str = "speech"

    def _check(self) -> None:
        _check_message(self.message, self.message_bandwidth)

    @property
    def occupied_bandwidth(self) -> float:
        """2 W, from the lowest to the highest sideband; the voice itself fills less."""
        return 2 * self.message_bandwidth

    def _generate(self, batch: int, samples: int, generator: torch.Generator) -> torch.Tensor:
        m = message(self.message, batch, samples, self.message_bandwidth, generator)
        m = m - m.mean(dim=1, keepdim=True)
        power = m.square().mean(dim=1, keepdim=True)
        return torch.div(m, torch.sqrt(power).clamp(min=1e-20)).to(torch.complex64)


@dataclass(frozen=True)
class SingleSideband(Waveform):
    """One sideband, no carrier: x = m + j H(m) or its conjugate, H the Hilbert transform by FFT.

    Every example has unit power; its zero frequency stands for the suppressed carrier.

    Attributes:
        label: AM-SSB.
        message_bandwidth: W in cycles per sample, up to 0.5.
        side: "upper" (0 to W) or "lower" (-W to 0).
        message: one of `MESSAGES`.
    """

    labels: ClassVar[tuple[str, ...]] = ("AM-SSB",)

    label: str = "AM-SSB"
    message_bandwidth: float = 0.1
    side: str = "upper"
    message: str = "speech"

    def _check(self) -> None:
        _check_message(self.message, self.message_bandwidth)
        _check_side(self.side)

    @property
    def occupied_bandwidth(self) -> float:
        """W, the necessary bandwidth of J3E (ITU-R SM.1138); the voice itself fills less."""
        return self.message_bandwidth

    def _generate(self, batch: int, samples: int, generator: torch.Generator) -> torch.Tensor:
        m = message(self.message, batch, samples, self.message_bandwidth, generator)
        x = _upper_sideband(m)
        power = x.abs().square().mean(dim=1, keepdim=True)
        x = torch.div(x, torch.sqrt(power).clamp(min=1e-20))
        return x if self.side == "upper" else x.conj().resolve_conj()


@dataclass(frozen=True)
class SingleSidebandWithCarrier(Waveform):
    """One sideband and its carrier: x = (1 + mu s) / sqrt(1 + mu^2 mean |s|^2), max |s| = 1.

    s = m + j H(m) or its conjugate, scaled to its peak, so that mu = 1 puts the carrier 6 dB below
    the peak envelope power, the least that ITU-R SM.326 calls a full carrier. Carrier and sideband
    together have unit power in every example.

    Attributes:
        label: AM-SSB-WC.
        message_bandwidth: W in cycles per sample, up to 0.5.
        modulation_index: mu, 0 to 1, the sideband's peak amplitude over the carrier's.
        side: "upper" (0 to W) or "lower" (-W to 0).
        message: one of `MESSAGES`.
    """

    labels: ClassVar[tuple[str, ...]] = ("AM-SSB-WC",)

    label: str = "AM-SSB-WC"
    message_bandwidth: float = 0.1
    modulation_index: float = 0.8
    side: str = "upper"
    message: str = "speech"

    def _check(self) -> None:
        _check_message(self.message, self.message_bandwidth)
        _check_index(self.modulation_index)
        _check_side(self.side)

    @property
    def occupied_bandwidth(self) -> float:
        """W, the necessary bandwidth of H3E (ITU-R SM.1138); the voice itself fills less."""
        return self.message_bandwidth

    def _generate(self, batch: int, samples: int, generator: torch.Generator) -> torch.Tensor:
        m = message(self.message, batch, samples, self.message_bandwidth, generator)
        s = _upper_sideband(m)
        peak = s.abs().amax(dim=1, keepdim=True).clamp(min=1e-20)
        x = 1 + self.modulation_index * torch.div(s, peak)
        power = x.abs().square().mean(dim=1, keepdim=True)
        x = torch.div(x, torch.sqrt(power))
        return x if self.side == "upper" else x.conj().resolve_conj()


@dataclass(frozen=True)
class FrequencyModulation(Waveform):
    """Frequency modulation: instantaneous frequency deviation times m, max |m| = 1.

    Attributes:
        label: NBFM or WBFM.
        message_bandwidth: W in cycles per sample, up to 0.5.
        deviation: peak deviation D in cycles per sample; None is 0.8 W (NBFM, as 2.4 kHz of 3 kHz)
            or 5 W (WBFM, as 75 kHz of 15 kHz).
        message: one of `MESSAGES`; "stereo" and "video" are what broadcast and video links send.
        pre_emphasis: raise the message's treble by 6 dB per octave above W / 7 before its peak is
            scaled, as 75 us does for 15 kHz.
    """

    labels: ClassVar[tuple[str, ...]] = ("NBFM", "WBFM")

    label: str = "NBFM"
    message_bandwidth: float = 0.05
    deviation: float | None = None
    message: str = "speech"
    pre_emphasis: bool = False

    def _check(self) -> None:
        _check_message(self.message, self.message_bandwidth)
        given = self.deviation
        require(given is None or given > 0, f"deviation is positive, not {given}")
        require(self.peak <= 0.5, f"a deviation of {self.peak} cycles per sample folds over")

    @property
    def peak(self) -> float:
        """Peak deviation in force: given, or the label's own."""
        if self.deviation is not None:
            return self.deviation
        return self.message_bandwidth * (0.8 if self.label == "NBFM" else 5.0)

    @property
    def occupied_bandwidth(self) -> float:
        """Carson's rule, 2 (D + W): the necessary bandwidth of F3E (ITU-R SM.1138)."""
        return min(1.0, 2 * (self.peak + self.message_bandwidth))

    def _generate(self, batch: int, samples: int, generator: torch.Generator) -> torch.Tensor:
        m = message(
            self.message, batch, samples, self.message_bandwidth, generator, self.pre_emphasis
        )
        return rotate(torch.cumsum(self.peak * m.double(), dim=1))
