"""What an ONNX graph of quantised layers needs, for onnxruntime to run it in integers."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

_QUANTISE, _DEQUANTISE = "QuantizeLinear", "DequantizeLinear"
_WITH_BIAS = ("Conv", "Gemm")
_ARRANGING = ("Flatten", "Pad", "Reshape", "Squeeze", "Transpose", "Unsqueeze")


class _Graph:
    """A graph's nodes and constants by the names of their outputs."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.proto = graph
        self.makers: dict[str, onnx.NodeProto] = {
            name: node for node in graph.node for name in node.output
        }
        self.constants = {tensor.name: tensor for tensor in graph.initializer}

    def value(self, name: str) -> npt.NDArray[np.float64]:
        return numpy_helper.to_array(self.constants[name]).astype(np.float64)

    def dequantised(self, name: str) -> onnx.NodeProto | None:
        """Return the node that made floats of integers under this name, with a constant scale."""
        node = self.makers.get(name)
        if node is None or node.op_type != _DEQUANTISE or node.input[1] not in self.constants:
            return None
        return node

    def readers(self, name: str) -> Iterator[onnx.NodeProto]:
        return (node for node in self.proto.node if name in node.input)

    def insert(self, node: onnx.NodeProto, before: onnx.NodeProto) -> None:
        self.proto.node.insert(list(self.proto.node).index(before), node)

    def keep(self, name: str, value: npt.NDArray[np.generic]) -> str:
        self.proto.initializer.append(numpy_helper.from_array(value, name))
        return name


def quantise_biases(model: onnx.ModelProto) -> None:
    """Store the biases of quantised layers in 32 bits, in place.

    A layer in integers adds its bias to sums of products, whose scale is that of the activations
    times that of the weights; with a bias in floats the last dense layers stay in floats.
    """
    graph = _Graph(model.graph)
    for layer in list(model.graph.node):
        if layer.op_type not in _WITH_BIAS or len(layer.input) < 3:
            continue
        activations, weights = (graph.dequantised(name) for name in layer.input[:2])
        if activations is None or weights is None or layer.input[2] not in graph.constants:
            continue
        bias = graph.value(layer.input[2])
        unit = graph.value(activations.input[1]) * graph.value(weights.input[1])
        unit = np.broadcast_to(unit, bias.shape)
        limits = np.iinfo(np.int32)
        stored = np.clip(np.rint(bias / unit), limits.min, limits.max).astype(np.int32)
        name = layer.output[0]
        inputs = [
            graph.keep(f"{name}_bias", stored),
            graph.keep(f"{name}_bias_scale", unit.astype(np.float32)),
            graph.keep(f"{name}_bias_zero", np.zeros(bias.shape, np.int32)),
        ]
        made = onnx.helper.make_node(_DEQUANTISE, inputs, [f"{name}_bias_floats"], axis=0)
        graph.insert(made, layer)
        layer.input[2] = made.output[0]
    _drop_unread(model.graph)


def round_early(model: onnx.ModelProto) -> None:
    """Round values before they are padded or arranged anew rather than after, in place.

    The result is the same, but only a layer whose own output is rounded can be in integers; and
    values that came as integers need no second rounding.
    """
    graph = _Graph(model.graph)
    for node in reversed(list(model.graph.node)):
        readers = list(graph.readers(node.output[0]))
        if node.op_type not in _ARRANGING or not readers:
            continue
        if any(reader.op_type != _QUANTISE for reader in readers):
            continue
        source = graph.dequantised(node.input[0])
        if source is not None:
            for quantise in readers:
                _take_scale(graph, quantise, source)
        elif len({tuple(reader.input[1:]) for reader in readers}) == 1:
            _round_before(graph, node, readers[0])
    _drop_unread(model.graph)


def _take_scale(graph: _Graph, quantise: onnx.NodeProto, source: onnx.NodeProto) -> None:
    for dequantise in graph.readers(quantise.output[0]):
        dequantise.input[1:] = source.input[1:]
    quantise.input[1:] = source.input[1:]


def _round_before(graph: _Graph, node: onnx.NodeProto, like: onnx.NodeProto) -> None:
    """Quantise and dequantise what comes into a node, as what comes out of it will be."""
    name, made = node.input[0], f"{node.output[0]}_rounded"
    for kind, inputs, output in (
        (_QUANTISE, [name, *like.input[1:]], f"{made}_integers"),
        (_DEQUANTISE, [f"{made}_integers", *like.input[1:]], made),
    ):
        graph.insert(onnx.helper.make_node(kind, inputs, [output]), node)
    node.input[0] = made


def _drop_unread(graph: onnx.GraphProto) -> None:
    read = {name for node in graph.node for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in read]
    del graph.initializer[:]
    graph.initializer.extend(kept)
