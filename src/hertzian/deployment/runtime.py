"""Run a trained model without torch: one ONNX file that carries its own description."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt
import onnxruntime
from pydantic import ValidationError

from hertzian.deployment.metadata import LOGITS, ModelError, ModelMetadata
from hertzian.deployment.validation import explain
from hertzian.deployment.wire import refers_to_other_files
from hertzian.signal import MODULATION, HertzianError

METADATA_KEY = "hertzian"
"""Key of the description among the custom metadata of an ONNX file."""

LARGEST_FILE_BYTES = 200_000_000

Float32 = npt.NDArray[np.float32]


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


def check_size(path: Path) -> None:
    """Check a model file before it is read.

    Raises:
        ModelError: larger than 200 MB.
        OSError: there is none.
    """
    size = path.stat().st_size
    if size > LARGEST_FILE_BYTES:
        limit = LARGEST_FILE_BYTES // 1_000_000
        raise ModelError(f"{path}: {size / 1e6:.0f} MB, but a model may have {limit} MB")


def read_bytes(path: Path) -> bytes:
    """Return a model file's bytes once it is sure that it stands on its own.

    Raises:
        ModelError: unreadable, larger than 200 MB, no ONNX, or with values in other files.
    """
    try:
        check_size(path)
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
