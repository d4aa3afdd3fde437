"""The command, run in this process, and a model whose answers are written in its input."""

import json
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from hertzian.cli import main


@dataclass(frozen=True)
class Done:
    """What the command left: exit status, standard output, standard error."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def hertzian(monkeypatch, capsys):
    """Runs `hertzian ARGUMENTS...`."""

    def hertzian(*arguments):
        monkeypatch.setattr(sys, "argv", ["hertzian", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        captured = capsys.readouterr()
        return Done(left.value.code or 0, captured.out, captured.err)

    return hertzian


CLASSES = ("BPSK", "QPSK", "noise")


@pytest.fixture
def model_file(tmp_path):
    """Writes models with windows of 8 samples whose logits are the first three I samples."""
    onnx = pytest.importorskip("onnx")
    helper = onnx.helper

    def write(path=tmp_path / "first.onnx", **metadata):
        known = {
            **{"name": "first", "version": "1", "classes": CLASSES, "samples": 8},
            **{"occupied_share": 0.5, "parameters": 48, "macs": 48},
        }
        nodes = [
            helper.make_node("Flatten", ["x"], ["flat"]),
            helper.make_node("MatMul", ["flat", "first"], ["logits"]),
        ]
        graph = helper.make_graph(
            nodes,
            "first",
            [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["batch", 2, 8])],
            [helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, ["batch", 3])],
            [onnx.numpy_helper.from_array(np.eye(16, 3, dtype=np.float32), "first")],
        )
        opset = [helper.make_opsetid("", 18)]
        proto = helper.make_model(graph, ir_version=10, opset_imports=opset)
        helper.set_model_props(proto, {"hertzian": json.dumps(known | metadata)})
        path.write_bytes(proto.SerializeToString())
        return path

    return write
