import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from hertzian.deployment.integers import quantise_biases, round_early
from hertzian.deployment.quantization import count_integers

RNG = np.random.default_rng(3)
CONSTANTS = {
    "x_scale": np.float32(0.02),
    "x_zero": np.uint8(128),
    "y_scale": np.float32(0.02),
    "y_zero": np.uint8(0),  # a ReLU leaves nothing below
    "w": RNG.integers(-127, 128, (4, 3, 1, 3)).astype(np.int8),
    "w_scale": RNG.uniform(0.001, 0.01, 4).astype(np.float32),
    "w_zero": np.zeros(4, np.int8),
    "b": RNG.normal(size=4).astype(np.float32),
    "dense": RNG.integers(-127, 128, (5, 24)).astype(np.int8),
    "dense_scale": RNG.uniform(0.001, 0.01, 5).astype(np.float32),
    "dense_zero": np.zeros(5, np.int8),
    "c": RNG.normal(size=5).astype(np.float32),
    "pads": np.array([0, 0, 0, 1, 0, 0, 0, 1], np.int64),
    "flat": np.array([0, 24], np.int64),
}


def rounding(source, name, scale):
    quantise = helper.make_node(
        "QuantizeLinear", [source, f"{scale}_scale", f"{scale}_zero"], [f"{name}_q"]
    )
    back = helper.make_node(
        "DequantizeLinear", [f"{name}_q", f"{scale}_scale", f"{scale}_zero"], [name]
    )
    return [quantise, back]


def weights(name):
    return helper.make_node(
        "DequantizeLinear", [name, f"{name}_scale", f"{name}_zero"], [f"{name}_floats"], axis=0
    )


def network():
    """Pad, convolution, pad, reshape, dense: rounded after the pads and the reshape alone."""
    nodes = [
        helper.make_node("Pad", ["x", "pads"], ["padded"]),
        *rounding("padded", "x_rounded", "x"),
        weights("w"),
        helper.make_node("Conv", ["x_rounded", "w_floats", "b"], ["maps"]),
        helper.make_node("Relu", ["maps"], ["positive"]),
        helper.make_node("Pad", ["positive", "pads"], ["wider"]),
        helper.make_node("Reshape", ["wider", "flat"], ["flattened"]),
        *rounding("flattened", "y_rounded", "y"),
        weights("dense"),
        helper.make_node("Gemm", ["y_rounded", "dense_floats", "c"], ["logits"], transB=1),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3, 1, 4])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 5])
    tensors = [numpy_helper.from_array(np.asarray(v), k) for k, v in CONSTANTS.items()]
    graph = helper.make_graph(nodes, "layers", [x], [logits], tensors)
    return helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 20)])


def run(model, x):
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run(["logits"], {"x": x})[0]


def test_layers_become_integers_and_answers_stay(tmp_path):
    model, x = network(), RNG.normal(size=(50, 3, 1, 4)).astype(np.float32)
    expected = run(model, x)
    (tmp_path / "before.onnx").write_bytes(model.SerializeToString())
    assert count_integers(tmp_path / "before.onnx").integer_kernels == {}
    round_early(model)
    quantise_biases(model)
    (tmp_path / "after.onnx").write_bytes(model.SerializeToString())
    counts = count_integers(tmp_path / "after.onnx")
    assert counts.integer_kernels == {"QGemm": 1, "QLinearConv": 1}
    assert counts.float_kernels == {}
    # a value on the border of two steps may go the other way
    step = np.abs(CONSTANTS["dense"]).max() * CONSTANTS["dense_scale"].max() * 0.02
    found = run(model, x)
    assert np.abs(found - expected).max() <= step
    assert np.median(np.abs(found - expected)) < 1e-4


def test_a_reshape_of_integers_keeps_their_scale():
    constants = {"flat": np.array([0, -1], np.int64)}
    for name, scale in (("x", 0.02), ("y", 0.021)):
        constants |= {f"{name}_scale": np.float32(scale), f"{name}_zero": np.uint8(128)}
    nodes = [
        *rounding("x", "first", "x"),
        helper.make_node("Reshape", ["first", "flat"], ["flattened"]),
        *rounding("flattened", "logits", "y"),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 2, 3])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 6])
    tensors = [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()]
    model = helper.make_model(
        helper.make_graph(nodes, "reshape", [x], [logits], tensors),
        **{"ir_version": 10, "opset_imports": [helper.make_opsetid("", 20)]},
    )
    round_early(model)
    values = np.linspace(-2, 2, 60, dtype=np.float32).reshape(10, 2, 3)
    once = 0.02 * np.rint(values / 0.02)
    np.testing.assert_allclose(run(model, values), once.reshape(10, 6), atol=1e-6)
    assert "y_scale" not in {tensor.name for tensor in model.graph.initializer}


@pytest.mark.parametrize("change", [quantise_biases, round_early])
def test_a_network_in_floats_stays_as_it_is(tiny_model, change):
    model = tiny_model().proto()
    before = model.SerializeToString()
    change(model)
    assert model.SerializeToString() == before
