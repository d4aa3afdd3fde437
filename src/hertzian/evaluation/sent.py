"""Detections against what was sent: which transmitter each one shows, and what was said of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from hertzian.signal import Detection, Located

_LEAST_SHARE = 0.5


class Sent(Located, Protocol):
    """The truth about a transmission."""

    @property
    def label(self) -> str:
        """Canonical label."""
        ...


@dataclass(frozen=True)
class Heard:
    """What was detected of a transmission.

    Attributes:
        sent: the transmission.
        detections: those that lie on it, by start.
    """

    sent: Sent
    detections: tuple[Detection, ...]

    @property
    def answer(self) -> Detection | None:
        """The detection of most energy; None where there is none."""
        return max(self.detections, key=lambda detection: detection.energy, default=None)

    @property
    def right(self) -> bool:
        """Whether the answer is the label that was sent."""
        return self.answer is not None and self.answer.modulation == self.sent.label


@dataclass(frozen=True)
class Comparison:
    """What was heard against what was sent.

    Attributes:
        heard: of each transmission, in the order in which they were given.
        strays: detections that lie on no transmission.
        sure: confidence beyond which a wrong answer counts as sure.
    """

    heard: tuple[Heard, ...]
    strays: tuple[Detection, ...]
    sure: float = 0.9

    @property
    def right(self) -> int:
        """How many transmissions were named rightly."""
        return sum(one.right for one in self.heard)

    @property
    def sure_and_wrong(self) -> tuple[Detection, ...]:
        """Detections, strays included, that name beyond `sure` what was not sent."""
        wrong = [d for one in self.heard for d in one.detections if d.modulation != one.sent.label]
        return tuple(d for d in (*wrong, *self.strays) if d.confidence > self.sure)


def compare_sent(
    detections: Sequence[Detection], sent: Sequence[Sent], sample_rate_hz: float
) -> Comparison:
    """Match detections with transmissions.

    A detection lies on the transmission that covers most of its area in time and frequency, if
    that is more than half of it in each.
    """
    found: list[list[Detection]] = [[] for _ in sent]
    strays: list[Detection] = []
    for detection in sorted(detections, key=lambda d: d.start):
        areas = [_shared_area(detection, one, sample_rate_hz) for one in sent]
        best = max(range(len(sent)), key=lambda i: areas[i], default=None)
        if best is None or not areas[best] > 0:
            strays.append(detection)
        else:
            found[best].append(detection)
    heard = [Heard(one, tuple(own)) for one, own in zip(sent, found, strict=True)]
    return Comparison(tuple(heard), tuple(strays))


def _shared_area(detection: Detection, sent: Sent, sample_rate_hz: float) -> float:
    """Return the share of a detection that a transmission covers; 0 where it is less than half."""
    time = _overlap((detection.start, detection.stop), (sent.start, sent.stop))
    time /= max(detection.count, 1)
    center, width = detection.center_hz / sample_rate_hz, detection.bandwidth_hz / sample_rate_hz
    band = _overlap(
        (center - width / 2, center + width / 2),
        (sent.center - sent.bandwidth / 2, sent.center + sent.bandwidth / 2),
    )
    band /= max(width, 1e-12)
    return time * band if min(time, band) > _LEAST_SHARE else 0.0


def _overlap(one: tuple[float, float], other: tuple[float, float]) -> float:
    return max(0.0, min(one[1], other[1]) - max(one[0], other[0]))
