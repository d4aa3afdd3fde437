"""Integers in place of floats: post-training static quantisation, and a count of what it reached.

Weights become signed bytes, one scale a channel; activations unsigned bytes, their scales from
windows like those that the model will see (Jacob et al. 2018). The normaliser stays in floats, so
that any scale of the input will do as before.
"""

import contextlib
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from hertzian.deployment.export import ExportError
from hertzian.deployment.metadata import DatasetIdentity
from hertzian.deployment.quiet import quiet
from hertzian.deployment.runtime import METADATA_KEY, OnnxPredictor, read_bytes
from hertzian.recordings.atomic import atomic_path

_STATIC = ("Conv", "Gemm", "MatMul", "MaxPool", "AveragePool", "Reshape", "Flatten", "Transpose")
_RECURRENT = ("LSTM",)
"""Layers whose activations are scaled anew in every call: onnxruntime has no static ones."""

_WEIGHED = ("Conv", "Gemm", "MatMul", "LSTM", "GRU")
_INTEGER = (
    *("QLinearConv", "ConvInteger", "QLinearMatMul", "MatMulInteger", "MatMulIntegerToFloat"),
    *("QGemm", "DynamicQuantizeMatMul", "DynamicQuantizeLSTM", "QLinearConvTranspose"),
)
_BATCH = 64

Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Integers:
    """How much of a file runs in integers.

    Attributes:
        bytes: size of the file.
        int8_weights, float_weights: numbers stored as bytes, and as floats.
        integer_kernels: nodes that compute in integers, as onnxruntime runs the file, by type.
        float_kernels: nodes with weights that compute in floats there, by type.
    """

    bytes: int
    int8_weights: int
    float_weights: int
    integer_kernels: dict[str, int]
    float_kernels: dict[str, int]


def quantize_after_training(
    model: Path, windows: npt.ArrayLike, out: Path, seen: Iterable[DatasetIdentity] = ()
) -> None:
    """Write a model with weights and activations of 8 bits.

    Args:
        model: an .onnx file of ours.
        windows: float [n, 2, samples], n >= 1, whose activations set the scales.
        out: the .onnx file to write.
        seen: the datasets that these windows are of, which the file then says it has seen.

    Raises:
        HertzianError: the model or the windows don't belong together, or it has no layer that can
            be quantised.
    """
    predictor = OnnxPredictor(model)
    shown = np.asarray(windows)
    if not len(shown):
        raise ExportError(f"{model}: the scales of 8 bits need one window or more, found none")
    predictor.logits(shown)  # refuses windows of another form, and what is no number
    kept = predictor.metadata.having_seen(seen)
    with _naming(model):
        made = _quantised(read_bytes(model), shown.astype(np.float32))
        onnx.helper.set_model_props(made, {METADATA_KEY: kept.model_dump_json()})
        onnx.checker.check_model(made)
        data = made.SerializeToString(deterministic=True)
        counts = _count(data)
    if not counts.integer_kernels:
        raise ExportError(f"{model}: has no layer that onnxruntime computes in integers")
    with atomic_path(out) as partial:
        partial.write_bytes(data)


@contextlib.contextmanager
def _naming(model: Path) -> Iterator[None]:
    """Put into one line what onnx and onnxruntime raise, whose errors have no common base."""
    try:
        yield
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
        raise ExportError(f"{model}: is no model that can be quantised ({reason})") from None


def _quantised(model: bytes, windows: Float32) -> onnx.ModelProto:
    """Return a model in 8 bits; its metadata are gone."""
    with tempfile.TemporaryDirectory() as folder, quiet():
        source, prepared, static = (Path(folder) / f"{n}.onnx" for n in range(3))
        source.write_bytes(model)
        quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
        graph = onnx.load(prepared).graph
        quantize_static(
            prepared,
            static,
            _Windows(graph.input[0].name, windows),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(_STATIC),
            nodes_to_exclude=_fixed_transforms(graph),
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        made = quantise_recurrent(onnx.load(static))
    del made.metadata_props[:]
    return made


def quantise_recurrent(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a model with its recurrent layers in integers, the others as they are."""
    if not any(node.op_type in _RECURRENT for node in model.graph.node):
        return model
    with tempfile.TemporaryDirectory() as folder, quiet():
        source, typed, made = (Path(folder) / f"{n}.onnx" for n in range(3))
        onnx.save(model, source)
        # without the types that it works out, the layers stay as they are without a word
        quant_pre_process(str(source), str(typed), skip_symbolic_shape=True)
        quantize_dynamic(typed, made, op_types_to_quantize=list(_RECURRENT), per_channel=True)
        return onnx.load(made)


def _fixed_transforms(graph: onnx.GraphProto) -> list[str]:
    """Return the matrix products with a constant on the left: Fourier transforms, not layers.

    What they see has peaks that would take all but a few of 256 levels.
    """
    constants = {tensor.name for tensor in graph.initializer}
    products = (node for node in graph.node if node.op_type == "MatMul")
    return [node.name for node in products if node.input[0] in constants]


class _Windows(CalibrationDataReader):  # type: ignore[misc]
    """Feeds windows to the calibration, some at a time."""

    def __init__(self, name: str, windows: Float32) -> None:
        self._name = name
        self._batches: Iterator[Float32] = iter(
            [windows[first : first + _BATCH] for first in range(0, len(windows), _BATCH)]
        )

    def get_next(self) -> dict[str, Float32] | None:
        """Return the next input by name, None after the last."""
        batch = next(self._batches, None)
        return None if batch is None else {self._name: batch}


def count_integers(model: Path) -> Integers:
    """Count what a model stores in bytes and what onnxruntime computes in integers.

    Exporters and quantisers leave layers in floats without a word; this tells.

    Args:
        model: an .onnx file.

    Raises:
        HertzianError: it is no usable one.
    """
    data = read_bytes(model)
    with _naming(model):
        return _count(data)


def _count(data: bytes) -> Integers:
    stored = onnx.load_from_string(data).graph.initializer
    sizes: Counter[bool] = Counter()
    for tensor in stored:
        if tensor.data_type in (onnx.TensorProto.INT8, onnx.TensorProto.UINT8):
            sizes[True] += int(np.prod(tensor.dims))
        elif tensor.data_type == onnx.TensorProto.FLOAT:
            sizes[False] += int(np.prod(tensor.dims))
    with tempfile.TemporaryDirectory() as folder:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.optimized_model_filepath = str(Path(folder) / "run.onnx")
        onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        nodes = onnx.load(options.optimized_model_filepath).graph.node
    kinds = Counter(node.op_type for node in nodes)
    return Integers(
        bytes=len(data),
        int8_weights=sizes[True],
        float_weights=sizes[False],
        integer_kernels={kind: n for kind, n in sorted(kinds.items()) if kind in _INTEGER},
        float_kernels={
            kind: n for kind, n in sorted(kinds.items()) if kind.removeprefix("Fused") in _WEIGHED
        },
    )
