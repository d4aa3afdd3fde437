"""What a model says of itself: classes, heads, window length, calibration, and what it has seen."""

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from hertzian.signal import MODULATION, PROTOCOL, HertzianError, canonical

INPUT = "x"
"""Input of the ONNX files that we write."""

LOGITS = "logits"
"""Output of an ONNX file that is the head `modulation`; other heads have their own names."""


class ModelError(HertzianError):
    """A model cannot be found, is not one of ours, or was given windows it cannot take."""


class DatasetIdentity(BaseModel):
    """What tells a generated dataset from every other: its preset and its seed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    preset: str = Field(min_length=1)
    seed: int


NO_PROTOCOLS: dict[str, Any] = {
    "protocols": (),
    "protocol_temperature": 1.0,
    "protocol_evidence_exponent": 0.0,
    "protocol_biases": (),
    "protocol_bandwidths_hz": {},
    "protocol_repetitions_s": {},
    "protocol_repeating": {},
}
"""What the metadata say of a model that names no protocols."""

LEAST_TEMPERATURE = 1e-3
"""Colder, logits overflow."""

Share = Annotated[float, Field(ge=0, le=1)]

Quantiles = dict[
    str, Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=1, max_length=1000)]
]


class ModelMetadata(BaseModel):
    """What a model file says of itself.

    Attributes:
        classes: canonical labels in the order of the logits; `noise` and `unknown` may be there.
        protocols: names in the order of a second head's logits; none where modulation is all that
            the model names.
        quantities: names of heads that give one number each.
        samples: length of the window.
        occupied_share: 99% bandwidth over sampling rate to which the windows are brought.
        temperature, evidence_exponent, biases: T, a and b of the pooled log-probabilities of n
            windows, log_softmax(mean_logits * n**a / T + b); no biases are zeros.
        protocol_temperature, protocol_evidence_exponent, protocol_biases: likewise of the
            protocol's logits.
        protocol_bandwidths_hz, protocol_repetitions_s: for each protocol at which bandwidths it was
            heard, in even quantiles, and after which times it repeated itself; none where that was
            not measured.
        protocol_repeating: of the detections of each protocol, the share that repeats itself.
        noise_confidence: probability that nothing was sent where nothing is detected, when both
            are as likely beforehand; 1/2 is ignorance.
        prefix_missed: pairs (samples, share), samples rising: of OFDM detections of so many samples
            at baseband or more, the share in which no cyclic prefix shows.
        repeating, keyed: of the detections of each label, the share that repeats itself, and whose
            pulses carry data (see `hertzian.recognition`); none where that was not measured.
        parameters: trainable parameters.
        macs: multiply-accumulates for one window.
        paper: citation, or None.
        trained_on: the datasets that training or calibration has seen.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = Field(min_length=1, max_length=200)
    version: str = Field(min_length=1, max_length=200)
    classes: tuple[str, ...] = Field(min_length=2, max_length=10_000)
    protocols: tuple[str, ...] = Field(default=(), max_length=10_000)
    quantities: tuple[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], ...] = Field(
        default=(), max_length=100
    )
    samples: int = Field(gt=0, le=1 << 24)
    occupied_share: float = Field(gt=0, le=1)
    temperature: float = Field(default=1.0, ge=LEAST_TEMPERATURE)
    evidence_exponent: float = Field(default=0.0, ge=0, le=1)
    biases: tuple[float, ...] = ()
    protocol_temperature: float = Field(default=1.0, ge=LEAST_TEMPERATURE)
    protocol_evidence_exponent: float = Field(default=0.0, ge=0, le=1)
    protocol_biases: tuple[float, ...] = ()
    protocol_bandwidths_hz: Quantiles = Field(default_factory=dict, max_length=10_000)
    protocol_repetitions_s: Quantiles = Field(default_factory=dict, max_length=10_000)
    protocol_repeating: dict[str, Share] = Field(default_factory=dict, max_length=10_000)
    noise_confidence: float = Field(default=0.5, ge=0, le=1)
    prefix_missed: tuple[tuple[int, Share], ...] = Field(default=(), max_length=100)
    repeating: dict[str, Share] = Field(default_factory=dict, max_length=10_000)
    keyed: dict[str, Share] = Field(default_factory=dict, max_length=10_000)
    parameters: int = Field(ge=0)
    macs: int = Field(ge=0)
    paper: str | None = None
    trained_on: tuple[DatasetIdentity, ...] = ()

    @field_validator("prefix_missed")
    @classmethod
    def _rising(cls, pairs: tuple[tuple[int, float], ...]) -> tuple[tuple[int, float], ...]:
        lengths = [samples for samples, _ in pairs]
        if lengths != sorted(set(lengths)) or any(samples < 1 for samples in lengths):
            raise ValueError("samples must rise from 1 on")
        return pairs

    @field_validator("classes")
    @classmethod
    def _canonical_and_distinct(cls, classes: tuple[str, ...]) -> tuple[str, ...]:
        try:
            names = tuple(canonical(name) for name in classes)
        except HertzianError as error:
            raise ValueError(str(error)) from None
        if len(set(names)) != len(names):
            raise ValueError("two classes have the same canonical name")
        return names

    @model_validator(mode="after")
    def _distinct_heads(self) -> "ModelMetadata":
        if len(set(self.protocols)) != len(self.protocols) or len(self.protocols) == 1:
            raise ValueError("protocols are none, or two or more different ones")
        if self.protocol_repeating and {*self.protocol_repeating} != {*self.protocols}:
            raise ValueError("protocol_repeating are of all the protocols, or of none")
        for of_each in ("protocol_bandwidths_hz", "protocol_repetitions_s", "protocol_repeating"):
            if not {*getattr(self, of_each)} <= {*self.protocols}:
                raise ValueError(f"{of_each} are of the protocols")
        taken = {MODULATION, PROTOCOL, LOGITS, INPUT}
        if len(taken | {*self.quantities}) != len(taken) + len(self.quantities):
            raise ValueError("quantities have names of their own, each once")
        return self

    @model_validator(mode="after")
    def _one_bias_a_class(self) -> "ModelMetadata":
        if self.biases and len(self.biases) != len(self.classes):
            raise ValueError(f"{len(self.biases)} biases for {len(self.classes)} classes")
        if self.protocol_biases and len(self.protocol_biases) != len(self.protocols):
            count = len(self.protocol_biases)
            raise ValueError(f"{count} biases for {len(self.protocols)} protocols")
        return self

    def require_windows(self, shape: tuple[int, ...]) -> None:
        """Check that windows have the form that the model takes.

        Raises:
            ModelError: they are not [n, 2, samples].
        """
        if len(shape) != 3 or shape[1:] != (2, self.samples):
            raise ModelError(
                f"{self.name}: windows must be [n, 2, {self.samples}], not {list(shape)}"
            )

    def having_seen(self, more: Iterable[DatasetIdentity]) -> "ModelMetadata":
        """Return the same with further datasets among those that training has seen."""
        return self.model_copy(
            update={"trained_on": tuple(dict.fromkeys((*self.trained_on, *more)))}
        )

    def heads(self) -> dict[str, int]:
        """Return how many numbers each head gives, by name."""
        sizes = {MODULATION: len(self.classes)}
        if self.protocols:
            sizes[PROTOCOL] = len(self.protocols)
        return sizes | dict.fromkeys(self.quantities, 1)

    def missed_prefixes(self, samples: int) -> float:
        """Return which share of OFDM detections of so many samples shows no prefix, or 1."""
        shares = [share for least, share in self.prefix_missed if samples >= least]
        return shares[-1] if shares else 1.0
