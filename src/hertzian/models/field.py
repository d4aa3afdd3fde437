"""The `field` network: detections of unknown signals in real captures."""

import torch
from torch import Tensor, nn

from hertzian.models.dropout import Dropout
from hertzian.models.layers import (
    ConvBlock,
    Dft,
    Normalise,
    Residual,
    complex_product,
    delay_product,
    masked_mean,
    masked_statistics,
)
from hertzian.models.registry import register
from hertzian.signal import CORE

SAMPLES = 1024
_RADIX = 32
_LAGS = (1, 3)
# Spectra below this share of their mean are floor: it hides rounding and keeps log finite.
_FLOOR = 1e-5
_TIME_CHANNELS = 3 + 2 * len(_LAGS)


class Representation(nn.Module):
    """What `field` derives from a window before its first weight.

    With x of unit mean power (over the samples present):

    - `time` [batch, 7, samples]: I, Q, |x| and the delay products at lags 1 and 3;
    - `spectra` [batch, 5, samples]: log power spectra, Hann window, DC in the middle, of x,
      x^2, x^4 (lines at multiples of the carrier offset: Gardner 1986), |x|^2 - mean and the
      lag-1 delay product - mean (lines at the symbol rate), each with its mean log removed;
    - `correlation` [batch, 1, samples / 2]: |r(lag)| / r(0) from the spectrum of x (cyclic
      prefixes, spreading codes), as a logarithm;
    - `moments` [batch, 14]: log E|x|^4, log E|x|^6, E|x|, share of samples present, and
      log peak and mean log of each spectrum relative to its mean;
    - `present` [batch, 1, samples]: 1 where the window is not exactly zero.
    """

    def __init__(self) -> None:
        super().__init__()
        self.normalise = Normalise(skip_zeros=True)
        self.dft = Dft(_RADIX)
        self.window: Tensor
        hann = torch.hann_window(SAMPLES, periodic=False)
        self.register_buffer("window", hann, persistent=False)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Represent float32 [batch, 2, samples]; autocast does not reach in here."""
        if torch.is_autocast_enabled(x.device.type):
            with torch.autocast(x.device.type, enabled=False):
                return self._represent(x.float())
        return self._represent(x)

    def _represent(self, x: Tensor) -> dict[str, Tensor]:
        x = self.normalise(x)
        power = x.square().sum(dim=1, keepdim=True)
        present = (power > 0).to(x.dtype)
        amplitude = torch.sqrt(power + 1e-12) * present
        steps = [delay_product(x, lag) for lag in _LAGS]
        spectra = self._power_spectra(x, power, present, steps[0])
        mean = spectra.mean(dim=2, keepdim=True)
        relative = spectra / torch.where(mean > 0, mean, torch.ones_like(mean))
        logs = torch.log(relative + _FLOOR)
        level = logs.mean(dim=2, keepdim=True)
        count = present.sum(dim=2).clamp(min=1.0)
        moments = torch.cat(
            [
                torch.log(power.square().sum(dim=2) / count + 1e-3),
                torch.log((power.square() * power).sum(dim=2) / count + 1e-3),
                amplitude.sum(dim=2) / count,
                present.mean(dim=2),
                logs.amax(dim=2),
                level[:, :, 0],
            ],
            dim=1,
        )
        return {
            "time": torch.cat([x, amplitude, *steps], dim=1),
            "spectra": torch.roll(logs - level, SAMPLES // 2, dims=2),
            "correlation": self._correlation(relative[:, 0]),
            "moments": moments,
            "present": present,
        }

    def _power_spectra(self, x: Tensor, power: Tensor, present: Tensor, step: Tensor) -> Tensor:
        """Return power spectra [batch, 5, samples], DC first."""
        square = complex_product(x, x)
        fourth = complex_product(square, square)
        envelope = torch.cat([power - present, torch.zeros_like(power)], dim=1)
        count = present.sum(dim=2, keepdim=True).clamp(min=1.0)
        step = (step - step.sum(dim=2, keepdim=True) / count) * present
        signals = torch.stack([x, square, fourth, envelope, step], dim=1)
        transformed: Tensor = self.dft(signals * self.window)
        return transformed.square().sum(dim=2)

    def _correlation(self, spectrum: Tensor) -> Tensor:
        """Return log |r(lag)| / r(0) for lags 0 .. samples / 2 - 1: [batch, 1, samples / 2]."""
        pair = torch.stack([spectrum, torch.zeros_like(spectrum)], dim=1)
        size = self.dft(pair)[:, :, : SAMPLES // 2].square().sum(dim=1, keepdim=True)
        # The spectrum is relative to its mean, so r(0) is the number of samples.
        return 0.5 * torch.log(size / SAMPLES**2 + 1e-4)


@register("field", samples=SAMPLES, classes=(*CORE, "unknown"))
class Field(nn.Module):
    """Convolutions over time, over spectra and over correlation lags, joined by two dense layers.

    Made for windows of 1024 samples whose 99% bandwidth is about a third of the sampling rate,
    with unknown timing, carrier offset and channel; bursts may be shorter (zero-padded).

    Args:
        class_count: length of the logits.
        dropout: share of the units between these layers that is dropped in training.
    """

    def __init__(self, class_count: int = len(CORE) + 1, dropout: float = 0.2) -> None:
        super().__init__()
        self.represent = Representation()
        self.time = nn.Sequential(
            ConvBlock(_TIME_CHANNELS, 32, 7, 2),
            ConvBlock(32, 64, 5, 2),
            Residual(64, 5),
            ConvBlock(64, 96, 5, 2),
            Residual(96, 5),
            ConvBlock(96, 128, 5, 2),
            Residual(128, 3),
        )
        self.histogram = ConvBlock(_TIME_CHANNELS, 16, 1)
        self.spectrum = nn.Sequential(
            ConvBlock(5, 32, 7, 2),
            nn.MaxPool2d((1, 2)),
            ConvBlock(32, 64, 5, 2),
            ConvBlock(64, 64, 5, 2),
            Residual(64, 3),
        )
        self.position = nn.Sequential(nn.Flatten(), nn.Linear(64 * 16, 96), nn.ReLU())
        self.correlation = nn.Sequential(
            ConvBlock(1, 16, 9, 2), ConvBlock(16, 32, 5, 2), ConvBlock(32, 32, 5, 2)
        )
        self.moments = nn.BatchNorm1d(14)
        joined = 3 * 128 + 16 + 2 * 64 + 96 + 2 * 32 + 14
        self.head = nn.Sequential(
            nn.Linear(joined, 192), nn.ReLU(), Dropout(dropout), nn.Linear(192, class_count)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [batch, classes] of float32 [batch, 2, 1024] at any scale."""
        logits: Tensor = self.head(self.features(x)["embedding"])
        return logits

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """Return pooled `time`, `spectrum`, ... and, side by side, the head's `embedding`."""
        seen = self.represent(x)
        time, spectra, lags = (_as_image(seen[key]) for key in ("time", "spectra", "correlation"))
        present = seen["present"][:, :, None]
        depth: Tensor = self.time(time)
        coarse = nn.functional.max_pool2d(present, (1, 16))
        peaks: Tensor = self.spectrum(spectra)
        pooled = {
            "time": masked_statistics(depth, coarse),
            "histogram": masked_mean(self.histogram(time), present),
            "spectrum": _mean_and_peak(peaks),
            "position": self.position(nn.functional.avg_pool2d(peaks, (1, 4))),
            "correlation": _mean_and_peak(self.correlation(lags)),
            "moments": self.moments(seen["moments"]),
        }
        joined = torch.cat([part.float() for part in pooled.values()], dim=1)
        return {**pooled, "embedding": joined}


def _as_image(x: Tensor) -> Tensor:
    """Give [batch, channels, n] the height of 1 that `ConvBlock` wants, channels last."""
    return x[:, :, None].contiguous(memory_format=torch.channels_last)


def _mean_and_peak(x: Tensor) -> Tensor:
    return torch.cat([x.mean(dim=3), x.amax(dim=3)], dim=1).flatten(1)
