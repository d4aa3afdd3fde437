"""What a recogniser says of the protocols in recordings that no training has seen."""

import dataclasses
import multiprocessing
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any

import numpy as np
from pydantic import Field

from hertzian.datasets.emitters import EMITTED, FURTHER
from hertzian.datasets.field import Emission, field_recording
from hertzian.datasets.protocols import FASTEST_HZ, PROTOCOLS
from hertzian.datasets.scenes import Scene
from hertzian.deployment import load_predictor
from hertzian.evaluation import compare_sent, expected_calibration_error
from hertzian.experiments.stages import StageContext, StageOutcome, StageSettings, stage
from hertzian.recognition import Recogniser

_SEED = 900_000
_SHARE = 0.7
_NARROWEST_HZ = 2e3
_BATCH = 20


class EvidenceSettings(StageSettings):
    """`model` is the stage that left it; one transmission in each of so many recordings."""

    model: str = "model"
    recordings: int = Field(ge=1)


@dataclasses.dataclass(frozen=True)
class Answer:
    """What was said of a transmission.

    Attributes:
        sent: its protocol, None for what has none.
        heard: whether there is a detection of it.
        named: the protocol of the detection of most energy, or None.
        sure: its probability.
    """

    sent: str | None
    heard: bool
    named: str | None
    sure: float | None


@stage("protocol-evidence", EvidenceSettings)
def measure(settings: EvidenceSettings, context: StageContext) -> StageOutcome:
    """Recognise recordings at the rates in hertz that their transmissions have."""
    (model,) = context.output(settings.model).glob("*.onnx")
    seed = _SEED + context.seed
    firsts = range(0, settings.recordings, _BATCH)
    work = partial(_answers, str(model), seed, settings.recordings)
    spawn = multiprocessing.get_context("spawn")
    answers: list[Answer] = []
    with ProcessPoolExecutor(os.cpu_count() or 1, mp_context=spawn) as pool:
        for done, part in enumerate(pool.map(work, firsts), start=1):
            answers += part
            context.log(f"recordings: batch {done} of {len(firsts)}")
    return StageOutcome(metrics={context.folder.name: summary(answers)})


def evidence_scene() -> Scene:
    """Return what is recognised: one transmission, of a protocol more often than not."""
    return dataclasses.replace(
        Scene(),
        emitters=(1, 1),
        protocols=_SHARE,
        unknown=0.0,
        noise=0.0,
        snr_db=(8.0, 30.0),
        labels=(*EMITTED, *FURTHER),
    )


def _answers(model: str, seed: int, recordings: int, first: int) -> list[Answer]:
    """Return what is said of a batch of recordings."""
    predictor = load_predictor(model, threads=1)
    return [
        answer
        for index in range(first, min(first + _BATCH, recordings))
        for answer in _answer(Recogniser(predictor, workers=1), seed, index)
    ]


def _answer(recogniser: Recogniser, seed: int, index: int) -> Iterator[Answer]:
    recording = field_recording(seed, index, evidence_scene())
    for emission in recording.emissions:
        rate_hz = _rate_hz(emission, np.random.default_rng([seed, index, 1]))
        found = recogniser.recognise(recording.iq, sample_rate=rate_hz)
        (heard,) = compare_sent(found, [emission], rate_hz).heard
        said = heard.answer
        yield Answer(
            sent=emission.protocol,
            heard=said is not None,
            named=None if said is None else said.protocol,
            sure=None if said is None else said.protocol_confidence,
        )


def _rate_hz(emission: Emission, rng: np.random.Generator) -> float:
    """Return the rate that an emission has, or one at which it is as wide as anything may be."""
    if emission.sample_rate_hz is not None:
        return emission.sample_rate_hz
    narrowest = _NARROWEST_HZ / max(emission.bandwidth, 1e-3)
    return float(np.exp(rng.uniform(np.log(min(narrowest, FASTEST_HZ)), np.log(FASTEST_HZ))))


def summary(answers: Sequence[Answer]) -> dict[str, Any]:
    """Return how many transmissions were heard, of these how many named, and rightly."""
    heard = [one for one in answers if one.heard]
    sent = [one for one in heard if one.sent is not None]
    other = [one for one in heard if one.sent is None]
    named = [one for one in heard if one.named is not None]
    sure = [(one.sure or 0.0, one.named == one.sent) for one in named]
    return {
        "transmissions": len(answers),
        "heard": len(heard),
        "of_a_protocol": len(sent),
        "named_rightly": _share(one.named == one.sent for one in sent),
        "named_wrongly": _share(one.named not in (one.sent, None) for one in sent),
        "others_named": _share(one.named is not None for one in other),
        "right_of_the_named": _share(right for _, right in sure),
        "ece": _calibration_error(sure),
        "recall": {name: _share(_own(sent, name)) for name in PROTOCOLS if _own(sent, name)},
    }


def _own(answers: Sequence[Answer], protocol: str) -> list[bool]:
    return [one.named == protocol for one in answers if one.sent == protocol]


def _share(values: Iterable[bool]) -> float | None:
    counted = list(values)
    return sum(counted) / len(counted) if counted else None


def _calibration_error(sure: Sequence[tuple[float, bool]]) -> float | None:
    if not sure:
        return None
    confidence, right = zip(*sure, strict=True)
    return expected_calibration_error(np.asarray(confidence), np.asarray(right))
