"""Downloads over HTTP that go on where they were interrupted.

What has arrived lies in a partial file; beside it, `PARTIAL.json` keeps the size of the whole and
the server's validator. The rest is asked for with `Range` and `If-Range` (RFC 9110, sections 13.1.5
and 14.2), so that a file that changed in between starts again.
"""

import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from importlib.metadata import version
from pathlib import Path
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3 import exceptions as faults

from hertzian.datasets.dataset import DatasetError
from hertzian.recordings import atomic_path
from hertzian.report import engineering

Advance = Callable[[float], None]
Show = Callable[[str, float | None], AbstractContextManager[Advance]]
"""Given what is going on and the steps in all, shows progress while the block runs."""

_TIMEOUT = urllib3.Timeout(connect=20, read=60)
_BLOCK_BYTES = 1 << 18
_MOST_REDIRECTS = 8
_PAUSES_S = (1, 2, 4, 8, 16)  # between attempts that bring nothing
_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})
_LARGEST_NOTE_BYTES = 4096
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})", re.ASCII)


class PageError(DatasetError):
    """The server does not send the file, but what a person should read."""


class _DroppedError(Exception):
    """This attempt failed; the next may succeed."""


class _UnreachableError(_DroppedError):
    """No connection, which is worth another attempt only if there was one a moment ago."""


@dataclass(frozen=True)
class _Note:
    """What is known of the whole file of which a part has arrived."""

    size: int
    validator: str


@contextmanager
def show_nothing(what: str, total: float | None) -> Iterator[Advance]:
    """Show no progress."""
    yield lambda steps: None


def download(
    url: str,
    partial: Path,
    *,
    size: int | None = None,
    spare: int = 0,
    show: Show = show_nothing,
    pause: Callable[[float], None] = time.sleep,
) -> int:
    """Download a file, or the rest of it, and return how many bytes arrived.

    Args:
        url: http or https; never followed to another scheme, nor from https to http.
        partial: what has arrived; complete when this returns.
        size: of the file in bytes; the server's word where it is None.
        spare: bytes of disk to leave free.
        show: shows progress, in bytes.
        pause: waits between attempts.

    Raises:
        PageError: the server refuses, has no such file, or sends a web page.
        DatasetError: no connection, another size, no space, or it broke off again and again; what
            has arrived is kept for the next call wherever it can be used.
    """
    arrived, fruitless = 0, 0
    while True:
        had = _size(partial)
        try:
            done = _attempt(url, partial, size, spare, show)
            reason = ""
        except _DroppedError as error:
            done, reason = False, str(error)
            if isinstance(error, _UnreachableError) and not arrived:
                raise DatasetError(f"{_split(url).hostname} cannot be reached: {error}") from None
        except OSError as error:
            raise DatasetError(f"cannot write {partial}: {error.strerror or error}") from None
        now = _size(partial)
        arrived += max(now - had, 0)
        if done:
            return arrived
        fruitless = 0 if now > had else fruitless + 1
        if fruitless > len(_PAUSES_S):
            kept = f"; {engineering(now, 'B', 3)} are kept, run again to go on" if now else ""
            raise DatasetError(f"{shown(url)}: {reason or 'no progress'}{kept}")
        pause(_PAUSES_S[max(fruitless - 1, 0)])


def shown(url: str) -> str:
    """Return a URL as messages show it: without query and user, which may be secret."""
    parts = _split(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def check_space(folder: Path, size: int) -> None:
    """Check that a folder's disk has room for a number of bytes.

    Raises:
        DatasetError: it has not.
    """
    free = shutil.disk_usage(folder).free
    if free < size:
        raise DatasetError(
            f"{folder} has {engineering(free, 'B', 3)} free, but {engineering(size, 'B', 3)} are "
            "needed; name another folder"
        )


def forget(partial: Path) -> None:
    """Remove a partial file and what is known of it."""
    partial.unlink(missing_ok=True)
    _note_path(partial).unlink(missing_ok=True)


def _attempt(url: str, partial: Path, size: int | None, spare: int, show: Show) -> bool:
    """Ask once, and return whether the file is complete now."""
    note, start = _read_note(partial), _size(partial)
    if note is None or start > note.size or size not in (None, note.size):
        note, start = None, 0
    elif start == note.size:
        return True
    with _answer(url, note, start) as response:
        status, headers = response.status, response.headers
        if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            forget(partial)
            raise _DroppedError("the file has changed at the server")
        if status == HTTPStatus.PARTIAL_CONTENT:
            if note is None or not _continues(headers, note, start):
                forget(partial)
                raise _DroppedError("the server sends another part than was asked for")
        else:
            _check_page(url, headers)
            start = 0
            note = _new_note(url, headers, size)
        check_space(partial.parent, max(note.size - _size(partial), 0) + spare)
        _write_note(partial, note)
        with show("downloading", note.size) as advance:
            advance(start)
            _receive(response, partial, start, note.size, advance)
    if _size(partial) < note.size:
        raise _DroppedError("the connection broke off")
    return True


@contextmanager
def _answer(url: str, note: _Note | None, start: int) -> Iterator[urllib3.BaseHTTPResponse]:
    """Send a request, follow it, and give the answer: 200, 206 or 416; errors in our words."""
    fields = {"User-Agent": f"hertzian/{version('hertzian')}", "Accept-Encoding": "identity"}
    if note is not None and start:
        fields |= {"Range": f"bytes={start}-", "If-Range": note.validator}
    try:
        with _follow(url, fields) as response:
            _check_status(url, response)
            yield response
    except faults.NameResolutionError:
        raise _UnreachableError("its name is not found; is there a network?") from None
    except (faults.ConnectTimeoutError, faults.ProxyError) as error:
        raise _UnreachableError(_reason(error)) from None
    except faults.SSLError as error:
        raise DatasetError(f"{shown(url)}: no trusted connection (TLS): {_reason(error)}") from None
    except faults.LocationValueError as error:
        raise DatasetError(f"{shown(url)}: not a usable URL: {_reason(error)}") from None
    except faults.HTTPError as error:
        raise _DroppedError(f"the connection broke off ({_reason(error)})") from None


@contextmanager
def _follow(url: str, fields: dict[str, str]) -> Iterator[urllib3.BaseHTTPResponse]:
    place = url
    for _ in range(_MOST_REDIRECTS + 1):
        check_scheme(place)
        with _client(place) as client:
            response = client.request(
                *("GET", place),
                headers=fields,
                redirect=False,
                retries=False,
                preload_content=False,
                decode_content=False,
                timeout=_TIMEOUT,
            )
            try:
                target = response.get_redirect_location()
                if not target:
                    yield response
                    return
            finally:
                response.close()
        place = next_place(place, target)
    raise DatasetError(f"{shown(url)}: redirected more than {_MOST_REDIRECTS} times")


def next_place(place: str, target: str) -> str:
    """Return the URL that a redirection leads to.

    Raises:
        DatasetError: it leads to another scheme than http and https, or from https to http.
    """
    try:
        following = urljoin(place, target)
    except ValueError:
        raise DatasetError(f"{shown(place)}: redirected to what is no URL") from None
    schemes = _split(place).scheme, _split(following).scheme
    if schemes[1] not in ("http", "https") or schemes == ("https", "http"):
        raise DatasetError(f"{shown(place)}: redirected to {shown(following)}, which is refused")
    return following


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port  # checked when it is asked for
    except ValueError as error:
        raise DatasetError(f"{url[:100]!r} is not a URL ({error})") from None
    return parts


def check_scheme(url: str) -> None:
    """Check that a URL is one of http or https.

    Raises:
        DatasetError: it is not.
    """
    parts = _split(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise DatasetError(f"{shown(url)}: expected a URL that starts with https:// or http://")


def _client(url: str) -> urllib3.PoolManager:
    """Return a client that uses the proxy of the environment, if there is one."""
    parts = _split(url)
    proxy = getproxies().get(parts.scheme)
    if not proxy or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return urllib3.PoolManager()
    login = urllib3.util.parse_url(proxy).auth
    fields = urllib3.make_headers(proxy_basic_auth=login) if login else None
    return urllib3.ProxyManager(proxy, proxy_headers=fields)


def _check_status(url: str, response: urllib3.BaseHTTPResponse) -> None:
    status = response.status
    if status in (200, 206, 416):
        return
    if status in _LATER:
        raise _DroppedError(f"the server answers {_named(status)}")
    if status in (401, 402, 403):
        raise PageError(f"{shown(url)}: the server refuses ({_named(status)})")
    if status in (404, 410):
        raise PageError(f"{shown(url)}: the file is not there ({_named(status)})")
    raise PageError(f"{shown(url)}: the server answers {_named(status)}")


def _named(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _check_page(url: str, headers: urllib3.HTTPHeaderDict) -> None:
    if headers.get("Content-Type", "").lower().startswith(("text/html", "application/xhtml")):
        raise PageError(f"{shown(url)}: the server sends a web page, not the file")


def _new_note(url: str, headers: urllib3.HTTPHeaderDict, size: int | None) -> _Note:
    length = headers.get("Content-Length", "")
    told = int(length) if length.isascii() and length.isdecimal() and len(length) < 19 else None
    if size is not None and told not in (None, size):
        raise DatasetError(
            f"{shown(url)}: the server has a file of {told} bytes, expected {size}: it has "
            "changed, or the URL leads to another one; --trust takes it as it is"
        )
    whole = size if told is None else told
    if whole is None:
        raise DatasetError(f"{shown(url)}: the server does not say how large the file is")
    tag = headers.get("ETag", "")
    # a weak tag may stand for other bytes (RFC 9110, section 8.8.1)
    strong = tag.startswith('"') and len(tag) < 1000
    return _Note(whole, tag if strong else headers.get("Last-Modified", "")[:100])


def _continues(headers: urllib3.HTTPHeaderDict, note: _Note, start: int) -> bool:
    """Tell whether a part is the one that was asked for, of the same file."""
    told = headers.get("ETag" if note.validator.startswith('"') else "Last-Modified", "")
    if told not in ("", note.validator):
        return False
    found = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", "").strip())
    return found is not None and (int(found[1]), int(found[3])) == (start, note.size)


def _receive(
    response: urllib3.BaseHTTPResponse, partial: Path, start: int, size: int, advance: Advance
) -> None:
    with partial.open("r+b" if partial.exists() else "wb") as file:
        file.seek(start)
        file.truncate()
        for block in response.stream(_BLOCK_BYTES, decode_content=False):
            start += len(block)
            if start > size:
                file.close()
                forget(partial)
                raise DatasetError(f"{partial}: the server sends more than the {size} bytes it has")
            file.write(block)
            advance(len(block))


def _reason(error: faults.HTTPError) -> str:
    """Return what an error says, without the objects that it names first."""
    text = " ".join(str(error.args[0] if error.args else "").split())
    return text.rpartition("): ")[2][:200] or type(error).__name__


def _size(partial: Path) -> int:
    return partial.stat().st_size if partial.is_file() else 0


def _note_path(partial: Path) -> Path:
    return partial.with_name(f"{partial.name}.json")


def _write_note(partial: Path, note: _Note) -> None:
    with atomic_path(_note_path(partial)) as path:
        path.write_text(json.dumps(vars(note)), encoding="utf-8")


def _read_note(partial: Path) -> _Note | None:
    """Return the note, or None where there is none that helps."""
    path = _note_path(partial)
    try:
        if path.stat().st_size > _LARGEST_NOTE_BYTES:
            return None
        held = json.loads(path.read_text(encoding="utf-8"))
        note = _Note(size=held["size"], validator=held["validator"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    fits = isinstance(note.size, int) and isinstance(note.validator, str)
    fits = fits and note.size > 0 and note.validator.isascii() and note.validator.isprintable()
    return note if fits and note.validator else None
