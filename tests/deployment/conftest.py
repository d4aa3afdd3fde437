"""Fixtures that several rooms share."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest


class TinyModel:
    """Writes linear ONNX models: logits = flatten(x) @ weights, so every answer has a closed form.

    Attributes:
        metadata: the description that goes into the file.
        weights: float32 [2 * samples, classes].
    """

    def __init__(self, classes: tuple[str, ...] = ("BPSK", "QPSK", "noise"), samples: int = 8):
        self.metadata: dict[str, Any] = {
            **{"name": "tiny", "version": "1", "classes": list(classes), "samples": samples},
            **{"occupied_share": 0.25, "parameters": 48, "macs": 48, "paper": None},
        }
        shape = (2 * samples, len(classes))
        self.weights = np.random.default_rng(5).normal(size=shape).astype(np.float32)

    def proto(self, *, batch: object = "batch", **changes: object) -> Any:
        """The model's protobuf; `changes` replace entries of the metadata."""
        from onnx import TensorProto, helper, numpy_helper

        samples, classes = len(self.weights) // 2, self.weights.shape[1]
        nodes = [
            helper.make_node("Flatten", ["x"], ["flat"]),
            helper.make_node("MatMul", ["flat", "weights"], ["logits"]),
        ]
        x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 2, samples])
        logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, [batch, classes])
        tensors = [numpy_helper.from_array(self.weights, "weights")]
        graph = helper.make_graph(nodes, "tiny", [x], [logits], tensors)
        proto = helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 18)])
        helper.set_model_props(proto, {"hertzian": json.dumps(self.metadata | changes)})
        return proto

    def write(self, path: Path, **options: object) -> Path:
        path.write_bytes(self.proto(**options).SerializeToString())
        return path


@pytest.fixture
def tiny_model() -> type[TinyModel]:
    """The class that writes tiny models; needs the onnx package, which the base install lacks."""
    pytest.importorskip("onnx")
    return TinyModel
