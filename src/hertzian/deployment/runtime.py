"""Run a trained model without torch: one ONNX file that carries its own description."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt
import onnxruntime
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from hertzian.deployment.validation import explain
from hertzian.deployment.wire import refers_to_other_files
from hertzian.signal import MODULATION, PROTOCOL, HertzianError, canonical

METADATA_KEY = "hertzian"
"""Key of the description among the custom metadata of an ONNX file."""

INPUT = "x"
"""Input of the ONNX files that we write."""

LOGITS = "logits"
"""Output of an ONNX file that is the head `modulation`; other heads have their own names."""

LARGEST_FILE_BYTES = 200_000_000

Float32 = npt.NDArray[np.float32]


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


class Predictor(Protocol):
    """Anything that turns windows into logits."""

    @property
    def metadata(self) -> ModelMetadata:
        """Description of the model."""
        ...

    def logits(self, windows: npt.ArrayLike) -> Float32:
        """Turn windows [n, 2, samples] (I, Q) into logits float32 [n, classes]."""
        ...

    def heads(self, windows: npt.ArrayLike) -> dict[str, Float32]:
        """Return what each head of the metadata says of windows: float32 [n, outputs]."""
        ...


def read_bytes(path: Path) -> bytes:
    """Return a model file's bytes once it is sure that it stands on its own.

    Raises:
        ModelError: unreadable, larger than 200 MB, no ONNX, or with values in other files.
    """
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE_BYTES:
            limit = LARGEST_FILE_BYTES // 1_000_000
            raise ModelError(f"{path}: {size / 1e6:.0f} MB, but a model may have {limit} MB")
        model = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from None
    try:
        outside = refers_to_other_files(model)
    except HertzianError as error:
        raise ModelError(f"{path}: not an ONNX model ({error})") from None
    if outside:
        raise ModelError(
            f"{path}: keeps values in other files, which is refused; "
            "export it as one file (external_data=False)"
        )
    return model


def _open_session(path: Path, threads: int | None) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # failures come as exceptions; nothing else belongs on stderr
    # only ONNX: the runtime's own format would bypass the check for other files
    options.add_session_config_entry("session.load_model_format", "ONNX")
    options.inter_op_num_threads = 1
    if threads is not None:
        if threads < 1:
            raise ModelError(f"threads must be 1 or more, not {threads}")
        options.intra_op_num_threads = threads
    model = read_bytes(path)
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no base class of their own
        raise ModelError(f"{path}: not a usable ONNX model ({_first_line(error)})") from None


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]


def _read_metadata(path: Path, session: Any) -> ModelMetadata:
    text = session.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
    if text is None:
        raise ModelError(
            f"{path}: has no {METADATA_KEY!r} metadata; write it with `hertzian export`, "
            "which stores classes and window length in the file"
        )
    try:
        return ModelMetadata.model_validate_json(text)
    except ValidationError as error:
        raise ModelError(f"{path}: wrong {METADATA_KEY!r} metadata: {explain(error)}") from None


def _check_signature(path: Path, session: Any, metadata: ModelMetadata) -> tuple[str, list[str]]:
    """Return the names of the input and of each head's output; shapes must be the metadata's."""
    inputs, outputs = session.get_inputs(), session.get_outputs()
    by_name = {output.name: output for output in outputs}
    sizes = metadata.heads()
    wanted = [LOGITS if head == MODULATION else head for head in sizes]
    if len(outputs) == len(wanted) == 1:
        wanted = [outputs[0].name]
    if len(inputs) != 1 or not set(wanted) <= set(by_name):
        raise ModelError(
            f"{path}: expected one input and the outputs {', '.join(wanted)} (or one of any name "
            f"for one head), found {len(inputs)} and {', '.join(by_name) or 'none'}"
        )
    _check_shape(path, "input", inputs[0], [2, metadata.samples])
    for name, size in zip(wanted, sizes.values(), strict=True):
        _check_shape(path, f"output {name}", by_name[name], [size])
    return inputs[0].name, wanted


def _check_shape(path: Path, what: str, found: Any, expected: list[int]) -> None:
    """Check that an input or output is a batch, of free size, of floats of a shape."""
    shape = list(found.shape)
    if found.type != "tensor(float)" or not _compatible(shape[1:], expected):
        wanted = ", ".join(map(str, ["batch", *expected]))
        raise ModelError(f"{path}: {what} is {found.type} {shape}, expected float [{wanted}]")
    if isinstance(shape[0], int):
        raise ModelError(
            f"{path}: {what} has a fixed batch of {shape[0]}; export it with a free one"
        )


def _compatible(shape: list[Any], expected: list[int]) -> bool:
    """Tell whether sizes agree; a size that the file leaves open is not an integer there."""
    return len(shape) == len(expected) and all(
        size == wanted or not isinstance(size, int)
        for size, wanted in zip(shape, expected, strict=True)
    )


class FilePredictor(ABC):
    """A model in a file: windows are checked before it is asked, and so are its answers.

    A kind of file gives `_run`.

    Args:
        path: the file.
        metadata: its description.

    Attributes:
        batch: windows that it is given at a time.
    """

    batch: ClassVar[int] = 256  # more gain no speed and cost memory

    def __init__(self, path: Path, metadata: ModelMetadata) -> None:
        self.path = path
        self.metadata = metadata

    @abstractmethod
    def _run(self, batch: Float32, count: int) -> list[Float32]:
        """Return what the first `count` heads say of float32 [batch, 2, samples].

        Raises:
            ModelError: the runtime fails.
        """

    def logits(self, windows: npt.ArrayLike) -> Float32:
        """Turn windows [n, 2, samples] (I, Q), real, into logits float32 [n, classes].

        Raises:
            ModelError: another shape, complex input, NaN or infinite samples.
        """
        return self._answers(windows, [MODULATION])[MODULATION]

    def heads(self, windows: npt.ArrayLike) -> dict[str, Float32]:
        """Return what each head says of windows [n, 2, samples]: float32 [n, outputs].

        Raises:
            ModelError: as `logits` does.
        """
        return self._answers(windows, list(self.metadata.heads()))

    def _answers(self, windows: npt.ArrayLike, heads: list[str]) -> dict[str, Float32]:
        x = self._checked(np.asarray(windows))
        sizes = self.metadata.heads()
        found = {head: np.empty((len(x), sizes[head]), dtype=np.float32) for head in heads}
        for first in range(0, len(x), self.batch):
            batch = x[first : first + self.batch]
            answers = self._run(batch, len(heads))
            for head, answer in zip(heads, answers, strict=True):
                if answer.shape != (len(batch), sizes[head]):
                    shape = list(answer.shape)
                    raise ModelError(f"{self.path}: the model answered with shape {shape}")
                found[head][first : first + len(batch)] = answer
        if not all(np.isfinite(answer).all() for answer in found.values()):
            raise ModelError(f"{self.path}: the model answered with NaN or infinite logits")
        return found

    def _checked(self, windows: npt.NDArray[Any]) -> Float32:
        self.metadata.require_windows(windows.shape)
        if windows.dtype.kind not in "fiu":
            raise ModelError(f"{self.metadata.name}: windows must be real, not {windows.dtype}")
        with np.errstate(over="ignore"):
            x = np.ascontiguousarray(windows, dtype=np.float32)
        if not np.isfinite(x).all():
            raise ModelError(f"{self.metadata.name}: windows hold NaN or infinite samples")
        return x


class OnnxPredictor(FilePredictor):
    """A model in one ONNX file, run by onnxruntime on the processor.

    Args:
        path: the file.
        threads: threads within one call; None leaves it to onnxruntime (all cores).

    Raises:
        ModelError: see `read_bytes`; or metadata are missing, or contradict the file.
    """

    def __init__(self, path: str | Path, threads: int | None = None) -> None:
        path = Path(path)
        self._session = _open_session(path, threads)
        super().__init__(path, _read_metadata(path, self._session))
        self._input, self._outputs = _check_signature(path, self._session, self.metadata)

    def _run(self, batch: Float32, count: int) -> list[Float32]:
        try:
            return list(self._session.run(self._outputs[:count], {self._input: batch}))
        except Exception as error:  # onnxruntime's errors have no base class of their own
            raise ModelError(f"{self.path}: the model failed ({_first_line(error)})") from None
