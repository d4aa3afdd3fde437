import pickle
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from tests.datasets.samples import dataset, python2_pickle, rml

from hertzian.datasets.dataset import ArrayWindows, DatasetError
from hertzian.datasets.hdf5 import reading
from hertzian.datasets.published import RML2016_04C, RML2016_10A, RML2016_10B
from hertzian.datasets.radioml import PickledWindows, read_pickle, regains_groups, write_pickle
from hertzian.signal import HertzianError

pytestmark = pytest.mark.base


def cells(names=("QPSK", "AM-SSB", "8PSK"), levels=(18, -20), count=3, samples=128):
    random = np.random.default_rng(1)
    return {
        (name, snr): random.normal(size=(count, 2, samples)).astype(np.float32)
        for name in names
        for snr in levels
    }


@pytest.fixture
def read(tmp_path):
    path = tmp_path / "d.pkl"

    def read(held, dump=pickle.dumps):
        path.write_bytes(dump(held))
        with reading(path):
            return read_pickle(path)

    return read


def same(found, held):
    names = [name for name in RML2016_10A.modulations if name in {key[0] for key in held}]
    assert found.modulations == tuple(names)
    keys = sorted(held, key=lambda key: (names.index(key[0]), key[1]))
    np.testing.assert_array_equal(found.x[:], np.concatenate([held[key] for key in keys]))
    counts = [len(held[key]) for key in keys]
    np.testing.assert_array_equal(
        found.modulation, np.repeat([names.index(name) for name, _ in keys], counts)
    )
    np.testing.assert_array_equal(found.snr_db, np.repeat([snr for _, snr in keys], counts))


def test_pickles_of_python_2_are_read(read):
    held = cells()
    same(read(held, python2_pickle), held)
    loaded = pickle.loads(python2_pickle(held), encoding="latin1")  # what the test writes is right
    assert loaded.keys() == held.keys()
    np.testing.assert_array_equal(loaded["AM-SSB", 18], held["AM-SSB", 18])


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("key", [str, str.encode])
def test_pickles_of_python_3_are_read(read, protocol, key):
    held = cells()
    found = read(
        {(key(name), snr): x for (name, snr), x in held.items()},
        lambda pickled: pickle.dumps(pickled, protocol),
    )
    same(found, held)
    assert isinstance(found.x, PickledWindows if protocol >= 3 else ArrayWindows)


def test_pickles_of_numpy_1_are_read(read):
    held = cells()
    for protocol in (2, 5):
        renamed = pickle.dumps(held, protocol).replace(b"numpy._core", b"numpy.core")
        if protocol == 5:  # texts have their length before them
            renamed = renamed.replace(b"\x8c\x13numpy.core.numeric", b"\x8c\x12numpy.core.numeric")
        same(read(None, lambda _, content=renamed: content), held)


def test_floats_of_other_kinds_and_orders_become_float32(read):
    held = cells()
    for change in (np.float64, np.float16, lambda x: x.astype(">f4"), np.asfortranarray):
        found = read({key: change(x) for key, x in held.items()})
        np.testing.assert_array_equal(found.x[:3], np.asarray(change(held["8PSK", -20]), "f4"))


def test_windows_stay_in_the_file(tmp_path):
    given = rml(per=5)
    path = tmp_path / "d.pkl"
    write_pickle(path, given)
    found = read_pickle(path)
    assert isinstance(found.x, PickledWindows)
    windows = pickle.loads(pickle.dumps(found.x))
    indices = np.random.default_rng(0).integers(0, len(given), 60)
    np.testing.assert_array_equal(windows.rows(indices), given.x.rows(indices))
    np.testing.assert_array_equal(windows[3:48], given.x[3:48])
    assert windows[7:7].shape == windows[7:3].shape == (0, 2, 128)
    content = path.read_bytes()
    path.write_bytes(content[:-2000])
    with pytest.raises(DatasetError, match=r"d\.pkl: ends in the middle of its windows"):
        windows[len(given) - 1 :]
    path.unlink()
    with pytest.raises(DatasetError, match="cannot read windows"):
        windows[:1]


def test_values_that_are_not_finite_are_refused_with_their_row(read):
    held = cells()
    held["QPSK", -20][1, 0, 5] = np.nan
    with pytest.raises(DatasetError, match="row 13 holds a value that is not finite"):
        read(held).x[10:]


@pytest.mark.parametrize(
    ("held", "published"),
    [
        (cells(RML2016_10A.modulations, (0,)), RML2016_10A),
        (cells(("QPSK", "BPSK"), (0,)), RML2016_10A),
        (cells(RML2016_10B.modulations, (0,)), RML2016_10B),
        (cells(("QPSK",), (0,)) | cells(("BPSK",), (0,), count=4), RML2016_04C),
    ],
)
def test_published_sets_are_told_apart(read, held, published):
    found = read(held)
    assert (found.preset, found.seed, found.version) == (published.name, 0, "")
    assert found.sample_rate_hz == 200e3
    assert found.snr_definition == published.snr_definition
    assert (found.group == 0).all() or published is RML2016_04C


@pytest.mark.parametrize("held", [cells(("OOK", "QPSK")), cells(samples=256)])
def test_other_sets_have_a_group_for_each_example(read, held):
    found = read(held)
    assert found.preset == "radioml-pickle"
    np.testing.assert_array_equal(found.group, np.arange(len(found)))


def test_groups_of_04c_share_no_sample(read):
    counts = {("BPSK", 0): 1248, ("QPSK", 0): 623, ("QAM64", 0): 206, ("QAM64", 2): 20}
    found = read({key: np.zeros((count, 2, 128), np.float32) for key, count in counts.items()})
    for place, name in enumerate(found.modulations):
        for snr in (0, 2):
            group = found.group[(found.modulation == place) & (found.snr_db == snr)]
            if not len(group):
                continue
            assert len(group) == counts[name, snr]
            # windows i and i + 1 overlap by half: no two neighbours are of different groups
            both = np.stack([group[:-1], group[1:]])
            differ = (both[0] != both[1]) & (both >= 0).all(axis=0)
            assert not differ.any()
            # a block is the same time of the channel in every stream, however long
            np.testing.assert_array_equal(group[group >= 0], np.flatnonzero(group >= 0) // 63)
    group = found.group[found.modulation == 0]
    assert set(group.tolist()) == {-1, *range(20)}
    assert (group == -1).sum() == 19


X = np.zeros((3, 2, 128), np.float32)
WRONG = {
    "no dict": ((1, 2), r"something else; expected \{\(class, SNR\): windows\}"),
    "empty": ({}, "holds no examples"),
    "no windows": ({("QPSK", 0): X[:0]}, "holds no examples"),
    "key of three": ({("QPSK", 0, 0): X}, "key that is not"),
    "text key": ({"QPSK": X}, "key that is not"),
    "class first": ({(0, "QPSK"): X}, "key that is not"),
    "true": ({("QPSK", True): X}, "key that is not"),
    "unknown class": ({("QPSK", 0): X, ("QSPK", 0): X + 1}, "unknown class 'QSPK'"),
    "long class": ({("Q" * 900, 0): X}, "unknown class"),
    "longer class": ({("Q" * 5000, 0): X}, "key that is not"),
    "control characters": ({("\x1b[31m\n", 0): X}, r"unknown class '\\x1b\[31m\\n'"),
    "nan": ({("QPSK", float("nan")): X}, "SNR of nan"),
    "far": ({("QPSK", 10**9): X}, "SNR of 1000000000"),
    "twice": ({("QPSK", 0): X, (b"QPSK", 0): X + 1}, "same class and SNR twice"),
    "flat": ({("QPSK", 0): X[0]}, r"\(QPSK, 0\) is \[2, 128\]"),
    "turned": ({("QPSK", 0): X.swapaxes(1, 2)}, r"\(QPSK, 0\) is \[3, 128, 2\]"),
    "number": ({("QPSK", 0): 5}, r"\(QPSK, 0\) is no array"),
    "mixed": ({("QPSK", 0): X, ("QPSK", 2): X[..., :64]}, "mixes windows of 64 and 128"),
    "no samples": ({("QPSK", 0): X[..., :0]}, "expected"),
    "integers": ({("QPSK", 0): X.astype(int)}, "floating-point"),
    "shared": ({("QPSK", snr): X for snr in range(20)}, "the same windows"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_named(read, case):
    held, message = WRONG[case]
    with pytest.raises(DatasetError, match=message) as caught:
        read(held)
    assert "\n" not in str(caught.value)
    assert "\x1b" not in str(caught.value)


# --- writing --------------------------------------------------------------------------------------


@pytest.mark.parametrize("shuffled", [False, True])
def test_any_program_reads_what_is_written(tmp_path, shuffled):
    given = rml(per=4)
    order = np.random.default_rng(0).permutation(len(given)) if shuffled else np.arange(len(given))
    given = rml(
        per=4,
        x=given.x.rows(order),
        modulation=given.modulation[order],
        snr_db=given.snr_db[order],
    )
    path = tmp_path / "d.pkl"
    done = []
    write_pickle(path, given, done.append)
    assert sum(done) == len(given)
    loaded = pickle.loads(path.read_bytes(), encoding="latin1")
    same(read_pickle(path), loaded)
    assert list(loaded)[:2] == [("8PSK", -20), ("8PSK", 0)]
    assert all(type(name) is str and type(snr) is int for name, snr in loaded)
    for (name, snr), x in loaded.items():
        rows = given.snr_db == snr
        rows &= given.modulation == given.modulations.index(name)
        np.testing.assert_array_equal(x, given.x.rows(np.flatnonzero(rows)))
        assert (x.dtype, x.flags.c_contiguous) == (np.float32, True)


def test_it_is_written_in_opcodes_that_python_2_knows(tmp_path):
    path = tmp_path / "d.pkl"
    write_pickle(path, rml())
    code = textwrap.dedent("""
        import pickletools, sys
        with open(sys.argv[1], "rb") as file:
            codes = list(pickletools.genops(file))
        assert max(opcode.proto for opcode, _, _ in codes) == 2
        names = {argument for opcode, argument, _ in codes if opcode.name == "GLOBAL"}
        assert names == {"numpy dtype", "numpy ndarray", "numpy.core.multiarray _reconstruct"}
    """)
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)


@pytest.mark.parametrize(
    ("names", "spelled"),
    [
        (("4PAM", "16QAM", "64QAM"), ["PAM4", "QAM16", "QAM64"]),
        (("QPSK", "FM"), ["QPSK", "FM"]),
        (("16QAM", "32QAM"), ["16QAM", "32QAM"]),
        (("2ASK", "4ASK"), ["2ASK", "4ASK"]),
    ],
)
def test_classes_are_spelled_as_in_the_originals(tmp_path, names, spelled):
    path = tmp_path / "d.pkl"
    write_pickle(path, dataset(names, (0,)))
    assert [name for name, _ in pickle.loads(path.read_bytes(), encoding="latin1")] == spelled
    assert set(read_pickle(path).modulations) == set(spelled)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (dataset(("QPSK",), (0.5,)), r"whole SNRs in dB, but row 0 has 0\.5"),
        (dataset(("QPSK",), (0, np.nan)), "row 2 has nan"),
        (dataset(("two-tone",), (0,)), "unknown class 'two-tone'"),
        (dataset(("PAM4", "4PAM"), (0,)), "spell two of PAM4, 4PAM alike"),
    ],
)
def test_what_the_format_cannot_hold_is_refused(tmp_path, given, message):
    with pytest.raises(DatasetError, match=message):
        write_pickle(tmp_path / "d.pkl", given)
    assert list(tmp_path.iterdir()) == []


def test_cells_beyond_the_length_of_a_string_are_refused(tmp_path):
    class Large:
        shape = (300_000, 2, 1024)

    count = Large.shape[0]
    columns = {"modulation": np.zeros(count, int), "snr_db": np.zeros(count, np.float32)}
    given = dataset(("QPSK",), (0,), x=Large(), group=np.arange(count), **columns)
    with pytest.raises(DatasetError, match="300000 examples of one class and SNR are too many"):
        write_pickle(tmp_path / "d.pkl", given)


def test_a_failed_write_leaves_the_old_file(tmp_path):
    class Broken:
        shape = (66, 2, 128)

        def __getitem__(self, rows):
            raise HertzianError("the generator failed")

    path = tmp_path / "d.pkl"
    path.write_bytes(b"old")
    with pytest.raises(HertzianError, match="the generator failed"):
        write_pickle(path, rml(x=Broken()))
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_groups_that_reading_gives_back_are_known(tmp_path):
    zeros = np.zeros(66, int)
    assert regains_groups(rml(group=zeros))
    assert not regains_groups(rml())
    assert not regains_groups(rml(group=zeros + 1))


@pytest.mark.parametrize("shape", [(2**38, 2, 0), (0, 2, 2**62), (0, 2, 0)])
def test_windows_of_no_or_too_many_samples_are_refused_before_their_labels_are_made(read, shape):
    claimed = np.empty((7, 2, 0), np.float32)
    pickled = pickle.dumps({("QPSK", 0): claimed}, 3)
    sizes = b"".join(pickle.dumps(size, 2)[2:-1] for size in shape)
    assert pickled.count(b"K\x07K\x02K\x00\x87") == 1
    with pytest.raises(DatasetError, match=r"\(QPSK, 0\) is .* expected windows of 1 to 1048576"):
        read(pickled.replace(b"K\x07K\x02K\x00\x87", sizes + b"\x87"), lambda held: held)
