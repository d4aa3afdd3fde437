"""Pickled arrays, read by a machine that knows numbers, texts, tuples, dictionaries and arrays.

Nothing is imported or called: an opcode either belongs to the few that such data need, or is
refused by its name. Sizes are checked against the file before anything is allocated. Opcodes are
those that Python's `pickletools` documents, in protocols 0 to 5.
"""

import codecs
import math
import pickletools
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from hertzian.datasets.dataset import DatasetError

_MOST_OPCODES = 2_000_000
_LONGEST_LINE = 256 << 20
_LONGEST_WORD = 1000  # bytes of a text or number that is kept, not left in the file
_FLOATS = {"f2", "f4", "f8"}
_NUMBERS = {*_FLOATS, "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"}

# module and name of what NumPy and Python 3 pickle arrays with -> what it stands for here
_ADMITTED = {
    ("numpy.core.multiarray", "_reconstruct"): "array",
    ("numpy._core.multiarray", "_reconstruct"): "array",
    ("numpy.core.multiarray", "scalar"): "scalar",
    ("numpy._core.multiarray", "scalar"): "scalar",
    ("numpy.core.numeric", "_frombuffer"): "buffer",
    ("numpy._core.numeric", "_frombuffer"): "buffer",
    ("numpy", "ndarray"): "ndarray",
    ("numpy", "dtype"): "dtype",
    ("_codecs", "encode"): "encode",
}


@dataclass(frozen=True)
class Span:
    """Bytes of a text or byte string that stay in the file.

    Attributes:
        start, stop: where they lie.
        coding: raw, or how a text that stands for bytes is written: utf-8, escape (a quoted string
            of Python 2), raw-unicode-escape.
    """

    start: int
    stop: int
    coding: str

    def read(self, file: IO[bytes]) -> bytes:
        """Return the bytes that it stands for.

        Raises:
            DatasetError: the file has become shorter.
            ValueError: the text is not well formed, or not of bytes.
        """
        file.seek(self.start)
        held = file.read(self.stop - self.start)
        if len(held) != self.stop - self.start:
            raise DatasetError("ends in the middle of its values")
        return _decoded(held, self.coding)


@dataclass
class PickledArray:
    """An array whose values stay in the file.

    Attributes:
        shape: as pickled; None until the pickle has said it.
        dtype: of floating-point numbers.
        fortran: whether the first axis varies fastest.
        values: where they are; bytes where they are few.
    """

    shape: tuple[int, ...] | None = None
    dtype: np.dtype[Any] | None = None
    fortran: bool = False
    values: Span | bytes = b""

    def read(self, file: IO[bytes]) -> npt.NDArray[Any]:
        """Return the values.

        Raises:
            DatasetError: there are more or fewer of them than the shape says.
            ValueError: they are not well formed.
        """
        held = self.values if isinstance(self.values, bytes) else self.values.read(file)
        assert self.shape is not None
        assert self.dtype is not None
        if len(held) != math.prod(self.shape) * self.dtype.itemsize:
            raise DatasetError(f"holds {len(held)} bytes for an array of {list(self.shape)}")
        flat = np.frombuffer(held, dtype=self.dtype)
        return flat.reshape(self.shape, order="F" if self.fortran else "C")


@dataclass
class _Kind:
    """A kind of number, being unpickled."""

    code: str
    order: str = "="

    @property
    def dtype(self) -> np.dtype[Any]:
        """The same for NumPy."""
        return np.dtype(self.code).newbyteorder(self.order)  # type: ignore[arg-type]


@dataclass(frozen=True)
class _Known:
    """Something that may be named in a pickle, and is not called."""

    meaning: str


class Pairs(list[tuple[Any, Any]]):
    """The entries of a dictionary; its keys are not hashed, for they may be made to take ages."""


_MARK = object()


def unpickle(path: Path) -> Any:
    """Return what a pickle holds: numbers, texts (str, bytes, `Span`), tuples, `Pairs`, arrays.

    Raises:
        DatasetError: it holds anything else, or claims more than the file has.
        OSError: the file cannot be read.
        ValueError: it is not well formed.
    """
    with path.open("rb") as file:
        return _Machine(file, path.stat().st_size).run()


def _decoded(held: bytes, coding: str) -> bytes:
    if coding == "raw":
        return held
    if coding == "escape":
        if len(held) < 2 or held[:1] != held[-1:] or held[:1] not in b"'\"":
            raise DatasetError("holds a string without quotes, which no pickle does")
        return codecs.escape_decode(held[1:-1])[0]
    return held.decode(coding).encode("latin-1")


class _Machine:
    """The stack machine of a pickle."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self.file = file
        self.size = size
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def run(self) -> Any:
        for _ in range(_MOST_OPCODES):
            code = self.take(1)
            if code == b".":
                return self.pop()
            action = _ACTIONS.get(code)
            if action is None:
                raise DatasetError(f"uses {_name(code)}; data need none of it, and it is refused")
            action(self)
        raise DatasetError(f"has more than {_MOST_OPCODES} steps, which no dataset needs")

    def take(self, count: int) -> bytes:
        held = self.file.read(count)
        if len(held) != count:
            raise DatasetError("is cut off: the pickle has no end")
        return held

    def number(self, form: str) -> Any:
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def line(self) -> tuple[int, bytes]:
        start = self.file.tell()
        held = self.file.readline(_LONGEST_LINE)
        if not held.endswith(b"\n"):
            raise DatasetError("is cut off in the middle of a line")
        return start, held[:-1]

    def word(self) -> str:
        held = self.line()[1]
        if len(held) > _LONGEST_WORD:
            raise DatasetError(f"has a name or number of {len(held)} bytes")
        return held.decode("ascii")

    def counted(self, form: str, coding: str) -> None:
        """Push a text or byte string whose length stands before it."""
        count = self.number(form)
        start = self.file.tell()
        if not 0 <= count <= self.size - start:
            raise DatasetError(f"claims a string of {count} bytes, more than the file has")
        if count > _LONGEST_WORD:
            self.stack.append(Span(start, start + count, coding))
            self.file.seek(count, 1)
        elif coding == "utf-8":
            self.stack.append(self.take(count).decode())
        else:
            self.stack.append(self.take(count))

    def quoted(self, coding: str) -> None:
        """Push a string that fills a line."""
        start, held = self.line()
        if len(held) > _LONGEST_WORD:
            self.stack.append(Span(start, start + len(held), coding))
        else:
            self.stack.append(_decoded(held, coding))

    def pop(self) -> Any:
        if not self.stack or self.stack[-1] is _MARK:
            raise DatasetError("is not a pickle, or damaged: it takes from an empty stack")
        return self.stack.pop()

    def since_mark(self) -> list[Any]:
        for place in range(len(self.stack) - 1, -1, -1):
            if self.stack[place] is _MARK:
                items = self.stack[place + 1 :]
                del self.stack[place:]
                return items
        raise DatasetError("is not a pickle, or damaged: a mark is missing")

    def integer(self, text: str) -> int | bool:
        if text in ("00", "01"):
            return text == "01"
        return int(text.removesuffix("L"))

    def long(self, form: str) -> None:
        count = self.number(form)
        if not 0 <= count <= 16:
            raise DatasetError(f"holds an integer of {count} bytes")
        self.stack.append(int.from_bytes(self.take(count), "little", signed=True))

    def tuple_of(self, count: int) -> None:
        items = [self.pop() for _ in range(count)]
        self.stack.append(tuple(reversed(items)))

    def put(self, place: int) -> None:
        value = self.pop()
        self.stack.append(value)
        self.memo[place] = value

    def get(self, place: int) -> None:
        if place not in self.memo:
            raise DatasetError("is not a pickle, or damaged: it uses what it never kept")
        self.stack.append(self.memo[place])

    def set_items(self, items: list[Any]) -> None:
        pairs = self.pop()
        if not isinstance(pairs, Pairs) or len(items) % 2:
            raise DatasetError("sets items of something that is no dictionary")
        pairs.extend(zip(items[::2], items[1::2], strict=True))
        self.stack.append(pairs)

    def dictionary(self) -> None:
        items = self.since_mark()
        self.stack.append(Pairs())
        self.set_items(items)

    def set_item(self) -> None:
        self.set_items([self.pop(), self.pop()][::-1])

    # --- what is named ---------------------------------------------------------------------------

    def known(self, module: Any, name: Any) -> None:
        words = tuple(
            w.decode("latin-1") if isinstance(w, bytes) else w
            for w in (module, name)
            if isinstance(w, bytes | str)
        )
        if words not in _ADMITTED:
            shown = ".".join(ascii(w)[1:-1][:100] for w in words) if len(words) == 2 else "no name"
            raise DatasetError(f"names {shown}, which is no array; it is refused and not run")
        self.stack.append(_Known(_ADMITTED[words]))

    def stack_global(self) -> None:
        name, module = self.pop(), self.pop()
        self.known(module, name)

    def reduce(self) -> None:
        given, function = self.pop(), self.pop()
        if not isinstance(function, _Known) or not isinstance(given, tuple):
            raise DatasetError("calls something that is no array; it is refused and not run")
        match function.meaning, given:
            case "array", (_Known("ndarray"), (0,), b"b" | "b"):
                self.stack.append(PickledArray())
            case "dtype", (str() | bytes() as code, False | True | 0 | 1, False | True | 0 | 1):
                self.stack.append(_Kind(_kind(code)))
            case "scalar", (_Kind() as kind, bytes() | str() as value):
                self.stack.append(_scalar(kind, value))
            case "encode", (str() | bytes() | Span() as text, "latin1" | b"latin1"):
                self.stack.append(text.encode("latin-1") if isinstance(text, str) else text)
            case "buffer", (bytes() | Span() as values, _Kind() as kind, shape, "C" | "F" as order):
                array = PickledArray()
                _fill(array, shape, kind, order == "F", values)
                self.stack.append(array)
            case meaning, _:
                raise DatasetError(f"makes {meaning} of something that does not give one")

    def build(self) -> None:
        state, made = self.pop(), self.pop()
        match made, state:
            case _Kind(), (3, ("<" | ">" | "|" | "=" | b"<" | b">" | b"|") as order, *rest):
                if rest[:3] != [None] * 3 or rest[3:5] != [-1, -1]:
                    raise DatasetError("holds numbers with fields or a shape of their own")
                made.order = order.decode() if isinstance(order, bytes) else order
            case PickledArray(shape=None), (1, shape, _Kind() as kind, fortran, values):
                _fill(made, shape, kind, fortran, values)
            case _:
                raise DatasetError("sets the state of something that is no array; it is refused")
        self.stack.append(made)


def _kind(code: str | bytes) -> str:
    text = code.decode("latin-1") if isinstance(code, bytes) else code
    if text not in _NUMBERS:
        objects = text[:1] == "O"
        what = "pickled Python objects" if objects else f"values of kind {ascii(text)[:20]}"
        raise DatasetError(f"holds an array of {what}, expected real numbers")
    return text


def _scalar(kind: _Kind, value: bytes | str) -> int | float:
    held = value.encode("latin-1") if isinstance(value, str) else value
    if len(held) != kind.dtype.itemsize:
        raise DatasetError(f"holds a number of {len(held)} bytes, expected {kind.dtype.itemsize}")
    return np.frombuffer(held, kind.dtype)[0].item()  # type: ignore[no-any-return]


def _fill(array: PickledArray, shape: Any, kind: _Kind, fortran: Any, values: Any) -> None:
    sizes = shape if isinstance(shape, tuple) and len(shape) <= 8 else ("no tuple",)
    if not all(type(size) is int and size >= 0 for size in sizes):
        raise DatasetError("holds an array whose shape is not a few whole numbers")
    if kind.code not in _FLOATS:
        raise DatasetError(f"holds an array of {kind.code}, expected floating-point numbers")
    if not isinstance(values, bytes | str | Span) or fortran not in (0, 1):
        raise DatasetError("holds an array without values")
    if isinstance(values, str):
        values = values.encode("latin-1")
    claimed = kind.dtype.itemsize * math.prod(sizes)
    held = len(values) if isinstance(values, bytes) else values.stop - values.start
    exact = isinstance(values, bytes) or values.coding == "raw"
    if claimed > held or (exact and claimed != held):
        raise DatasetError(f"holds an array that claims {claimed} bytes, but has {held}")
    array.shape, array.dtype, array.fortran = sizes, kind.dtype, bool(fortran)
    array.values = values


def _name(code: bytes) -> str:
    names = {opcode.code: opcode.name for opcode in pickletools.opcodes}
    name = names.get(code.decode("latin-1"))
    return f"the opcode {name}" if name else f"byte {code!r}, which is no opcode"


def _push(value: Callable[[_Machine], Any]) -> Callable[[_Machine], None]:
    return lambda m: m.stack.append(value(m))


def _protocol(machine: _Machine) -> None:
    version = machine.number("B")
    if version > 5:
        raise DatasetError(f"is a pickle of protocol {version}; known are 0 to 5")


_ACTIONS: dict[bytes, Callable[[_Machine], Any]] = {
    **{b"\x80": _protocol, b"\x95": lambda m: m.take(8)},
    **{b"(": _push(lambda m: _MARK), b"0": lambda m: m.pop(), b"1": lambda m: m.since_mark()},
    **{b"N": _push(lambda m: None), b"\x88": _push(lambda m: True)},
    **{b"\x89": _push(lambda m: False), b"J": _push(lambda m: m.number("<i"))},
    **{b"K": _push(lambda m: m.number("<B")), b"M": _push(lambda m: m.number("<H"))},
    **{b"G": _push(lambda m: m.number(">d")), b"F": _push(lambda m: float(m.word()))},
    **{b"I": _push(lambda m: m.integer(m.word())), b"L": _push(lambda m: m.integer(m.word()))},
    **{b"\x8a": lambda m: m.long("<B"), b"\x8b": lambda m: m.long("<i")},
    **{b"S": lambda m: m.quoted("escape"), b"V": lambda m: m.quoted("raw-unicode-escape")},
    **{b"T": lambda m: m.counted("<i", "raw"), b"U": lambda m: m.counted("<B", "raw")},
    **{b"B": lambda m: m.counted("<I", "raw"), b"C": lambda m: m.counted("<B", "raw")},
    **{b"\x8e": lambda m: m.counted("<Q", "raw"), b"\x96": lambda m: m.counted("<Q", "raw")},
    **{b"X": lambda m: m.counted("<I", "utf-8"), b"\x8c": lambda m: m.counted("<B", "utf-8")},
    **{b"\x8d": lambda m: m.counted("<Q", "utf-8"), b")": _push(lambda m: ())},
    **{b"t": _push(lambda m: tuple(m.since_mark())), b"\x85": lambda m: m.tuple_of(1)},
    **{b"\x86": lambda m: m.tuple_of(2), b"\x87": lambda m: m.tuple_of(3)},
    b"}": _push(lambda m: Pairs()),
    b"d": lambda m: m.dictionary(),
    **{b"s": lambda m: m.set_item()},
    b"u": lambda m: m.set_items(m.since_mark()),
    **{b"p": lambda m: m.put(int(m.word())), b"q": lambda m: m.put(m.number("<B"))},
    **{b"r": lambda m: m.put(m.number("<I")), b"\x94": lambda m: m.put(len(m.memo))},
    **{b"g": lambda m: m.get(int(m.word())), b"h": lambda m: m.get(m.number("<B"))},
    b"j": lambda m: m.get(m.number("<I")),
    b"c": lambda m: m.known(m.word(), m.word()),
    b"\x93": lambda m: m.stack_global(),
    **{b"R": lambda m: m.reduce(), b"b": lambda m: m.build()},
}
