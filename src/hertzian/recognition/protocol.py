"""Which protocol a detection is of: what its windows look like, how wide it is, when it repeats."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hertzian.deployment import ModelMetadata
from hertzian.evaluation import pooled_log_probabilities
from hertzian.recognition.evidence import Logits
from hertzian.signal import NO_PROTOCOL

_BANDWIDTHS_HZ = (1e3, 1e8)
_BANDWIDTH_SPREAD = 0.12
_REPETITIONS_S = (1e-6, 1.0)
_REPETITION_SPREAD = 0.005
_ELSEWHERE = 1e-3
_LIKELY = 0.5


def name_protocol(
    logits_sum: Logits,
    count: int,
    metadata: ModelMetadata,
    *,
    bandwidth_hz: float,
    repetition_s: float | None = None,
) -> tuple[str | None, float | None]:
    """Return the protocol and its calibrated probability; None where none is likelier than not.

    A model that has no class for what is of no protocol names none: it can't tell strangers.

    The windows are scaled to the signal's bandwidth, so that they tell nothing of it, nor of any
    time: by Bayes' rule the probability by their logits is multiplied by how likely each protocol
    has this bandwidth, and repeats itself after this time.

    Args:
        logits_sum: sum over the windows, float64 [protocols]; [0] of a model that names none.
        count: number of windows.
        metadata: of the model.
        bandwidth_hz: 99% occupied.
        repetition_s: after which it repeats itself, as OFDM does by its prefix; None where that
            wasn't seen, which tells nothing.
    """
    if NO_PROTOCOL not in metadata.protocols:
        return None, None
    log_p = pooled_log_probabilities(
        (logits_sum / count)[None, :],
        [count],
        temperature=metadata.protocol_temperature,
        evidence_exponent=metadata.protocol_evidence_exponent,
        biases=metadata.protocol_biases or 0.0,
    )[0]
    with np.errstate(divide="ignore"):
        log_p = log_p + np.log(_of_bandwidth(bandwidth_hz, metadata))
        if repetition_s is not None:
            log_p = log_p + np.log(_of_repetition(repetition_s, metadata))
    if not np.isfinite(log_p.max()):  # by a stranger's metadata nothing is possible
        return None, None
    probabilities = np.exp(log_p - log_p.max())
    best = int(probabilities.argmax())
    name, confidence = metadata.protocols[best], float(probabilities[best] / probabilities.sum())
    if name == NO_PROTOCOL or confidence < _LIKELY:
        return None, None
    return name, confidence


def _of_bandwidth(bandwidth_hz: float, metadata: ModelMetadata) -> npt.NDArray[np.float64]:
    """Return how likely each protocol is heard at a bandwidth."""
    heard = metadata.protocol_bandwidths_hz
    return np.array(
        [
            density(
                bandwidth_hz, heard.get(name, ()), _BANDWIDTH_SPREAD, _BANDWIDTHS_HZ, _ELSEWHERE
            )
            for name in metadata.protocols
        ]
    )


def _of_repetition(repetition_s: float, metadata: ModelMetadata) -> npt.NDArray[np.float64]:
    """Return how likely each protocol is seen to repeat itself, and after such a time."""
    heard = metadata.protocol_repetitions_s
    return np.array(
        [
            metadata.protocol_repeating.get(name, 1.0)
            * density(
                repetition_s,
                heard.get(name, ()),
                _REPETITION_SPREAD,
                _REPETITIONS_S,
                # what was heard a few times may well come after another time as well
                1 / (len(heard.get(name, ())) + 1),
            )
            for name in metadata.protocols
        ]
    )


def density(
    value: float,
    heard: Sequence[float],
    spread: float,
    anywhere: tuple[float, float],
    elsewhere: float,
) -> float:
    """Return how likely a value is, per unit of its natural logarithm.

    On each value that was heard stands a normal kernel; a share is spread evenly between limits
    (and as thin beyond), as is everything where none is known.

    Args:
        value: above zero.
        heard: values, above zero.
        spread: standard deviation of a kernel, as a share.
        anywhere: the limits.
        elsewhere: the share.
    """
    even = 1 / math.log(anywhere[1] / anywhere[0])
    if not len(heard):
        return even
    distances = (math.log(max(value, 1e-30)) - np.log(np.asarray(heard))) / spread
    kernels = np.exp(-0.5 * distances**2) / (spread * math.sqrt(2 * math.pi))
    return float((1 - elsewhere) * kernels.mean() + elsewhere * even)
