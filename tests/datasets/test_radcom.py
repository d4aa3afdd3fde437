import pickle
import warnings

import h5py
import numpy as np
import pytest
from tests.datasets.samples import dataset

from hertzian.datasets.dataset import DatasetError, DatasetWarning
from hertzian.datasets.hdf5 import reading
from hertzian.datasets.published import RADCOM_AWGN, RADCOM_DYNAMIC, RADCOM_OTA
from hertzian.datasets.radcom import RadcomWindows, is_key, read_radcom, write_radcom

pytestmark = pytest.mark.base

DYNAMIC = (
    ("pulsed", "Airborne-detection"),
    ("pulsed", "Airborne-range"),
    ("pulsed", "Air-Ground-MTI"),
    ("pulsed", "Ground mapping"),
    ("fmcw", "Radar-Altimeter"),
    ("bpsk", "Satcom"),
    ("amdsb", "AM radio"),
    ("amssb", "AM radio"),
    ("ask", "short-range"),
)


def row(number):
    return np.arange(256, dtype=np.float32) + 1000 * number


def keys(waveforms=DYNAMIC, levels=(-20, 18), per=3):
    return [
        str((modulation, signal, level, index))
        for modulation, signal in waveforms
        for level in levels
        for index in range(per)
    ]


@pytest.fixture
def radcom(tmp_path):
    """Writes a file with these keys, whose arrays are 256 numbers from 1000 times their place."""

    def radcom(given, name="RadCom.hdf5", **parts):
        path = tmp_path / name
        with h5py.File(path, "w") as file:
            for number, key in enumerate(given):
                file[key] = row(number)
            for put in parts.values():
                put(file)
        return path

    return radcom


def read(path):
    with reading(path):
        return read_radcom(path)


def test_the_published_form_is_read_with_both_labels(radcom):
    given = keys(per=12)  # as text, index 10 comes before 2
    found = read(radcom(given))
    assert isinstance(found.x, RadcomWindows)
    assert (found.preset, found.seed, found.sample_rate_hz) == ("RadComDynamic", 0, 10e6)
    labels = list(
        zip(
            [found.modulations[m] for m in found.modulation],
            [found.protocols[p] for p in found.protocol],
            found.snr_db.tolist(),
            strict=True,
        )
    )
    assert labels == [
        (waveform.modulation, waveform.protocol, level)
        for waveform in RADCOM_DYNAMIC.kinds
        for level in (-20, 18)
        for _ in range(12)
    ]
    expected = np.stack([row(number).reshape(2, 128) for number in range(len(given))])
    np.testing.assert_array_equal(found.x[:], expected)
    windows = pickle.loads(pickle.dumps(found.x))
    indices = np.array([200, 3, 3, 11])
    np.testing.assert_array_equal(windows.rows(indices), expected[indices])
    with pytest.raises(DatasetError, match="but there are 216"):
        windows.rows(np.array([216]))


AWGN = (
    *[pair for pair in DYNAMIC if pair[1] != "Satcom"],
    ("bpsk", "Raw"),
    ("gfsk", "Bluetooth"),
    ("dssscck", "802.11bg"),
    ("dsssoqpsk", "802.15.4"),
)


@pytest.mark.parametrize(
    ("given", "name", "published"),
    [
        (keys(), "a.hdf5", RADCOM_DYNAMIC),
        (keys(levels=(2,)), "a.hdf5", RADCOM_DYNAMIC),
        (keys(levels=(0, 32)), "a.hdf5", RADCOM_OTA),
        (keys(levels=(0, 4)), "RadComOta2.45GHz.hdf5", RADCOM_OTA),
        (keys(levels=(0, 4)), "RadComDynamic.hdf5", RADCOM_DYNAMIC),
        (keys(AWGN), "a.hdf5", RADCOM_AWGN),
        (keys((("bpsk", "Raw"),)), "a.hdf5", RADCOM_AWGN),
    ],
)
def test_the_three_sets_are_told_apart(radcom, given, name, published):
    found = read(radcom(given, name))
    assert (found.preset, found.snr_definition) == (published.name, published.snr_definition)
    assert (found.modulations, found.protocols) == (published.modulations, published.protocols)
    one_draw = published is RADCOM_DYNAMIC
    np.testing.assert_array_equal(
        found.group, np.zeros(len(given)) if one_draw else range(len(given))
    )
    pairs = {
        (found.modulations[m], found.protocols[p])
        for m, p in zip(found.modulation, found.protocol, strict=True)
    }
    assert pairs <= {(waveform.modulation, waveform.protocol) for waveform in published.kinds}
    if published is RADCOM_OTA:
        assert "gain" in found.snr_definition


def test_levels_that_do_not_tell_are_warned_of(radcom):
    with pytest.warns(DatasetWarning, match="taken for the former"):
        assert read(radcom(keys(levels=(0, 4)))).preset == "RadComDynamic"


@pytest.mark.parametrize(
    "key",
    [
        "('bpsk', 'Satcom', -20, 7)",
        "(u'bpsk', u'Satcom', -20, 7)",
        '("bpsk", "Satcom", "-20", "7")',
        "('BPSK', 'SATCOM', -20.0, 7)",
    ],
)
def test_spellings_of_a_key(radcom, key):
    found = read(radcom([key]))
    assert found.modulations[found.modulation[0]] == "BPSK"
    assert found.protocols[found.protocol[0]] == "SATCOM"
    assert found.snr_db[0] == -20


GOOD = keys(per=1)
TAKEN = "('bpsk', 'Satcom', -20, 5)"
WRONG = {
    "no examples": ([], None, "holds no examples"),
    "no tuple": ([*GOOD, "(x"], None, r"the key '\(x' is not the text of"),
    "call": ([*GOOD, "(__import__('os').system('x'), 'a', 0, 0)"], None, "is not the text of"),
    "long": ([*GOOD, "('bpsk', 'Satcom', 0, " + "9" * 500 + ")"], None, "is not the text of"),
    "nested": ([*GOOD, "(" * 150], None, "is not the text of"),
    "control characters": ([*GOOD, "(\x1b[31m"], None, r"the key '\(\\x1b\[31m' is not"),
    "unknown modulation": ([*GOOD, "('qpsk', 'Satcom', 0, 0)"], None, "unknown modulation 'qpsk'"),
    "unknown signal": ([*GOOD, "('bpsk', 'WiFi', 0, 0)"], None, "unknown signal 'WiFi'"),
    "odd length": (["('bpsk', 'Satcom', 0, 0)"], np.zeros(255), "255 values"),
    "other length": (GOOD, np.zeros(128), r"has \[128\] values, others 256"),
    "integers": (GOOD, np.zeros(256, int), "holds int64, expected real numbers"),
    "complex": (GOOD, np.zeros(128, complex), "expected real numbers"),
    "link": (GOOD, h5py.SoftLink("/x"), "is a link"),
    "external link": (GOOD, h5py.ExternalLink("/etc/passwd", "x"), "is a link"),
    "nan": (GOOD, np.full(256, np.nan), "row 11 holds a value that is not finite"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_named(radcom, case):
    given, value, message = WRONG[case]
    put = {} if value is None else {"put": lambda file: file.__setitem__(TAKEN, value)}
    if case == "odd length":
        given = []
    with pytest.raises(DatasetError, match=message) as caught:
        read(radcom(given, **put)).x[:]
    assert str(caught.value).count("hdf5:") == 1
    assert not set("\n\x1b") & set(str(caught.value))


def test_a_group_or_values_elsewhere_are_refused(radcom, tmp_path):
    outside = [(str(tmp_path / "secret"), 0, 1024)]
    for put in (
        lambda file: file.create_group(TAKEN),
        lambda file: file.create_dataset(TAKEN, (256,), "f4", external=outside),
        lambda file: file.create_virtual_dataset(TAKEN, h5py.VirtualLayout((256,), "f4")),
        lambda file: file.create_dataset(TAKEN, (256,), "f4", chunks=(256,), scaleoffset=2),
    ):
        with pytest.raises(DatasetError):
            read(radcom(GOOD, put=put)).x[:]


def test_links_are_refused_when_the_file_is_opened(radcom):
    for link in (h5py.SoftLink("/x"), h5py.ExternalLink("/etc/passwd", "x")):
        with pytest.raises(DatasetError, match=r"Satcom', -20, 5.* is a link to another place"):
            read(radcom(GOOD, put=lambda file, link=link: file.__setitem__(TAKEN, link)))


def test_arrays_without_values_that_no_file_of_this_size_could_hold_are_refused(radcom):
    def put(file):
        for index in range(40):
            file.create_dataset(f"('bpsk', 'Satcom', 0, {index})", (1 << 21,), "f4")

    with pytest.raises(
        DatasetError, match="claims 40 examples of 2097152 values, more than a file"
    ):
        read(radcom([], put=put))


def test_packed_arrays_and_columns_are_read(radcom):
    def put(file):
        file.create_dataset(TAKEN, data=row(7), compression="gzip")
        file["('bpsk', 'Satcom', -20, 6)"] = row(8)[:, np.newaxis].astype(np.float64)

    found = read(radcom([], put=put))
    np.testing.assert_array_equal(found.x[:].reshape(2, -1), [row(7), row(8)])


def test_keys_are_recognised_without_evaluating_them():
    assert is_key("('bpsk', 'Satcom', -20, 5)")
    assert not is_key("x")
    assert not is_key("('bpsk', 'Satcom', -20, 5)" + " " * 500)


# --- writing --------------------------------------------------------------------------------------


def labelled(published, per=2, **changes):
    """`per` windows of each waveform at -20 and 18 dB."""
    pairs = [(w.modulation, w.protocol) for w in published.kinds for _ in range(2 * per)]
    count = len(pairs)
    parts = {
        "modulation": np.array([published.modulations.index(pair[0]) for pair in pairs]),
        "protocol": np.array([published.protocols.index(pair[1]) for pair in pairs]),
        "protocols": published.protocols,
        "snr_db": np.tile(np.repeat(np.float32([-20, 18]), per), count // (2 * per)),
        "x": np.random.default_rng(0).normal(size=(count, 2, 128)).astype(np.float32),
        "group": np.arange(count),
    }
    modulations = changes.pop("modulations", published.modulations)
    return dataset(modulations, (0,), **(parts | changes))


@pytest.mark.parametrize("published", [RADCOM_DYNAMIC, RADCOM_AWGN])
def test_what_is_written_is_as_published(tmp_path, published):
    path = tmp_path / "d.hdf5"
    given = labelled(published)
    done = []
    write_radcom(path, given, done.append)
    assert sum(done) == len(given)
    satcom = "Raw" if published is RADCOM_AWGN else "Satcom"
    with h5py.File(path) as file:
        held = file[str(("bpsk", satcom, -20, 1))]
        assert (held.dtype, held.shape) == (np.float32, (256,))
        np.testing.assert_array_equal(held[:], given.x[21:22].ravel())
        assert len(file) == len(given)
    found = read(path)
    assert found.preset == published.name
    np.testing.assert_array_equal(found.x[:], given.x[:])
    for column in ("modulation", "protocol", "snr_db"):
        np.testing.assert_array_equal(getattr(found, column), getattr(given, column))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"protocol": None, "protocols": ()}, "a protocol for each example"),
        ({"protocol": np.full(36, -1)}, "a protocol for each example"),
        ({"snr_db": np.full(36, 0.5, np.float32)}, r"row 0 has 0\.5"),
        ({"snr_db": np.full(36, np.nan, np.float32)}, "row 0 has nan"),
        ({"modulations": (*"ABCDE", "OOK")}, "no place for the class A"),
        ({"protocols": (*RADCOM_DYNAMIC.protocols[:-1], "LoRa")}, "no place for the class LoRa"),
    ],
)
def test_what_the_format_cannot_hold_is_refused(tmp_path, changes, message):
    with pytest.raises(DatasetError, match=message):
        write_radcom(tmp_path / "d.hdf5", labelled(RADCOM_DYNAMIC, **changes))
    assert list(tmp_path.iterdir()) == []


def test_reading_warns_of_nothing_else(radcom):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read(radcom(keys())).x[:]
