"""A look into an ONNX file without the onnx package: does it point at other files?

ONNX is protobuf (onnx.proto3 of the ONNX specification). A tensor may keep its values in a second
file, whose path the model chooses; a model from a stranger must not get to choose what is read.
"""

from collections.abc import Iterator

from hertzian.signal import HertzianError

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_DEEPEST = 100  # protobuf's own limit on nesting

# message -> {field number: message held there}, along every way from the model to a tensor
CONTAINERS: dict[str, dict[int, str]] = {
    "ModelProto": {7: "GraphProto", 20: "TrainingInfoProto", 25: "FunctionProto"},
    "TrainingInfoProto": {1: "GraphProto", 2: "GraphProto"},
    "FunctionProto": {7: "NodeProto", 11: "AttributeProto"},
    "GraphProto": {1: "NodeProto", 5: "TensorProto", 15: "SparseTensorProto"},
    "NodeProto": {5: "AttributeProto"},
    "AttributeProto": {
        **{5: "TensorProto", 6: "GraphProto", 10: "TensorProto", 11: "GraphProto"},
        **{22: "SparseTensorProto", 23: "SparseTensorProto"},
    },
    "SparseTensorProto": {1: "TensorProto", 2: "TensorProto"},
}
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14  # fields of TensorProto


class WireError(HertzianError):
    """The bytes are not a protobuf message."""


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for place, byte in enumerate(data[at : at + 10]):
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value, at + place + 1
    raise WireError("a number runs past its end")


def fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield (field number, value) of a protobuf message; fixed-width values as their bytes.

    Raises:
        WireError: the bytes are not a message, or use the deprecated groups.
    """
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == _VARINT:
            value, at = _varint(data, at)
            yield key >> 3, value
            continue
        if kind == _BYTES:
            size, at = _varint(data, at)
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
        else:
            raise WireError(f"wire type {kind} has no place in a model")
        if size > len(data) - at:
            raise WireError("a field runs past the end")
        yield key >> 3, data[at : at + size]
        at += size


def refers_to_other_files(model: bytes) -> bool:
    """Tell whether any tensor of a serialised `ModelProto` keeps its values outside of it.

    Raises:
        WireError: the bytes are not a protobuf message.
    """
    pending = [(memoryview(model), "ModelProto", 0)]
    while pending:
        data, message, depth = pending.pop()
        if depth > _DEEPEST:
            raise WireError(f"messages are nested deeper than {_DEEPEST}")
        for number, value in fields(data):
            if message == "TensorProto":
                if number == _EXTERNAL_DATA or (number == _DATA_LOCATION and value != 0):
                    return True
            elif number in CONTAINERS[message] and isinstance(value, memoryview):
                pending.append((value, CONTAINERS[message][number], depth + 1))
    return False
