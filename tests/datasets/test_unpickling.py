import builtins
import os
import pickle
import pickletools
import subprocess
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hertzian.datasets.dataset import DatasetError
from hertzian.datasets.hdf5 import reading
from hertzian.datasets.unpickling import Pairs, PickledArray, unpickle

pytestmark = pytest.mark.base

X = np.random.default_rng(0).normal(size=(3, 2, 4)).astype(np.float32)


@pytest.fixture
def read(tmp_path):
    path = tmp_path / "d.pkl"

    def read(content):
        path.write_bytes(content)
        with reading(path):
            return unpickle(path)

    return read


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f8", "f2"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_come_back_in_every_protocol(tmp_path, protocol, dtype, order):
    path = tmp_path / "d.pkl"
    for x in (X, np.tile(X, (40, 1, 8))):  # values in memory, values in the file
        expected = np.asarray(x, dtype=dtype, order=order)
        path.write_bytes(pickle.dumps({("QPSK", -20): expected}, protocol))
        [((name, snr), array)] = unpickle(path)
        assert name in ("QPSK", b"QPSK")
        assert snr == -20
        with path.open("rb") as file:
            np.testing.assert_array_equal(array.read(file), expected)


@pytest.mark.parametrize("protocol", range(6))
def test_numbers_and_texts_come_back(read, protocol):
    held = (1, -70000, 2**40, -(2**63), 1.5, True, False, None, "a-µ", np.int64(-18), np.float32(2))
    found = read(pickle.dumps(held, protocol))
    assert found[:8] == held[:8]
    # NumPy's numbers become Python's; a short text of protocol 0 stands for bytes
    assert found[8] in ("a-µ", "a-µ".encode("latin-1"))
    assert found[9:] == (-18, 2.0)
    assert type(found[9]) is int


class Calls:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


class Plain:
    """Pickled by NEWOBJ in protocol 2."""


def short(text):
    return b"\x8c" + bytes([len(text)]) + text.encode()


TOUCH = "touch broken"
RUNNING = {
    "os.system": (pickle.dumps(Calls(os.system, TOUCH), 2), "posix.system"),
    "os.system, 4": (pickle.dumps(Calls(os.system, TOUCH), 4), "posix.system"),
    "eval": (pickle.dumps(Calls(eval, "1"), 2), "eval"),
    "exec, 0": (pickle.dumps(Calls(exec, "1"), 0), "exec"),
    "subprocess": (pickle.dumps(Calls(subprocess.Popen, TOUCH), 4), "subprocess.Popen"),
    "getattr": (pickle.dumps(Calls(getattr, 1, "real"), 2), "getattr"),
    "numpy's load": (pickle.dumps(Calls(np.load, "x"), 2), "numpy.*load"),
    "numpy's memmap": (pickle.dumps(Calls(np.memmap, "x"), 2), "numpy.*memmap"),
    "frombuffer": (pickle.dumps(Calls(np.frombuffer, b"1"), 2), "frombuffer"),
    "bytearray": (pickle.dumps(bytearray(b"1"), 2), "bytearray"),
    "in a cell": (pickle.dumps({("QPSK", 0): Calls(os.system, TOUCH)}, 2), "posix.system"),
    "in a key": (pickle.dumps({(Calls(os.system, TOUCH), 0): X}, 2), "posix.system"),
    "NEWOBJ": (pickle.dumps(Plain(), 2), "Plain"),
    "INST": (b"(S'touch broken'\nios\nsystem\n.", "the opcode INST"),
    "OBJ": (b"(cnumpy\nndarray\nS'x'\no.", "the opcode OBJ"),
    "NEWOBJ of an array": (b"\x80\x02cnumpy\nndarray\n)\x81.", "the opcode NEWOBJ"),
    "NEWOBJ_EX": (b"\x80\x04cnumpy\nndarray\n)}\x92.", "the opcode NEWOBJ_EX"),
    "EXT1": (b"\x80\x02\x82\x01.", "the opcode EXT1"),
    "EXT2": (b"\x80\x02\x83\x01\x00.", "the opcode EXT2"),
    "EXT4": (b"\x80\x02\x84\x01\x00\x00\x00.", "the opcode EXT4"),
    "PERSID": (b"Pname\n.", "the opcode PERSID"),
    "BINPERSID": (b"K\x01Q.", "the opcode BINPERSID"),
    "list": (b"].", "the opcode EMPTY_LIST"),
    "STACK_GLOBAL": (b"\x80\x04" + short("os") + short("system") + b"\x93.", "os.system"),
    "STACK_GLOBAL of numbers": (b"\x80\x04K\x01K\x02\x93.", "names no name"),
    "dots": (b"cnumpy\ncore.multiarray._reconstruct\n.", "names numpy.core"),
    "not ASCII": (b"cn\xffumpy\nndarray\n.", "ascii"),
    "two lines for a name": (pickle.dumps(Calls(os.system, TOUCH), 2)[:4], "cut off"),
    "call of an array": (b"cnumpy\nndarray\nK\x01\x85R.", "makes ndarray"),
    "call of a text": (b"S'x'\n)R.", "calls something"),
    "state of a text": (b"S'x'\n}b.", "sets the state"),
    "state of a name": (b"cnumpy\nndarray\n}b.", "sets the state"),
    "objects": (pickle.dumps(np.array([print, 1], dtype=object), 2), "pickled Python objects"),
    "structured": (pickle.dumps(np.zeros(2, [("a", "f4")]), 2), "V4"),
    "dates": (pickle.dumps(np.zeros(2, "M8[s]"), 2), "M8"),
    "texts": (pickle.dumps(np.array(["a"]), 2), "U1"),
    "integers": (pickle.dumps(np.zeros(2, int), 2), "i8, expected floating-point"),
    "complex": (pickle.dumps(np.zeros(2, complex), 2), "c16"),
    "no opcode": (b"\x80\x02\xff.", "no opcode"),
    "protocol 9": (b"\x80\x09N.", "protocol 9"),
    "empty stack": (b"0.", "empty stack"),
    "no mark": (b"K\x01t.", "mark is missing"),
    "no such memo": (b"h\x05.", "not a pickle, or damaged: it uses what it never kept"),
    "odd items": (b"}(K\x01u.", "no dictionary"),
    "items of a text": (b"S'x'\nK\x01K\x02s.", "no dictionary"),
    "no quotes": (b"Sabc\n.", "without quotes"),
    "long number": (b"I" + b"9" * 2000 + b"\n.", "2000 bytes"),
    "long integer": (b"\x80\x02\x8b\xff\xff\xff\x7f.", "2147483647 bytes"),
    "negative integer": (b"\x80\x02\x8b\xff\xff\xff\xff.", "-1 bytes"),
    "huge string": (b"\x80\x02T\xff\xff\xff\x7f.", "claims a string of 2147483647"),
    "negative string": (b"\x80\x02T\xff\xff\xff\xff.", "claims a string of -1"),
    "huger bytes": (b"\x80\x04\x8e" + b"\xff" * 8 + b".", "claims a string"),
    "huge frame": (b"\x80\x04\x95" + b"\xff" * 7, "cut off"),
}


@pytest.mark.parametrize("case", RUNNING)
def test_what_is_no_data_is_refused_by_name_and_not_run(read, tmp_path, monkeypatch, case):
    content, message = RUNNING[case]
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DatasetError, match=message) as caught:
        read(content)
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["d.pkl"]


def test_every_opcode_is_known_or_refused_by_its_name(read):
    for opcode in pickletools.opcodes:
        with pytest.raises(DatasetError):
            read(opcode.code.encode("latin-1"))


ARRAY = b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
DTYPE = (
    b"cnumpy\ndtype\nU\x02f4K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
)
SHAPE = b"K\x01K\x02K\x02\x87"
VALUES = b"U\x10" + bytes(16)
STATES = {
    "good": (b"(K\x01" + SHAPE + DTYPE + b"\x89" + VALUES + b"tb.", None),
    "two more": (b"(K\x01K\x01K\x02K\x04\x87" + DTYPE + b"\x89" + VALUES + b"tb.", "claims 32"),
    "fewer": (b"(K\x01K\x01K\x02K\x01\x87" + DTYPE + b"\x89" + VALUES + b"tb.", "claims 8"),
    "huge": (
        b"(K\x01\x8a\x08" + b"\xff" * 7 + b"\x7f" + b"K\x02K\x02\x87" + DTYPE + b"\x89U\x00tb.",
        "claims 147573952589676412912 bytes, but has 0",
    ),
    "negative": (b"(K\x01J\xff\xff\xff\xff\x85" + DTYPE + b"\x89" + VALUES + b"tb.", "whole num"),
    "text for a size": (b"(K\x01S'x'\n\x85" + DTYPE + b"\x89" + VALUES + b"tb.", "whole numbers"),
    "true for a size": (b"(K\x01\x88\x85" + DTYPE + b"\x89" + VALUES + b"tb.", "whole numbers"),
    "many axes": (b"(K\x01(" + b"K\x01" * 60 + b"t" + DTYPE + b"\x89" + VALUES + b"tb.", "whole"),
    "no dtype": (b"(K\x01" + SHAPE + b"N\x89" + VALUES + b"tb.", "sets the state"),
    "no values": (b"(K\x01" + SHAPE + DTYPE + b"\x89Ntb.", "without values"),
    "too short": (b"(K\x01" + SHAPE + b"tb.", "sets the state"),
    "state twice": (
        b"(K\x01" + SHAPE + DTYPE + b"\x89" + VALUES + b"tb(K\x01" + SHAPE + DTYPE + b"\x89tb.",
        "sets the state",
    ),
    "fields": (b"0" + DTYPE.replace(b"NNN", b"NN}") + b".", "fields or a shape"),
    "size of its own": (b"0" + DTYPE.replace(b"J\xff\xff\xff\xff", b"K\x08") + b".", "fields"),
    "object dtype": (b"0" + DTYPE.replace(b"f4", b"O8") + b".", "pickled Python objects"),
    "order": (b"0" + DTYPE.replace(b"<", b"?") + b".", "sets the state"),
}


@pytest.mark.parametrize("case", STATES)
def test_states_of_arrays_are_checked_before_memory_is_taken(read, case):
    content, message = STATES[case]
    if message is None:
        assert read(ARRAY + content).shape == (1, 2, 2)
        return
    with pytest.raises(DatasetError, match=message):
        read(ARRAY + content)


def test_an_array_without_a_state_has_no_shape(read):
    assert read(ARRAY + b".") == PickledArray()


BOMBS = {
    # (t, t) of (t, t) of ...: hashing or printing it would take 2^200 steps
    "memo": b"\x80\x02)" + b"q\x00h\x00\x86" * 200 + b"\x85q\x01h\x01}h\x01h\x01s.",
    "nesting": b"\x80\x02)" + b"\x85" * 500_000 + b".",
    "keys": b"\x80\x02})" + b"q\x00h\x00\x86" * 200 + b"K\x01s.",
    "marks": b"\x80\x02" + b"(" * 100_000 + b"t" * 100_000 + b".",
    "steps": b"\x80\x02" + b"N0" * 1_500_000 + b".",
}


@pytest.mark.parametrize("case", BOMBS)
def test_bombs_do_not_go_off(read, case):
    begin = time.perf_counter()
    try:
        assert isinstance(read(BOMBS[case]), tuple | Pairs)
    except DatasetError as error:
        assert "\n" not in str(error)  # noqa: PT017
    assert time.perf_counter() - begin < 5


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_bytes_give_data_or_one_line(read, data):
    codes = [opcode.code.encode("latin-1") for opcode in pickletools.opcodes]
    words = [DTYPE, ARRAY[2:], SHAPE, VALUES, b"\x02", b"2\n", b"'x'\n", b"numpy\nndarray\n"]
    parts = data.draw(st.lists(st.sampled_from(codes + words) | st.binary(max_size=4), max_size=30))
    try:
        read(b"".join(parts) + b".")
    except DatasetError as error:
        assert "\n" not in str(error)  # noqa: PT017


def test_nothing_is_imported_or_called(read, monkeypatch):
    def refuse(*arguments, **options):
        raise AssertionError(arguments)

    content = pickle.dumps({("QPSK", 0): X}, 2)
    for name in ("loads", "load", "Unpickler", "_Unpickler"):
        monkeypatch.setattr(pickle, name, refuse)
    monkeypatch.setattr(builtins, "__import__", refuse)
    assert isinstance(read(content), Pairs)
