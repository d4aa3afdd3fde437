import itertools
import warnings

import numpy as np
import pytest
from tests.datasets.samples import dataset, rml

from hertzian.datasets.converting import SUFFIXES, WRITERS, convert, format_for, lost_in, write_as
from hertzian.datasets.dataset import DatasetError, DatasetWarning
from hertzian.datasets.opening import format_of, open_dataset
from hertzian.datasets.published import RADCOM_DYNAMIC

pytestmark = pytest.mark.base


def common(**changes):
    """What every format can hold: a class, protocols, whole SNRs, no groups to lose."""
    labels = {"protocol": np.repeat([0, 1], 12), "protocols": ("SATCOM", "Short-Range")}
    return dataset(("BPSK",), (-2, 0, 4), per=8, samples=16, **(labels | changes))


def spelled(found):
    return [found.modulations[m] for m in found.modulation]


@pytest.mark.parametrize(("first", "second"), [*itertools.permutations(WRITERS, 2)])
def test_every_format_converts_into_every_other(tmp_path, first, second):
    # what both have besides BPSK
    other = "FM"
    if "radcom" in (first, second):
        other = "AM-DSB" if "hisarmod" in (first, second) else "OOK"
    names = ("BPSK", other)
    given = common()
    given = dataset(
        names, (-2, 0, 4), per=4, samples=16, protocol=given.protocol, protocols=given.protocols
    )
    paths = tmp_path / "first.bin", tmp_path / "second.bin"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DatasetWarning)
        write_as(paths[0], given, first)
        if second == "radcom" and first not in ("hertzian-h5", "hertzian-npz"):
            with pytest.raises(DatasetError, match="names a protocol for each example"):
                convert(paths[0], paths[1], second)
            return
        convert(paths[0], paths[1], second)
        found = open_dataset(paths[1])
    assert format_of(paths[1]) == second
    order = np.lexsort((np.arange(24), found.snr_db, [names.index(n) for n in spelled(found)]))
    np.testing.assert_array_equal(found.x.rows(order), given.x[:])
    np.testing.assert_array_equal(found.snr_db[order], given.snr_db)
    assert [spelled(found)[row] for row in order] == spelled(given)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_suffix_names_the_format(tmp_path, suffix):
    path = tmp_path / f"d{suffix.upper()}"
    given = dataset(("BPSK",), (0,), samples=8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nothing is lost
        write_as(path, given)
    assert format_of(path) == SUFFIXES[suffix] == format_for(path)


def test_the_progress_is_told(tmp_path):
    for name in WRITERS:
        done = []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DatasetWarning)
            write_as(tmp_path / "d", common(), name, done.append)
        assert sum(done) == 24


@pytest.mark.parametrize(
    ("changes", "format", "lost"),
    [
        ({}, "hertzian-h5", []),
        ({}, "hertzian-npz", []),
        ({}, "radcom", []),
        ({}, "radioml-pickle", ["protocols"]),
        ({"bandwidth_hz": np.ones(24, np.float32)}, "hertzian-npz", []),
        ({"bandwidth_hz": np.ones(24, np.float32)}, "radcom", ["bandwidths"]),
        (
            {"symbol_rate_hz": np.ones(24, np.float32)},
            "radioml-2018",
            ["protocols", "symbol rates"],
        ),
        ({"protocol": None, "protocols": ()}, "radioml-2018", []),
        ({"group": np.arange(24) // 2}, "radcom", ["groups"]),
        ({"group": np.arange(24) // 2}, "radioml-2018", ["protocols", "groups"]),
        ({"group": np.zeros(24, int), "preset": RADCOM_DYNAMIC.name}, "radcom", []),
        (
            {"seed": 3, "preset": "field"},
            "radcom",
            ["the preset (field), the seed (3) and what SNR means"],
        ),
    ],
)
def test_what_a_format_has_no_place_for_is_warned_of(tmp_path, changes, format, lost):
    given = common(**changes)
    assert lost_in(format, given) == lost
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        write_as(tmp_path / "d", given, format)
    assert [warning.category for warning in caught] == [DatasetWarning] * bool(lost)
    for word in lost:
        assert word in str(caught[0].message)


def test_groups_of_rml2016_come_back(tmp_path):
    given = rml(group=np.zeros(66, int))
    assert lost_in("radioml-pickle", given) == []
    assert lost_in("radioml-pickle", rml(group=np.arange(66) // 2)) == ["groups"]
    write_as(tmp_path / "d.pkl", given)
    assert not open_dataset(tmp_path / "d.pkl").group.any()


def test_a_class_without_examples_does_not_stop_the_pickle(tmp_path):
    given = dataset(("BPSK", "QPSK"), (0,), modulation=np.zeros(4, int))
    write_as(tmp_path / "d.pkl", given)
    assert open_dataset(tmp_path / "d.pkl").modulations == ("BPSK",)


def test_wrong_use_is_named_before_anything_is_read(tmp_path):
    with pytest.raises(DatasetError, match=r"its suffix names no format; known are \.h5"):
        convert(tmp_path / "none", tmp_path / "d.bin")
    with pytest.raises(DatasetError, match="no dataset format is called 'wav'; known are hertzian"):
        convert(tmp_path / "none", tmp_path / "d.bin", "wav")
    with pytest.raises(DatasetError, match="none: no such file"):
        convert(tmp_path / "none", tmp_path / "d.h5")
    with pytest.raises(DatasetError, match="there is nothing to write"):
        write_as(tmp_path / "d.h5", dataset(("BPSK",), ()))
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_not_written_over_itself(tmp_path):
    path, link = tmp_path / "d.h5", tmp_path / "link.npz"
    write_as(path, common())
    link.symlink_to(path)
    before = path.read_bytes()
    for target in (path, link):
        with pytest.raises(DatasetError, match="it is what is read"):
            convert(path, target)
    assert path.read_bytes() == before
