"""Small datasets of the published kinds, and a pickle like those of Python 2."""

import numpy as np

from hertzian.datasets.dataset import Dataset
from hertzian.datasets.published import RML2016_10A


def dataset(modulations, levels, per=2, samples=128, **changes):
    """`per` windows for each class and SNR, ordered by class, then SNR."""
    cells = len(modulations) * len(levels)
    count = cells * per
    parts = {
        "x": np.random.default_rng(3).normal(size=(count, 2, samples)).astype(np.float32),
        "modulation": np.repeat(np.arange(len(modulations)), len(levels) * per),
        "snr_db": np.tile(np.repeat(np.float32(levels), per), len(modulations)),
        "group": np.arange(count),
        "modulations": tuple(modulations),
        **{"preset": "some", "seed": 0, "sample_rate_hz": 1.0, "snr_definition": ""},
        "version": "",
    }
    return Dataset(**(parts | changes))


def rml(**changes):
    return dataset(RML2016_10A.modulations, (-20, 0, 18), **changes)


def escaped(values):
    """Bytes as Python 2 writes them in a pickle of protocol 0."""
    named = {0x5C: "\\\\", 0x27: "\\'", 0x0A: "\\n", 0x0D: "\\r", 0x09: "\\t"}
    return "".join(
        named.get(byte) or (chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}") for byte in values
    ).encode("ascii")


def python2_pickle(cells):
    """What `cPickle.dump(cells, file)` of Python 2 writes, by default in protocol 0.

    As the published RML2016.10a begins (reported at github.com/radioML/dataset).
    """
    out = [b"(dp1\n"]
    for number, ((name, snr), x) in enumerate(cells.items()):
        key = b"(S'%s'\np%d\nI%d\ntp%d\n" % (name.encode(), 100 + 3 * number, snr, 101 + 3 * number)
        shape = b"(" + b"".join(b"I%d\n" % size for size in x.shape) + b"t"
        if number:
            out += [key, b"g4\n(g5\n(I0\ntS'b'\ntRp%d\n(I1\n" % (102 + 3 * number), shape, b"g8\n"]
        else:
            out += [key, b"cnumpy.core.multiarray\n_reconstruct\np4\n(cnumpy\nndarray\np5\n"]
            out += [b"(I0\ntS'b'\ntRp6\n(I1\n", shape, b"cnumpy\ndtype\np7\n(S'f4'\nI0\nI1\ntRp8\n"]
            out += [b"(I3\nS'<'\nNNNI-1\nI-1\nI0\ntb"]
        out += [b"I00\nS'", escaped(x.astype("<f4").tobytes()), b"'\ntbs"]
    return b"".join((*out, b"."))
