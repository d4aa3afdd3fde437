"""The ways in which one network can answer: torch, compiled, ONNX, ExecuTorch, LiteRT; in bytes."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import torch
from torch import nn

from hertzian.deployment import ModelMetadata
from hertzian.deployment.aware import quantize_program
from hertzian.deployment.export import export_onnx
from hertzian.deployment.litert import open_interpreter
from hertzian.deployment.litert_conversion import export_litert
from hertzian.deployment.metadata import INPUT
from hertzian.deployment.programs import (
    LARGEST_BATCH,
    export_program,
    has_executorch,
    open_program,
)
from hertzian.deployment.quantization import count_integers, quantize_after_training
from hertzian.models import build, spec
from hertzian.signal import HertzianError

Float32 = npt.NDArray[np.float32]
Answer = Callable[[Float32], Any]

TORCH, COMPILED, ONNX, INT8 = "torch", "torch compiled", "ONNX", "ONNX int8"
PROGRAM, PROGRAM_INT8 = "ExecuTorch", "ExecuTorch int8"
LITERT = "LiteRT"
WAYS = (
    *(TORCH, COMPILED, ONNX, INT8),
    *((PROGRAM, PROGRAM_INT8) if has_executorch() else ()),
    LITERT,
)

_SEED = 0
_CALIBRATION = 256


@dataclass(frozen=True)
class Way:
    """One way of a network to answer.

    Attributes:
        name: of `WAYS`.
        answer: for a number of threads, what takes windows float32 [batch, 2, samples].
        lasting: whether what answers may be kept while others run with other threads.
        file_bytes: of its file, None for torch.
        integer_kernels, float_kernels: nodes with weights of its ONNX file, by type.
    """

    name: str
    answer: Callable[[int], Answer]
    file_bytes: int | None = None
    integer_kernels: dict[str, int] | None = None
    float_kernels: dict[str, int] | None = None
    lasting: bool = True


def open_ways(
    name: str, folder: Path, wanted: tuple[str, ...] = WAYS, converter: Path | None = None
) -> list[Way]:
    """Build a network with fresh weights, and open it in each way that is wanted.

    Fresh weights answer as fast as trained ones. The scales of the bytes come from noise. A way
    that is not possible says why when it is asked for an answer.

    Args:
        name: in the registry.
        folder: for its files.
        wanted: of `WAYS`, in their order.
        converter: interpreter that has LiteRT's; None looks in its default place.

    Raises:
        HertzianError: no network has that name.
    """
    spec(name)
    torch.manual_seed(_SEED)
    model = build(name).eval()
    # networks share the code of `forward`, and torch keeps only so many compilations of one
    torch.compiler.reset()
    make = {
        TORCH: lambda: Way(TORCH, lambda threads: _in_torch(model, threads)),
        COMPILED: lambda: Way(COMPILED, lambda threads: _in_torch(_compiled(model, name), threads)),
        ONNX: lambda: _in_onnx(ONNX, _exported(model, name, folder)),
        INT8: lambda: _in_onnx(INT8, _quantised(model, name, folder)),
        PROGRAM: lambda: _in_program(PROGRAM, _program(model, name, folder)),
        PROGRAM_INT8: lambda: _in_program(PROGRAM_INT8, _program_int8(model, name, folder)),
        LITERT: lambda: _in_litert(_converted(model, name, folder, converter)),
    }
    return [_possible(way, make[way]) for way in WAYS if way in wanted]


def _possible(name: str, make: Callable[[], Way]) -> Way:
    try:
        return make()
    except HertzianError as error:
        reason = str(error)

    def refuse(threads: int) -> Answer:
        raise HertzianError(reason)

    return Way(name, refuse)


def _exported(model: nn.Module, name: str, folder: Path) -> Path:
    """Return the network's ONNX file, written once."""
    path = folder / f"{name}.onnx"
    if not path.exists():
        export_onnx(model, _metadata(name), path)
    return path


def _metadata(name: str) -> ModelMetadata:
    described = spec(name)
    return ModelMetadata(
        name=name,
        version="1",
        classes=described.classes,
        protocols=described.protocols,
        samples=described.samples,
        occupied_share=1.0,
        parameters=0,
        macs=0,
    )


def _program(model: nn.Module, name: str, folder: Path) -> Path:
    path = folder / f"{name}.pte"
    export_program(model, _metadata(name), path)
    return path


def _program_int8(model: nn.Module, name: str, folder: Path) -> Path:
    path = folder / f"{name}-int8.pte"
    windows = noise(_CALIBRATION, spec(name).samples)
    quantize_program(model, _metadata(name), windows, path)
    return path


def _converted(model: nn.Module, name: str, folder: Path, converter: Path | None) -> Path:
    path = folder / f"{name}.tflite"
    export_litert(model, _metadata(name), path, converter)
    return path


def _quantised(model: nn.Module, name: str, folder: Path) -> Path:
    path = folder / f"{name}-int8.onnx"
    windows = noise(_CALIBRATION, spec(name).samples)
    quantize_after_training(_exported(model, name, folder), windows, path)
    return path


def noise(count: int, samples: int) -> Float32:
    """Return windows of white noise, float32 [count, 2, samples]."""
    return np.random.default_rng(_SEED).standard_normal((count, 2, samples), dtype=np.float32)


def _compiled(model: nn.Module, name: str) -> Callable[..., Any]:
    compiled = torch.compile(model, dynamic=False)

    def answer(x: torch.Tensor) -> Any:
        try:
            # else torch would go on without compiling, and only log it
            with torch._dynamo.config.patch(fail_on_recompile_limit_hit=True):
                return compiled(x)
        except Exception as error:  # the compiler's errors have no base class of their own
            reason = str(error).strip().partition("\n")[0]
            raise HertzianError(f"torch.compile can't do {name} ({reason})") from error

    return answer


def _in_torch(model: Callable[..., Any], threads: int) -> Answer:
    torch.set_num_threads(threads)

    def answer(windows: Float32) -> Any:
        with torch.inference_mode():
            return model(torch.from_numpy(windows))

    return answer


def _in_program(name: str, path: Path) -> Way:
    def opened(threads: int) -> Answer:
        method = open_program(path, threads)

        def answer(windows: Float32) -> Any:
            # a program has room for so many windows a call
            for first in range(0, len(windows), LARGEST_BATCH):
                answers = method.execute([torch.from_numpy(windows[first : first + LARGEST_BATCH])])
            return answers

        return answer

    return Way(name, opened, path.stat().st_size, lasting=False)


def _in_litert(path: Path) -> Way:
    def opened(threads: int) -> Answer:
        interpreter = open_interpreter(path, threads)
        place = interpreter.get_input_details()[0]["index"]
        outputs = [output["index"] for output in interpreter.get_output_details()]

        def answer(windows: Float32) -> Any:
            # a model takes one window a call
            for first in range(len(windows)):
                interpreter.set_tensor(place, windows[first : first + 1])
                interpreter.invoke()
                answers = [interpreter.get_tensor(output) for output in outputs]
            return answers

        return answer

    return Way(LITERT, opened, path.stat().st_size)


def _in_onnx(name: str, path: Path) -> Way:
    counts = count_integers(path)

    def opened(threads: int) -> Answer:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.inter_op_num_threads, options.intra_op_num_threads = 1, threads
        session = onnxruntime.InferenceSession(
            path.read_bytes(), options, providers=["CPUExecutionProvider"]
        )
        return lambda windows: session.run(None, {INPUT: windows})

    return Way(name, opened, counts.bytes, counts.integer_kernels, counts.float_kernels)
