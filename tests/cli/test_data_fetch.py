import hashlib
import zipfile
from dataclasses import replace

import pytest
import typer
from tests.datasets.web import serve

from hertzian.cli import app, data_fetch, output
from hertzian.datasets import locations
from hertzian.datasets.locations import LOCATIONS, find_location


@pytest.fixture(autouse=True)
def verb(monkeypatch):
    """Registers `hertzian data fetch` alone."""
    data = typer.Typer()
    data.callback()(lambda: None)
    data.command("fetch")(data_fetch.fetch)
    monkeypatch.setitem(app.VERBS, "data", data)
    monkeypatch.setattr(output, "_missing", lambda: [])


@pytest.fixture
def site(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with serve() as site:
        yield site


@pytest.fixture
def tiny(site, tmp_path, monkeypatch):
    """`RadComOta` as a tiny archive on a server of this machine."""
    path = tmp_path / "made.zip"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("RadComOta2.45GHz.hdf5", b"windows" * 100)
    site.files["/ota.zip"] = path.read_bytes()
    tiny = replace(
        find_location("RadComOta"),
        url=f"{site.url}/ota.zip",
        size=path.stat().st_size,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
    )
    changed = tuple(tiny if one.name == tiny.name else one for one in LOCATIONS)
    monkeypatch.setattr(locations, "LOCATIONS", changed)
    return tiny


@pytest.mark.base
def test_the_list_is_the_table(hertzian):
    listed = hertzian("data", "fetch", "--list", "--json")
    assert listed.status == 0
    assert [entry["name"] for entry in listed.document] == [one.name for one in LOCATIONS]
    entry = next(one for one in listed.document if one["name"] == "RML2018.01A")
    assert entry["licence"] == "CC BY-NC-SA 4.0"
    assert entry["size"] == 19_342_413_140
    shown = hertzian("data", "fetch", "--list").out
    assert "19.34 GB" in shown
    (row,) = (line for line in shown.splitlines() if "HisarMod2019.1 " in line)
    assert "account" in row
    assert "https://ieee-dataport.org" in row


@pytest.mark.base
@pytest.mark.parametrize("arguments", [(), ("RML2016.10a", "--list")])
def test_a_name_or_the_list(hertzian, arguments):
    done = hertzian("data", "fetch", *arguments)
    assert done.status == 2
    assert "the name of a dataset, or --list" in done.err.replace("\n", " ")


@pytest.mark.base
def test_an_unknown_name_lists_those_known(hertzian):
    done = hertzian("data", "fetch", "RML2017")
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith("error: no published dataset is called 'RML2017'; known are RML2016")


@pytest.mark.base
def test_without_the_extra_it_says_what_to_install(hertzian, monkeypatch, tmp_path):
    monkeypatch.setattr(output, "_missing", lambda: ["urllib3"])
    done = hertzian("data", "fetch", "RML2016.10a", "--to", tmp_path)
    assert done.status == 1
    assert done.err == (
        "error: `hertzian data fetch` needs urllib3: pip install 'hertzian[train]'\n"
    )


def test_help_shows_examples(hertzian):
    shown = hertzian("data", "fetch", "--help").out
    assert "hertzian data fetch RML2016.10a --to data" in shown


def test_a_set_is_fetched(hertzian, tiny, tmp_path):
    folder = tmp_path / "data"
    done = hertzian("data", "fetch", "radcom-ota", "--to", folder, "--json")
    assert done.status == 0
    unpacked = folder / "RadComOta2.45GHz.hdf5"
    assert done.document == {
        **{"name": "RadComOta", "file": str(folder / tiny.file), "bytes": tiny.size},
        **{"sha256": tiny.sha256, "trust": "known", "downloaded_bytes": tiny.size},
        **{"unpacked": [str(unpacked)], "licence": tiny.licence, "page": tiny.page},
    }
    assert unpacked.read_bytes() == b"windows" * 100
    again = hertzian("data", "fetch", "RadComOta", "--to", folder)
    assert (again.status, again.out) == (0, "")
    for told in ("0 B of them downloaded now", tiny.sha256, "CC BY-NC-SA 4.0", str(unpacked)):
        assert told in again.err


def test_options_reach_the_download(hertzian, site, tiny, tmp_path):
    site.files["/mine"] = site.files.pop("/ota.zip") + b"tail"
    arguments = ("data", "fetch", "RadComOta", "--to", tmp_path / "d", "--url", f"{site.url}/mine")
    assert hertzian(*arguments).status == 1
    done = hertzian(*arguments, "--trust", "--no-unpack", "--json")
    assert (done.document["trust"], done.document["unpacked"]) == ("first use", [])
    assert sorted(path.name for path in (tmp_path / "d").iterdir()) == [
        "RadComOta2.45GHz.zip",
        "RadComOta2.45GHz.zip.sha256",
    ]


def test_progress_is_in_megabytes(hertzian, tiny, tmp_path, monkeypatch):
    seen = []
    real = output.progress

    def progress(description, total, *, as_json):
        seen.append((description, total))
        return real(description, total, as_json=as_json)

    monkeypatch.setattr(output, "progress", progress)
    assert hertzian("data", "fetch", "RadComOta", "--to", tmp_path).status == 0
    size = tiny.size / 1e6
    assert seen[:2] == [("downloading, MB", size), ("checking, MB", size)]
    assert seen[2][0] == "unpacking, MB"


def test_a_set_behind_an_account_says_what_to_do(hertzian, tmp_path):
    done = hertzian("data", "fetch", "HisarMod2019.1", "--to", tmp_path)
    assert (done.status, done.out) == (1, "")
    (line,) = done.err.splitlines()
    for told in ("https://ieee-dataport.org/", "account", "--url LINK", "HisarMod2019.1.zip"):
        assert told in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_refusal_is_one_line_with_the_page(hertzian, site, tiny, tmp_path, status):
    site.statuses = [status]
    done = hertzian("data", "fetch", "RadComOta", "--to", tmp_path)
    assert (done.status, done.out) == (1, "")
    (line,) = done.err.splitlines()
    assert str(status) in line
    assert tiny.page in line


def test_no_network_is_one_line(hertzian, tiny, tmp_path):
    done = hertzian("data", "fetch", "RadComOta", "--to", tmp_path, "--url", "http://127.0.0.1:1/x")
    assert done.status == 1
    assert done.err.startswith("error: 127.0.0.1 cannot be reached")
    assert len(done.err.splitlines()) == 1
