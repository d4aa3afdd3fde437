import re
from urllib.parse import urlsplit

import pytest

from hertzian.datasets import published
from hertzian.datasets.dataset import DatasetError
from hertzian.datasets.locations import LOCATIONS, find_location

pytestmark = pytest.mark.base

by_name = pytest.mark.parametrize("location", LOCATIONS, ids=lambda location: location.name)


def test_every_published_set_of_files_has_a_location():
    sets = {value.name for value in vars(published).values() if hasattr(value, "snr_definition")}
    assert {location.name for location in LOCATIONS} == sets - {published.SIGZSL.name}


@pytest.mark.parametrize("name", ["RML2016.10a", "rml2016-10a", "RML2016_10A", "rml201610a"])
def test_names_are_found_whatever_their_spelling(name):
    assert find_location(name).name == "RML2016.10a"


@pytest.mark.parametrize("name", ["RML2016", "", "../RML2016"])
def test_another_name_lists_those_known(name):
    with pytest.raises(DatasetError, match=r"known are RML2016\.10a, .*, RadComOta"):
        find_location(name)


@by_name
def test_addresses_are_of_the_web_and_secure(location):
    assert urlsplit(location.page).scheme == "https"
    if location.url is not None:
        assert urlsplit(location.url).scheme == "https"
        assert location.url.rpartition("/")[2] == location.file


@by_name
def test_names_are_plain_and_archives_of_a_known_kind(location):
    for name in (location.file, *location.members):
        assert re.fullmatch(r"\w[\w.-]*", name, re.ASCII)
    assert location.file.endswith((".tar.bz2", ".tar.gz", ".zip"))
    assert len(set(location.members)) == len(location.members) > 0
    assert location.file not in location.members


@by_name
def test_a_digest_comes_with_its_source_and_size(location):
    known = location.sha256 is not None
    assert known == (location.sha256_from is not None) == (location.size is not None)
    if location.sha256 is not None:
        assert re.fullmatch("[0-9a-f]{64}", location.sha256)
    assert (location.unpacked_size or 0) < location.unpacked_limit


def test_limits_hold_what_the_sets_hold():
    """RML2016's float32 are pickled as text of Python 2, which makes them longer."""
    raw = {
        item.name: len(item.kinds) * len(item.snr_db) * item.per * item.samples * 8
        for item in (published.RML2016_10A, published.RML2016_10B, published.RML2016_04C)
    }
    ratio = find_location("RML2016.10a").unpacked_size / raw["RML2016.10a"]
    assert 1 < ratio < 4  # a byte is one letter, or four as in \\x00
    for name, size in raw.items():
        assert size * ratio < find_location(name).unpacked_limit


def test_the_size_of_rml2018_is_that_of_its_arrays():
    windows = 24 * 26 * 4096
    held = find_location("RML2018.01A").unpacked_size
    # X float32, Y and Z int64: what remains is HDF5's own
    assert held - windows * (1024 * 2 * 4 + 24 * 8 + 8) in range(0, 4096)
