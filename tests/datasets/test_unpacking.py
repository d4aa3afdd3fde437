import bz2
import gzip
import io
import struct
import tarfile
import time
import zipfile

import pytest

from hertzian.datasets.dataset import DatasetError
from hertzian.datasets.unpacking import unpack

LIMIT = 1_000_000


def regular(name, data=b"data", **fields):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for key, value in fields.items():
        setattr(info, key, value)
    return info, data


def tar(path, *members, mode=None):
    with tarfile.open(path, f"w:{mode or path.suffix[1:]}") as archive:
        for info, data in members:
            archive.addfile(info, io.BytesIO(data))
    return path


def zipped(path, *members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return path


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def refused(archive, out, told, members=("set.pkl",), limit=LIMIT):
    before = sorted(path for path in archive.parent.rglob("*"))
    with pytest.raises(DatasetError, match=told) as caught:
        unpack(archive, out, members, limit)
    assert str(archive) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert sorted(path for path in archive.parent.rglob("*")) == before


@pytest.mark.parametrize("suffix", [".tar.bz2", ".tar.gz", ".zip"])
def test_expected_members_are_unpacked_wherever_they_are_and_others_left(tmp_path, out, suffix):
    path = tmp_path / f"set{suffix}"
    members = (("./a/", b""), ("./a/set.pkl", b"x" * 5000), ("LICENSE.TXT", b"free"))
    if suffix == ".zip":
        zipped(path, *members)
    else:
        folder = tarfile.TarInfo("./a")
        folder.type = tarfile.DIRTYPE
        tar(path, (folder, b""), *(regular(*member) for member in members[1:]))
    counted = []
    assert unpack(path, out, ["set.pkl"], LIMIT, counted.append) == (out / "set.pkl",)
    assert [file.name for file in out.iterdir()] == ["set.pkl"]
    assert (out / "set.pkl").read_bytes() == b"x" * 5000
    assert sum(counted) == 5000
    assert (out / "set.pkl").stat().st_mode & 0o111 == 0


def test_a_zip_of_several_members(tmp_path, out):
    path = zipped(tmp_path / "s.zip", ("H/Train/a.csv", b"1"), ("H/Test/b.csv", b"2"))
    unpack(path, out, ("a.csv", "b.csv"), LIMIT)
    assert {file.name: file.read_bytes() for file in out.iterdir()} == {
        "a.csv": b"1",
        "b.csv": b"2",
    }


@pytest.mark.parametrize("name", ["../set.pkl", "/etc/set.pkl", "a/../../x", "..\\set.pkl"])
@pytest.mark.parametrize("suffix", [".tar.gz", ".zip"])
def test_a_path_that_leads_out_is_refused(tmp_path, out, name, suffix):
    path = tmp_path / f"set{suffix}"
    if suffix == ".zip":
        zipped(path, ("set.pkl", b"good"), (name, b"evil"))
    else:
        tar(path, regular("set.pkl"), regular(name))
    refused(path, out, "leads out of the folder")


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE]
)
@pytest.mark.parametrize("name", ["set.pkl", "other"])
def test_links_and_devices_are_refused(tmp_path, out, kind, name):
    link, _ = regular(name, b"", type=kind, linkname="/etc/passwd")
    refused(tar(tmp_path / "s.tar.gz", (link, b""), regular("set.pkl")), out, "a link or device")


def test_a_link_in_a_zip_is_refused(tmp_path, out):
    info = zipfile.ZipInfo("set.pkl")
    info.external_attr = 0o120777 << 16
    refused(zipped(tmp_path / "s.zip", (info, b"/etc/passwd")), out, "a link or device")


def test_an_existing_link_at_the_target_is_not_a_way_out_of_all_or_none(tmp_path, out):
    (out / "set.pkl").write_bytes(b"earlier")
    refused(tar(tmp_path / "s.tar.gz", regular("other")), out, r"lacks set\.pkl")
    assert (out / "set.pkl").read_bytes() == b"earlier"


@pytest.mark.parametrize("name", ["set.pkl", "other"])
@pytest.mark.parametrize("suffix", [".tar.bz2", ".tar.gz", ".zip"])
def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path, out, name, suffix):
    path, zeros = tmp_path / f"set{suffix}", bytes(LIMIT + 1)
    if suffix == ".zip":
        zipped(path, (name, zeros))
    else:
        tar(path, regular(name, zeros))
    assert path.stat().st_size < 5000
    refused(path, out, f"more than {LIMIT} bytes")


def test_many_small_members_are_a_bomb_too(tmp_path, out):
    many = (regular(f"f{number}", bytes(100_000)) for number in range(11))
    refused(tar(tmp_path / "s.tar.bz2", *many), out, f"more than {LIMIT} bytes")
    many = (regular(f"f{number}", b"") for number in range(10_001))
    refused(tar(tmp_path / "t.tar.gz", *many), out, "more than 10000 members")


def test_a_header_that_would_fill_the_memory_is_refused(tmp_path, out):
    """A PAX header is read whole; this one claims 8 GB, of which the file has 100 kB."""
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, (8 << 30) - 1
    path = tmp_path / "s.tar.gz"
    path.write_bytes(gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + bytes(100_000)))
    refused(path, out, "a header of 8589934592 bytes")


def test_a_negative_size_is_refused(tmp_path, out):
    """GNU's base-256 numbers have a sign, and a negative size would lead backwards."""
    header = bytearray(tarfile.TarInfo("set.pkl").tobuf(tarfile.USTAR_FORMAT))
    header[124:136] = b"\xff" * 10 + struct.pack(">h", -1024)
    header[148:156] = b"%06o\0 " % (sum(header[:148]) + 8 * 32 + sum(header[156:]))
    path = tmp_path / "s.tar.bz2"
    path.write_bytes(bz2.compress(bytes(header) + bytes(1024)))
    start = time.perf_counter()
    refused(path, out, "nothing is unpacked|cannot be unpacked")
    assert time.perf_counter() - start < 5


def test_a_member_that_is_there_twice_is_refused(tmp_path, out):
    twice = regular("a/set.pkl", b"one"), regular("b/set.pkl", b"two")
    refused(tar(tmp_path / "s.tar.gz", *twice), out, r"holds set\.pkl twice")


def test_a_folder_in_place_of_a_member_is_refused(tmp_path, out):
    folder, _ = regular("set.pkl", b"", type=tarfile.DIRTYPE)
    refused(tar(tmp_path / "s.tar.gz", (folder, b"")), out, "as a folder")


def test_one_missing_member_leaves_nothing(tmp_path, out):
    path = zipped(tmp_path / "s.zip", ("a.csv", b"1"))
    refused(path, out, r"lacks b\.csv", members=("a.csv", "b.csv"))


@pytest.mark.parametrize("suffix", [".tar.bz2", ".tar.gz", ".zip"])
def test_every_cut_is_one_clear_line(tmp_path, out, suffix):
    path, data = tmp_path / f"set{suffix}", bytes(range(256)) * 40
    if suffix == ".zip":
        zipped(path, ("set.pkl", data))
    else:
        tar(path, regular("set.pkl", data))
    whole = path.read_bytes()
    for keep in range(0, len(whole) - 1, max(len(whole) // 25, 1)):
        path.write_bytes(whole[:keep])
        refused(path, out, "unpacked")


def test_an_endless_tail_is_not_followed(tmp_path, out):
    path = tar(tmp_path / "s.tar.gz", regular("set.pkl"))
    path.write_bytes(path.read_bytes() + gzip.compress(bytes(64 << 20)))
    refused(path, out, "goes on after its end")


def test_flipped_bits_are_noticed(tmp_path, out):
    path = zipped(tmp_path / "s.zip", ("set.pkl", bytes(range(256)) * 40))
    whole = bytearray(path.read_bytes())
    whole[60] ^= 0x10
    path.write_bytes(whole)
    refused(path, out, "cannot be unpacked")


def test_an_encrypted_member_is_refused(tmp_path, out):
    path = zipped(tmp_path / "s.zip", ("set.pkl", b"secret"))
    whole = bytearray(path.read_bytes())
    central = whole.index(b"PK\x01\x02")
    whole[6] |= 1
    whole[central + 8] |= 1
    path.write_bytes(whole)
    refused(path, out, "encrypted")
