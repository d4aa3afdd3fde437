"""Where a network rounds to 8 bits: before and after its convolutions and dense layers."""

from collections.abc import Iterator

import torch
from torch.fx import GraphModule, Node
from torchao.quantization.pt2e import (
    FusedMovingAvgObsFakeQuantize,
    MovingAverageMinMaxObserver,
    MovingAveragePerChannelMinMaxObserver,
)
from torchao.quantization.pt2e.quantizer import (
    QuantizationAnnotation,
    QuantizationSpec,
    Quantizer,
    SharedQuantizationSpec,
)

_ANNOTATION = "quantization_annotation"  # where torchao looks for it
_LEAST_SCALE = 2**-12

_aten = torch.ops.aten
_LAYERS = (_aten.conv1d.default, _aten.conv2d.default, _aten.linear.default)
_RELUS = (_aten.relu.default, _aten.relu_.default)
_POOLS = (_aten.max_pool1d.default, _aten.max_pool2d.default)


def _activations(dtype: torch.dtype) -> QuantizationSpec:
    limits = torch.iinfo(dtype)
    return QuantizationSpec(
        dtype=dtype,
        quant_min=limits.min,
        quant_max=limits.max,
        qscheme=torch.per_tensor_affine,
        observer_or_fake_quant_ctr=FusedMovingAvgObsFakeQuantize.with_args(
            observer=MovingAverageMinMaxObserver, eps=_LEAST_SCALE
        ),
    )


_WEIGHTS = QuantizationSpec(
    dtype=torch.int8,
    quant_min=-127,
    quant_max=127,
    qscheme=torch.per_channel_symmetric,
    ch_axis=0,
    observer_or_fake_quant_ctr=FusedMovingAvgObsFakeQuantize.with_args(
        observer=MovingAveragePerChannelMinMaxObserver, eps=_LEAST_SCALE
    ),
)


class LayerQuantizer(Quantizer):  # type: ignore[misc]
    """Rounds what runtimes have integer kernels for, by what a layer computes.

    torchao's own quantisers know layers by their class, and overlook those derived from torch's. A
    ReLU is rounded with its layer.

    Args:
        dtype: of the activations: torch.uint8 for onnxruntime, torch.int8 for XNNPACK.
        answers: whether the answers of the network are rounded as well, as XNNPACK wants it.
    """

    def __init__(self, dtype: torch.dtype = torch.uint8, *, answers: bool = False) -> None:
        super().__init__()
        self._activations = _activations(dtype)
        self._answers = answers

    def annotate(self, model: GraphModule) -> GraphModule:
        """Say of every node of an exported network how it rounds."""
        for layer in _layers(model):
            source, weight = layer.args[:2]
            layer.meta[_ANNOTATION] = QuantizationAnnotation(
                input_qspec_map={source: self._activations, weight: _WEIGHTS}, _annotated=True
            )
            last = _with_relu(layer)
            if self._answers or any(reader.op != "output" for reader in last.users):
                before = last.meta.get(_ANNOTATION, QuantizationAnnotation(_annotated=True))
                before.output_qspec = self._activations
                last.meta[_ANNOTATION] = before
        for pool in model.graph.nodes:
            if pool.target in _POOLS and _ANNOTATION in pool.args[0].meta:
                source = pool.args[0]
                pool.meta[_ANNOTATION] = QuantizationAnnotation(
                    input_qspec_map={source: self._activations},
                    output_qspec=SharedQuantizationSpec((source, pool)),
                    _annotated=True,
                )
        return model

    def validate(self, model: GraphModule) -> None:
        """Nothing is left to check: every annotation is one of the two above."""


def _layers(model: GraphModule) -> Iterator[Node]:
    return (node for node in model.graph.nodes if node.target in _LAYERS)


def _with_relu(layer: Node) -> Node:
    """Return the ReLU that alone reads a layer, or the layer itself."""
    readers = list(layer.users)
    return readers[0] if len(readers) == 1 and readers[0].target in _RELUS else layer
