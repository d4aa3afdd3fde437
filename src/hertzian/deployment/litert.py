"""Models for LiteRT (.tflite), run by its interpreter; they need no torch.

A model NAME.tflite has its description beside it, as NAME.tflite.json.
"""

import struct
from importlib.util import find_spec
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from hertzian.deployment.cards import read_described
from hertzian.deployment.metadata import ModelError, ModelMetadata
from hertzian.deployment.quiet import no_lines_of_libraries
from hertzian.deployment.runtime import FilePredictor, Float32, check_size

MOST_TENSOR_BYTES = 1_000_000_000
"""Of all the tensors of a model as it claims, weights included."""


def has_litert() -> bool:
    """Tell whether LiteRT's interpreter is installed."""
    return find_spec("ai_edge_litert") is not None


class LiteRtPredictor(FilePredictor):
    """A model run by LiteRT on the processor, one window at a time, by one thread of ours.

    The runtime checks little of what operators are told: take models of people you trust.

    Args:
        path: NAME.tflite, beside NAME.tflite.json.
        threads: None is one.

    Raises:
        ModelError: files are missing or damaged, larger than 200 MB, claim tensors of more than
            1 GB, or are of another form than their description says; there are fewer threads than
            one; or LiteRT is not installed.
    """

    batch = 1

    def __init__(self, path: Path, threads: int | None = None) -> None:
        _require_litert(path)
        super().__init__(path, read_described(path))
        self._interpreter = open_interpreter(path, threads)
        try:
            signature = _signature(path, self._interpreter, self.metadata)
        except (RuntimeError, ValueError) as error:
            raise _unusable(path, error) from None
        self._input, self._outputs = signature

    def _run(self, batch: Float32, count: int) -> list[Float32]:
        try:
            self._interpreter.set_tensor(self._input, batch)
            self._interpreter.invoke()
            return [self._interpreter.get_tensor(place) for place in self._outputs[:count]]
        except (RuntimeError, ValueError, MemoryError) as error:
            raise ModelError(f"{self.path}: the model failed ({_first_line(error)})") from None


def _require_litert(path: Path) -> None:
    if not has_litert():
        raise ModelError(f"{path}: needs LiteRT: pip install 'hertzian[litert]'")


def open_interpreter(path: Path, threads: int | None) -> Any:
    """Return LiteRT's interpreter of a model, ready to be invoked.

    Raises:
        ModelError: see `LiteRtPredictor`.
    """
    _require_litert(path)
    if threads is not None and threads < 1:
        raise ModelError(f"threads must be 1 or more, not {threads}")
    check_size(path)
    from ai_edge_litert.interpreter import Interpreter

    try:
        with no_lines_of_libraries():
            interpreter = Interpreter(model_content=path.read_bytes(), num_threads=threads)
            if interpreter.num_subgraphs() != 1:
                raise ModelError(f"{path}: has branches or loops, which no model of ours has")
            size = sum(_bytes(tensor) for tensor in interpreter.get_tensor_details())
            if size > MOST_TENSOR_BYTES:
                raise ModelError(
                    f"{path}: its tensors take {size / 1e6:,.0f} MB, but a model may have "
                    f"{MOST_TENSOR_BYTES / 1e6:,.0f}"
                )
            interpreter.allocate_tensors()
    except (RuntimeError, ValueError, MemoryError, TypeError) as error:
        raise _unusable(path, error) from None
    return interpreter


def _unusable(path: Path, error: Exception) -> ModelError:
    return ModelError(f"{path}: not a usable LiteRT model ({_first_line(error)})")


def _bytes(tensor: dict[str, Any]) -> int:
    count = prod(abs(int(side)) for side in tensor["shape"])
    return int(count * np.dtype(tensor["dtype"]).itemsize)


def _signature(path: Path, interpreter: Any, metadata: ModelMetadata) -> tuple[int, list[int]]:
    """Return the tensors of the input and of each head; shapes must be the metadata's."""
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    by_place, sizes = {int(one["index"]): one for one in outputs}, metadata.heads()
    named = _output_names(path)
    found = {name: by_place[place] for name, place in named.items() if place in by_place}
    if len(inputs) != 1 or not set(sizes) <= set(found):
        raise ModelError(
            f"{path}: expected one input and the outputs {', '.join(sizes)}, found {len(inputs)} "
            f"and {', '.join(found) or 'none'}"
        )
    _check_form(path, "input", inputs[0], [1, 2, metadata.samples])
    for head, size in sizes.items():
        _check_form(path, f"output {head}", found[head], [1, size])
    return int(inputs[0]["index"]), [int(found[head]["index"]) for head in sizes]


def _output_names(path: Path) -> dict[str, int]:
    """Return the tensors of the outputs by their names in a model's only signature.

    The interpreter's own way to them doesn't survive a signature that is wrong.
    """
    from ai_edge_litert.schema_py_generated import Model

    try:
        model = Model.GetRootAs(path.read_bytes())
        count = model.SignatureDefsLength()
        outputs = []
        if count == 1:
            signature = model.SignatureDefs(0)
            outputs = [signature.Outputs(place) for place in range(signature.OutputsLength())]
        named = {one.Name().decode(): int(one.TensorIndex()) for one in outputs}
    except (struct.error, IndexError, ValueError, TypeError, AttributeError) as error:
        raise _unusable(path, error) from None
    if count != 1:
        raise ModelError(f"{path}: expected one signature, found {count}")
    return named


def _check_form(path: Path, what: str, tensor: dict[str, Any], expected: list[int]) -> None:
    shape, kind = list(map(int, tensor["shape"])), np.dtype(tensor["dtype"])
    if shape != expected or kind != np.float32:
        raise ModelError(f"{path}: {what} is {kind} {shape}, expected float32 {expected}")


def _first_line(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:300]
