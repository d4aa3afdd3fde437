import hashlib
import random
import tarfile
from dataclasses import replace

import pytest
from tests.datasets.web import serve

from hertzian.datasets.dataset import DatasetError
from hertzian.datasets.fetching import fetch_dataset
from hertzian.datasets.locations import Location

DATA = random.Random(3).randbytes(50_000)


@pytest.fixture
def site(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with serve() as site:
        yield site


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "made.tar.bz2"
    (tmp_path / "set.pkl").write_bytes(DATA)
    with tarfile.open(path, "w:bz2") as made:
        made.add(tmp_path / "set.pkl", "set.pkl")
    return path.read_bytes()


@pytest.fixture
def location(site, archive):
    site.files["/set.tar.bz2"] = archive
    return Location(
        name="Set",
        url=f"{site.url}/set.tar.bz2",
        file="set.tar.bz2",
        size=len(archive),
        sha256=hashlib.sha256(archive).hexdigest(),
        sha256_from="found by nobody",
        members=("set.pkl",),
        unpacked_size=len(DATA),
        unpacked_limit=10**6,
        licence="none",
        page="https://page.example/",
        access="ask nicely",
    )


@pytest.fixture
def unknown(location):
    """The location where nobody says how large the file is, nor its digest."""
    return replace(location, size=None, sha256=None, sha256_from=None)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "made" / "here"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_set_is_downloaded_checked_and_unpacked(location, folder, archive):
    done = fetch_dataset(location, folder)
    assert names(folder) == ["set.pkl", "set.tar.bz2"]
    assert (folder / "set.pkl").read_bytes() == DATA
    assert done.archive.read_bytes() == archive
    assert (done.size, done.sha256, done.trust) == (len(archive), location.sha256, "known")
    assert done.arrived == len(archive)
    assert done.unpacked == (folder / "set.pkl",)


def test_a_second_time_nothing_is_done_again(site, location, folder):
    fetch_dataset(location, folder)
    site.requests.clear()
    written = (folder / "set.pkl").stat().st_mtime_ns
    assert fetch_dataset(location, folder).arrived == 0
    assert site.requests == []
    assert (folder / "set.pkl").stat().st_mtime_ns == written


def test_the_archive_alone(location, folder):
    assert fetch_dataset(location, folder, unpacked=False).unpacked == ()
    assert names(folder) == ["set.tar.bz2"]


def test_an_archive_saved_by_hand_is_checked_and_unpacked(site, location, folder, archive):
    folder.mkdir(parents=True)
    (folder / "set.tar.bz2").write_bytes(archive)
    done = fetch_dataset(replace(location, url=None), folder)
    assert (done.arrived, done.trust, site.requests) == (0, "known", [])
    assert (folder / "set.pkl").read_bytes() == DATA


def test_a_wrong_archive_saved_by_hand_is_refused_and_left(location, folder):
    folder.mkdir(parents=True)
    (folder / "set.tar.bz2").write_bytes(b"mine")
    with pytest.raises(DatasetError, match=r"expected [0-9a-f]{64} \(found by nobody\); remove it"):
        fetch_dataset(location, folder)
    assert names(folder) == ["set.tar.bz2"]


def test_a_wrong_digest_leaves_nothing(site, location, folder, archive):
    site.files["/set.tar.bz2"] = archive[:-1] + b"x"
    with pytest.raises(DatasetError) as caught:
        fetch_dataset(location, folder)
    found = hashlib.sha256(archive[:-1] + b"x").hexdigest()
    assert f"SHA-256 is {found}, expected {location.sha256}" in str(caught.value)
    assert "it is removed" in str(caught.value)
    assert names(folder) == []


def test_a_wrong_size_is_refused_before_the_download(site, location, folder):
    with pytest.raises(DatasetError, match=r"expected 7: .* --trust takes it as it is"):
        fetch_dataset(replace(location, size=7), folder)
    assert names(folder) == []


def test_trusting_takes_another_file_and_keeps_its_digest(site, location, folder, archive):
    site.files["/set.tar.bz2"] = archive
    wrong = replace(location, size=7, sha256="0" * 64)
    done = fetch_dataset(wrong, folder, trusting=True)
    assert done.trust == "first use"
    assert names(folder) == ["set.pkl", "set.tar.bz2", "set.tar.bz2.sha256"]


def test_the_first_digest_is_kept_as_sha256sum_writes_it(unknown, location, folder):
    assert fetch_dataset(unknown, folder).trust == "first use"
    kept = (folder / "set.tar.bz2.sha256").read_text()
    assert kept == f"{location.sha256}  set.tar.bz2\n"
    assert fetch_dataset(unknown, folder).trust == "kept"


def test_a_later_file_must_have_the_kept_digest(site, unknown, location, folder, archive):
    fetch_dataset(unknown, folder)
    (folder / "set.tar.bz2").unlink()
    assert fetch_dataset(unknown, folder).trust == "kept"
    (folder / "set.tar.bz2").unlink()
    site.files["/set.tar.bz2"] = archive + b"changed"
    with pytest.raises(DatasetError, match=f"sha256 says {location.sha256}: the publisher changed"):
        fetch_dataset(unknown, folder)
    assert names(folder) == ["set.pkl", "set.tar.bz2.sha256"]


@pytest.mark.parametrize("content", [b"", b"deadbeef", b"\xff\xfe", b"x" * 5000])
def test_a_damaged_digest_file_is_named(unknown, folder, content):
    folder.mkdir(parents=True)
    (folder / "set.tar.bz2.sha256").write_bytes(content)
    with pytest.raises(DatasetError, match=r"set\.tar\.bz2\.sha256: .*remove it$"):
        fetch_dataset(unknown, folder)


def test_an_interrupted_download_goes_on_in_the_next_call(
    site, location, folder, archive, monkeypatch
):
    monkeypatch.setattr("hertzian.datasets.downloading._PAUSES_S", (0,))
    half = len(archive) // 2
    site.breaks = [half, 0, 0]
    with pytest.raises(DatasetError, match="kept, run again to go on"):
        fetch_dataset(location, folder)
    assert names(folder) == ["set.tar.bz2.partial", "set.tar.bz2.partial.json"]
    site.sent.clear()
    assert fetch_dataset(location, folder).arrived == len(archive) - half
    assert site.sent == [len(archive) - half]
    assert names(folder) == ["set.pkl", "set.tar.bz2"]


def test_a_personal_link_is_used_instead(site, location, folder, archive):
    site.files["/personal"] = archive
    gone = replace(location, url=f"{site.url}/gone")
    assert fetch_dataset(gone, folder, url=f"{site.url}/personal?token=1").trust == "known"
    assert names(folder) == ["set.pkl", "set.tar.bz2"]


def test_without_an_address_it_says_what_to_do(location, folder):
    with pytest.raises(DatasetError) as caught:
        fetch_dataset(replace(location, url=None), folder)
    for told in ("an account", "https://page.example/, ask nicely", "--url LINK", "set.tar.bz2"):
        assert told in str(caught.value)
    assert not folder.exists()


def test_a_form_in_place_of_the_file_says_what_to_do(site, location, folder):
    site.headers = {"Content-Type": "text/html"}
    with pytest.raises(DatasetError, match=r"sends a web page, not the file: open https://page"):
        fetch_dataset(location, folder)


def test_a_hostile_archive_leaves_the_archive_and_nothing_else(site, unknown, folder, tmp_path):
    path = tmp_path / "evil.tar.bz2"
    with tarfile.open(path, "w:bz2") as made:
        link = tarfile.TarInfo("set.pkl")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        made.addfile(link)
    site.files["/set.tar.bz2"] = path.read_bytes()
    with pytest.raises(DatasetError, match="a link or device; nothing is unpacked"):
        fetch_dataset(unknown, folder)
    assert names(folder) == ["set.tar.bz2", "set.tar.bz2.sha256"]


def test_a_folder_that_cannot_be_made_is_told(location, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DatasetError, match="cannot make the folder"):
        fetch_dataset(location, tmp_path / "file" / "below")
