"""From a trained torch module to the three files of a model: ONNX, safetensors and card."""

import contextlib
import io
import json
import os
from pathlib import Path
from typing import Any

import onnx
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn

from hertzian.deployment.metadata import INPUT, LOGITS, ModelMetadata
from hertzian.deployment.quiet import quiet
from hertzian.deployment.runtime import METADATA_KEY
from hertzian.recordings.atomic import atomic_path
from hertzian.signal import MODULATION, HertzianError

OPSET = 20
"""ONNX operator set of the files written; onnxruntime 1.17 and later run it."""

StrPath = str | os.PathLike[str]


class ExportError(HertzianError):
    """A model cannot be written, or weights do not belong to the network."""


def export_onnx(module: nn.Module, metadata: ModelMetadata, path: StrPath) -> None:
    """Write a network as one ONNX file: input `x` [batch, 2, samples], output `logits`.

    The batch size is free, batch norm is folded into the convolutions, and the description is
    stored under the key "hertzian" of the custom metadata, which is all the metadata there is. Of
    a network with several heads `logits` is the modulation's; the others go by their names.

    Args:
        module: float32 [batch, 2, samples] -> logits [batch, classes], or a dict of heads; its
            mode is left as it was.
        metadata: stored in the file; its samples and heads must be those of the network.
        path: the file to write.

    Raises:
        ExportError: the network's output does not have the heads and classes of the metadata.
        RecordingError: the file cannot be written.
    """
    was_training = module.training
    # An example batch of 1 would be taken for a constant.
    example = torch.zeros(2, 2, metadata.samples)
    heads = metadata.heads()
    traced = module if len(heads) == 1 else InOrder(module, list(heads))
    traced.eval()
    try:
        with torch.no_grad():
            found = _shapes(module(example))
        expected = {head: [2, size] for head, size in heads.items()}
        if found != expected:
            raise ExportError(
                f"{metadata.name}: expected {_listed(expected)} for the metadata, found "
                f"{_listed(found)}"
            )
        model = trace(traced, example, list(heads))
    finally:
        module.train(was_training)
    write_onnx(model, metadata, path)


def write_onnx(model: onnx.ModelProto, metadata: ModelMetadata, path: StrPath) -> None:
    """Write a traced network with its description, which is then all that the file tells of it.

    Raises:
        RecordingError: the file cannot be written.
    """
    _keep_only(model, metadata)
    onnx.checker.check_model(model)
    with atomic_path(path) as partial:
        partial.write_bytes(model.SerializeToString(deterministic=True))


class InOrder(nn.Module):
    """A network's heads, in a fixed order."""

    def __init__(self, module: nn.Module, names: list[str]) -> None:
        super().__init__()
        self.module = module
        self.names = names

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return what each head says of float32 [batch, 2, samples]."""
        answer = self.module(x)
        by_head = answer if isinstance(answer, dict) else {MODULATION: answer}
        return tuple(by_head[name] for name in self.names)


def _shapes(answer: Tensor | dict[str, Tensor]) -> dict[str, list[int]]:
    by_head = answer if isinstance(answer, dict) else {MODULATION: answer}
    return {head: list(value.shape) for head, value in by_head.items()}


def _listed(shapes: dict[str, list[int]]) -> str:
    return ", ".join(f"{head} {shape}" for head, shape in shapes.items())


def trace(module: nn.Module, example: Tensor, heads: list[str]) -> onnx.ModelProto:
    """Return the ONNX graph of a network of any batch size, its outputs named by their heads.

    Args:
        module: of one output, or of a tuple in the order of the heads.
        example: [batch, 2, samples], batch > 1.
        heads: `modulation` goes by the name `logits`.
    """
    batch = torch.export.Dim("batch", min=1)
    with quiet(), contextlib.redirect_stdout(io.StringIO()):
        program = torch.onnx.export(
            module,
            (example,),
            input_names=[INPUT],
            output_names=[LOGITS if head == MODULATION else head for head in heads],
            dynamo=True,
            external_data=False,
            opset_version=OPSET,
            dynamic_shapes=({0: batch},),
            verbose=False,
        )
    if program is None:
        raise ExportError("torch.onnx.export returned no program; this torch version is too old")
    return program.model_proto


def _keep_only(model: onnx.ModelProto, metadata: ModelMetadata) -> None:
    """Strip what the exporter tells about source files; leave our description alone."""
    graph = model.graph
    for holder in (model, graph, *graph.node, *graph.initializer, *graph.value_info):
        del holder.metadata_props[:]
    for holder in (*graph.node, *graph.input, *graph.output, *graph.value_info):
        holder.doc_string = ""
    for value in (*graph.input, *graph.output):
        del value.metadata_props[:]
    model.doc_string = graph.doc_string = ""
    onnx.helper.set_model_props(model, {METADATA_KEY: metadata.model_dump_json()})


def save_safetensors(module: nn.Module, path: StrPath) -> None:
    """Write a network's weights and saved buffers, in their own precision.

    Raises:
        RecordingError: the file cannot be written.
    """
    tensors = {name: tensor.contiguous() for name, tensor in module.state_dict().items()}
    with atomic_path(path) as partial:
        partial.write_bytes(save(tensors))  # save_file lets nobody else read it


def load_safetensors(module: nn.Module, path: StrPath) -> None:
    """Load a network's weights in place; nothing changes unless every tensor fits.

    Raises:
        ExportError: unreadable, or names or shapes differ from the network's.
    """
    expected = module.state_dict()
    try:
        found = load_file(path)
    except (OSError, SafetensorError) as error:
        raise ExportError(f"{path}: cannot be read as safetensors ({error})") from None
    missing = sorted(expected.keys() - found.keys())
    surplus = sorted(found.keys() - expected.keys())
    if missing or surplus:
        raise ExportError(
            f"{path}: weights of another network (missing {_some(missing)}, "
            f"not known {_some(surplus)}); build the network these were saved from"
        )
    for name, tensor in found.items():
        if tensor.shape != expected[name].shape:
            raise ExportError(
                f"{path}: {name} is {list(tensor.shape)}, expected {list(expected[name].shape)}; "
                "build the network with the classes these weights were saved with"
            )
    module.load_state_dict(found)


def stored_shapes(path: StrPath) -> dict[str, list[int]]:
    """Return the shapes of a file's tensors by name, without reading values.

    Raises:
        ExportError: unreadable.
    """
    try:
        with safe_open(path, framework="pt") as file:
            names = file.keys()
            return {name: list(file.get_slice(name).get_shape()) for name in names}
    except (OSError, SafetensorError) as error:
        raise ExportError(f"{path}: cannot be read as safetensors ({error})") from None


def _some(names: list[str]) -> str:
    if not names:
        return "none"
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def write_card(metadata: ModelMetadata, path: StrPath, **notes: Any) -> None:
    """Write a model's card: its metadata as JSON, and beside them what else is to be known.

    Args:
        metadata: the fields that the ONNX file carries too.
        path: NAME.json.
        notes: further entries that JSON can hold, such as `measured` or `licence`.

    Raises:
        ExportError: a note has the name of a metadata field.
        RecordingError: the file cannot be written.
    """
    fields = metadata.model_dump(mode="json")
    clashes = sorted(fields.keys() & notes.keys())
    if clashes:
        raise ExportError(f"{path}: the metadata already say {', '.join(clashes)}; rename the note")
    with atomic_path(path) as partial:
        text = json.dumps({**fields, **notes}, indent=2, ensure_ascii=False, allow_nan=False)
        partial.write_text(text + "\n", encoding="utf-8")


def save_model(module: nn.Module, metadata: ModelMetadata, folder: StrPath, **notes: Any) -> None:
    """Write NAME.onnx, NAME.safetensors and NAME.json into a folder, made if missing.

    Raises:
        ExportError, RecordingError: as the three writers do.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    export_onnx(module, metadata, target / f"{metadata.name}.onnx")
    save_safetensors(module, target / f"{metadata.name}.safetensors")
    write_card(metadata, target / f"{metadata.name}.json", **notes)
