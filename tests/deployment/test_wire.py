import pytest

from hertzian.deployment.wire import CONTAINERS, WireError, fields, refers_to_other_files

onnx = pytest.importorskip("onnx")


def messages_that_lead_to_a_tensor() -> dict[str, dict[int, str]]:
    """The table as onnx's own description of the format gives it."""
    held: dict[str, dict[int, str]] = {}

    def visit(message):
        if message.name not in held:
            found = {f.number: f.message_type for f in message.fields if f.message_type}
            held[message.name] = {number: inner.name for number, inner in found.items()}
            for inner in found.values():
                visit(inner)

    visit(onnx.ModelProto.DESCRIPTOR)
    held["TensorProto"] = {}
    leading = {"TensorProto"}
    while True:
        more = {name for name, inner in held.items() if leading & set(inner.values())} - leading
        if not more:
            break
        leading |= more
    return {
        name: {number: inner for number, inner in held[name].items() if inner in leading}
        for name in leading - {"TensorProto"}
    }


def test_the_table_is_that_of_the_format():
    assert messages_that_lead_to_a_tensor() == CONTAINERS


def external_tensor():
    tensor = onnx.TensorProto(name="w", dims=[4], data_type=onnx.TensorProto.FLOAT)
    tensor.data_location = onnx.TensorProto.EXTERNAL
    return tensor


def in_initializer(model, tensor):
    model.graph.initializer.append(tensor)


def in_sparse_initializer(model, tensor):
    model.graph.sparse_initializer.add().values.CopyFrom(tensor)


def in_constant(model, tensor):
    model.graph.node.add(op_type="Constant").attribute.add(name="value").t.CopyFrom(tensor)


def in_branch(model, tensor):
    branch = model.graph.node.add(op_type="If").attribute.add(name="then_branch").g
    branch.node.add(op_type="Constant").attribute.add(name="value").tensors.append(tensor)


def in_function(model, tensor):
    model.functions.add(name="f").node.add(op_type="Constant").attribute.add().t.CopyFrom(tensor)


@pytest.mark.parametrize(
    "place", [in_initializer, in_sparse_initializer, in_constant, in_branch, in_function]
)
def test_an_external_tensor_is_found_wherever_it_hides(tiny_model, place):
    model = tiny_model().proto()
    assert not refers_to_other_files(model.SerializeToString())
    place(model, external_tensor())
    assert refers_to_other_files(model.SerializeToString())


def test_a_path_without_the_flag_counts_too(tiny_model):
    model = tiny_model().proto()
    model.graph.initializer[0].external_data.add(key="location", value="weights.bin")
    assert refers_to_other_files(model.SerializeToString())


def test_fields_are_those_that_protobuf_wrote():
    message = onnx.TensorProto(name="w" * 200, data_type=300, raw_data=b"abc")
    found = {
        number: value if isinstance(value, int) else bytes(value)
        for number, value in fields(memoryview(message.SerializeToString()))
    }
    assert found == {2: 300, 8: b"w" * 200, 9: b"abc"}


@pytest.mark.parametrize("data", [b"\x08", b"\x0a\x05ab", b"\x0b", b"\xff" * 11, b"\x0d\x00"])
def test_what_is_no_message_is_refused(data):
    with pytest.raises(WireError):
        list(fields(memoryview(data)))
