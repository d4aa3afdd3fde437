import json
import random
import shutil
import socket
from collections import namedtuple
from contextlib import contextmanager

import pytest
import urllib3
from tests.datasets.web import serve

from hertzian.datasets import downloading
from hertzian.datasets.dataset import DatasetError
from hertzian.datasets.downloading import PageError, download, next_place

BODY = random.Random(7).randbytes(600_000)
HALF = len(BODY) // 2


@pytest.fixture
def site(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with serve() as site:
        site.files["/set.bin"] = BODY
        yield site


@pytest.fixture
def get(site, tmp_path):
    """Downloads `/set.bin`; `get.partial` is where to, `get.pauses` how long it waited."""

    def get(path="/set.bin", **options):
        return download(f"{site.url}{path}", get.partial, pause=get.pauses.append, **options)

    get.partial = tmp_path / "set.bin.partial"
    get.note = tmp_path / "set.bin.partial.json"
    get.pauses = []
    return get


def interrupted(site, get, after=HALF):
    """Leave a download that broke off and was given up."""
    site.breaks[:] = [after]
    site.statuses[:] = []
    with pytest.raises(DatasetError, match=r"503 Service Unavailable; .* kept, run again"):
        download(f"{site.url}/set.bin", get.partial, pause=lambda s: site.statuses.append(503))
    site.statuses.clear()
    site.requests.clear()
    assert get.partial.read_bytes() == BODY[: get.partial.stat().st_size]
    left = get.partial.stat().st_size
    site.sent.clear()
    return left


def test_a_whole_file_arrives_in_one_answer(site, get):
    assert get() == len(BODY)
    assert get.partial.read_bytes() == BODY
    assert site.sent == [len(BODY)]
    assert site.requests[0]["Accept-Encoding"] == "identity"
    assert "Range" not in site.requests[0]
    assert get.pauses == []


def test_what_is_complete_is_not_asked_for_again(site, get):
    get()
    site.requests.clear()
    assert get() == 0
    assert site.requests == []


def test_progress_counts_every_byte_once(site, get):
    counted = []

    @contextmanager
    def show(what, total):
        counted.append([what, total, 0])

        def advance(steps):
            counted[-1][2] += steps

        yield advance

    site.breaks = [HALF]
    get(show=show)
    assert [entry[:2] for entry in counted] == [["downloading", len(BODY)]] * 2
    assert counted[-1][2] == len(BODY)


def test_the_second_call_asks_for_the_missing_half_only(site, get):
    left = interrupted(site, get)
    assert left == HALF
    assert json.loads(get.note.read_text()) == {"size": len(BODY), "validator": '"one"'}
    assert get() == len(BODY) - HALF
    assert site.sent == [len(BODY) - HALF]
    assert site.requests[0]["Range"] == f"bytes={HALF}-"
    assert site.requests[0]["If-Range"] == '"one"'
    assert get.partial.read_bytes() == BODY


def test_ctrl_c_keeps_what_has_arrived(site, get):
    @contextmanager
    def stop(what, total):
        def advance(steps):
            if steps:
                raise KeyboardInterrupt

        yield advance

    with pytest.raises(KeyboardInterrupt):
        get(show=stop)
    left = get.partial.stat().st_size
    assert 0 < left < len(BODY)
    assert get() == len(BODY) - left
    assert get.partial.read_bytes() == BODY


def test_a_server_that_falls_silent_is_asked_again(site, get, monkeypatch):
    monkeypatch.setattr(downloading, "_TIMEOUT", urllib3.Timeout(connect=5, read=0.2))
    site.stalls = [0.6]
    assert get() == len(BODY)
    assert len(site.requests) == 2
    assert get.partial.read_bytes() == BODY


def test_a_broken_connection_goes_on_within_the_call(site, get):
    site.breaks = [100_000, 100_000, 100_000]
    assert get() == len(BODY)
    assert site.sent == [100_000] * 3 + [len(BODY) - 300_000]
    assert get.partial.read_bytes() == BODY
    assert get.pauses == [1, 1, 1]  # each attempt brought something


def test_chunks_that_end_early_are_noticed(site, get):
    site.chunked, site.breaks = True, [HALF]
    assert get(size=len(BODY)) == len(BODY)
    assert site.sent == [HALF, len(BODY) - HALF]


def test_a_server_without_ranges_sends_all_of_it_again(site, get):
    interrupted(site, get)
    site.ranges = False
    get()
    assert site.sent == [len(BODY)]
    assert get.partial.read_bytes() == BODY


@pytest.mark.parametrize("heeds", [True, False])
@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("ETag", ('"one"', '"two"')),
        ("Last-Modified", ("Tue, 15 Nov 1994 12:45:26 GMT", "Tue, 15 Nov 1994 12:45:27 GMT")),
    ],
)
def test_a_file_that_changed_in_between_starts_again(site, get, heeds, name, values):
    site.headers = {name: values[0]}
    interrupted(site, get)
    site.files["/set.bin"] = BODY[::-1]
    site.headers, site.heeds_if_range = {name: values[1]}, heeds
    get()
    assert get.partial.read_bytes() == BODY[::-1]
    assert site.sent[-1] == len(BODY)


def test_a_date_serves_as_validator_and_a_weak_tag_does_not(site, get):
    date = "Tue, 15 Nov 1994 12:45:26 GMT"
    site.headers = {"ETag": 'W/"one"', "Last-Modified": date}
    interrupted(site, get)
    get()
    assert site.requests[0]["If-Range"] == date
    assert site.sent == [len(BODY) - HALF]


def test_without_a_validator_it_starts_again(site, get):
    site.headers = {}
    interrupted(site, get)
    get()
    assert "Range" not in site.requests[0]
    assert get.partial.read_bytes() == BODY


@pytest.mark.parametrize(
    "note", ["", "[]", "{}", '{"size": "9", "validator": "a"}', "\xff" * 9, "{" * 9000]
)
def test_a_damaged_note_starts_again(site, get, note):
    interrupted(site, get)
    get.note.write_text(note, encoding="latin-1")
    get()
    assert get.partial.read_bytes() == BODY


def test_a_note_cannot_smuggle_a_header(site, get):
    interrupted(site, get)
    get.note.write_text(json.dumps({"size": len(BODY), "validator": '"one"\r\nX-Evil: 1'}))
    get()
    assert "X-Evil" not in site.requests[0]


def test_a_file_that_shrank_starts_again(site, get):
    """The part is longer than the file is now, which the server answers with 416."""
    interrupted(site, get)
    site.files["/set.bin"] = BODY[:1000]
    site.heeds_if_range = False
    get()
    assert get.partial.read_bytes() == BODY[:1000]


def test_a_part_longer_than_the_file_starts_again(site, get):
    get()
    get.partial.write_bytes(BODY + b"more")
    get()
    assert get.partial.read_bytes() == BODY


@pytest.mark.parametrize("size", [len(BODY) - 1, len(BODY) + 1])
def test_another_size_is_refused_before_anything_is_written(site, get, size):
    with pytest.raises(DatasetError, match=f"has a file of {len(BODY)} bytes, expected {size}"):
        get(size=size)
    assert not get.partial.exists()


def test_more_than_the_size_is_refused_where_none_was_told(site, get):
    site.chunked = True
    with pytest.raises(DatasetError, match="sends more than the 1000 bytes"):
        get(size=1000)
    assert not get.partial.exists()


def test_a_file_of_unknown_size_is_refused(site, get):
    site.tells_length = False
    with pytest.raises(DatasetError, match="does not say how large"):
        get()


def test_a_connection_that_closes_early_without_length_is_noticed(site, get):
    site.tells_length, site.breaks = False, [HALF]
    assert get(size=len(BODY)) == len(BODY)
    assert get.partial.read_bytes() == BODY


def test_it_gives_up_after_attempts_that_bring_nothing(site, get):
    site.statuses = [503] * 50
    with pytest.raises(DatasetError, match="503 Service Unavailable") as caught:
        get()
    assert "kept" not in str(caught.value)
    assert get.pauses == [1, 2, 4, 8, 16]
    assert len(site.requests) == len(get.pauses) + 1


def test_a_server_that_is_busy_for_a_while_is_waited_for(site, get):
    site.statuses = [429, 502]
    assert get() == len(BODY)
    assert get.pauses == [1, 2]


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (401, r"refuses \(401 Unauthorized\)"),
        (403, r"refuses \(403 Forbidden\)"),
        (404, r"not there \(404 Not Found\)"),
        (410, r"not there \(410 Gone\)"),
        (400, "answers 400 Bad Request"),
        (302, "answers 302 Found"),  # without a place to go to
        (599, "answers 599"),
    ],
)
def test_refusals_are_final(site, get, status, told):
    site.statuses = [status]
    with pytest.raises(PageError, match=told):
        get()
    assert len(site.requests) == 1
    assert not get.partial.exists()


def test_a_web_page_is_no_file(site, get):
    site.headers = {"Content-Type": "text/html; charset=utf-8"}
    with pytest.raises(PageError, match="sends a web page"):
        get()
    assert not get.partial.exists()


def test_redirects_are_followed(site, get):
    site.redirects = {"/a": "/b", "/b": f"{site.url}/set.bin"}
    assert get("/a") == len(BODY)


def test_redirects_in_a_circle_end(site, get):
    site.redirects = {"/a": "/b", "/b": "/a"}
    with pytest.raises(DatasetError, match="redirected more than 8 times"):
        get("/a")
    assert len(site.requests) == 9


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "http://[::1/x"])
def test_redirects_to_other_schemes_are_refused(site, get, target):
    site.redirects = {"/a": target}
    with pytest.raises(DatasetError, match=r"which is refused|no URL"):
        get("/a")
    assert len(site.requests) == 1


def test_redirects_never_leave_https():
    assert next_place("http://a/x", "https://b/y") == "https://b/y"
    assert next_place("https://a/x/y", "z") == "https://a/x/z"
    assert next_place("https://a/x", "//b/y") == "https://b/y"
    for target in ("http://a/x", "HTTP://b/y"):
        with pytest.raises(DatasetError, match="refused"):
            next_place("https://a/x", target)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "/etc/passwd", "ftp://a/b", "https://", ""])
def test_only_the_web_is_fetched_from(get, url):
    with pytest.raises(DatasetError, match="expected a URL"):
        download(url, get.partial)


@pytest.mark.parametrize("url", ["http://a b/", "http://[::1/x", "http://127.0.0.1:99999/x"])
def test_a_malformed_url_is_one_line(get, url):
    with pytest.raises(DatasetError) as caught:
        download(url, get.partial, pause=get.pauses.append)
    assert "\n" not in str(caught.value)


def test_secrets_of_a_url_are_not_shown(site, get):
    with pytest.raises(DatasetError) as caught:
        get("/absent?Authorization=secret")
    assert "secret" not in str(caught.value)
    assert downloading.shown("https://me:pass@a.b/c?d#e") == "https://a.b/c"


def test_nobody_listening_is_told_at_once(get):
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    with pytest.raises(DatasetError, match=r"127\.0\.0\.1 cannot be reached: .*refused"):
        download(f"http://127.0.0.1:{port}/x", get.partial, pause=get.pauses.append)
    assert get.pauses == []


def test_an_unknown_name_is_told_at_once(get, monkeypatch, site):
    def unknown(*arguments, **options):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(DatasetError, match=r"^no\.such\.host cannot be reached: its name is not"):
        download("http://no.such.host/x", get.partial, pause=get.pauses.append)
    assert get.pauses == []


def test_a_server_without_tls_is_not_trusted(site, get):
    with pytest.raises(DatasetError, match=r"no trusted connection \(TLS\)"):
        download(site.url.replace("http", "https") + "/set.bin", get.partial)


def test_a_network_that_goes_away_is_waited_for(site, get, monkeypatch):
    """Once something has arrived, a name that is not found may come back."""
    site.breaks = [HALF]
    real, failures = socket.getaddrinfo, []

    def flaky(*arguments, **options):
        if site.sent and len(failures) < 2:
            failures.append(arguments)
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return real(*arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", flaky)
    assert get() == len(BODY)
    assert len(failures) == 2
    assert get.partial.read_bytes() == BODY


def test_a_full_disk_is_told_before_anything_is_written(site, get, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(0, 0, len(BODY) + 99))
    with pytest.raises(DatasetError, match="600 kB free, but 600 kB are needed"):
        get(spare=100)
    assert not get.partial.exists()
    assert get(spare=99) == len(BODY)


def test_a_folder_that_cannot_be_written_to_is_told(site, get):
    get.partial.mkdir()
    with pytest.raises(DatasetError, match="cannot write"):
        get()


def test_a_proxy_of_the_environment_is_used(site, get, monkeypatch):
    monkeypatch.setenv("http_proxy", site.url.replace("//", "//user:word@"))
    site.files["http://files.example/set.bin"] = BODY
    assert download("http://files.example/set.bin", get.partial) == len(BODY)
    assert site.requests[0]["Proxy-Authorization"].startswith("Basic ")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    site.requests.clear()
    assert download(f"{site.url}/set.bin", get.partial.with_name("b.partial")) == len(BODY)
    assert "Proxy-Authorization" not in site.requests[0]
