"""A web server in this process, which can misbehave, and counts what it sends."""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Site:
    """What the server has, how it behaves, and what happened.

    `breaks` holds, for one answer each, the bytes of the body after which the connection breaks
    off; `statuses` holds, for one answer each, a status to send instead; `stalls` the seconds that
    an answer's second half waits.
    """

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=lambda: {"ETag": '"one"'})
    ranges: bool = True
    heeds_if_range: bool = True
    tells_length: bool = True
    chunked: bool = False
    breaks: list[int] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    stalls: list[float] = field(default_factory=list)
    requests: list[Message] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)


@contextmanager
def serve() -> Iterator[Site]:
    """Serve a site on a port of this machine."""
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            with suppress(ConnectionError):  # the client may hang up first
                answer(self, site)

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    site.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def answer(handler: BaseHTTPRequestHandler, site: Site) -> None:
    site.requests.append(handler.headers)
    handler.close_connection = True
    path = handler.path.partition("?")[0]
    if site.statuses:
        return head(handler, site.statuses.pop(0), {"Content-Length": "0"})
    if path in site.redirects:
        return head(handler, 302, {"Location": site.redirects[path], "Content-Length": "0"})
    if path not in site.files:
        return head(handler, 404, {"Content-Length": "0"})
    body, status, fields = site.files[path], 200, dict(site.headers)
    start = asked(handler, site)
    if start is not None and start >= len(body):
        return head(handler, 416, {"Content-Range": f"bytes */{len(body)}", "Content-Length": "0"})
    if start is not None:
        fields["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        body, status = body[start:], 206
    if site.chunked:
        fields["Transfer-Encoding"] = "chunked"
    elif site.tells_length:
        fields["Content-Length"] = str(len(body))
    head(handler, status, fields)
    whole = body[: site.breaks.pop(0)] if site.breaks else body
    site.sent.append(len(whole))
    if site.chunked:
        whole = b"%x\r\n%s\r\n" % (len(whole), whole) + b"0\r\n\r\n" * (len(whole) == len(body))
    half = len(whole) // 2
    handler.wfile.write(whole[:half])
    time.sleep(site.stalls.pop(0) if site.stalls else 0)
    handler.wfile.write(whole[half:])


def asked(handler: BaseHTTPRequestHandler, site: Site) -> int | None:
    """Return where the part that is asked for starts; None where the whole is to be sent."""
    found = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
    if not site.ranges or found is None:
        return None
    condition = handler.headers.get("If-Range")
    current = (site.headers.get("ETag"), site.headers.get("Last-Modified"))
    if site.heeds_if_range and condition is not None and condition not in current:
        return None
    return int(found[1])


def head(handler: BaseHTTPRequestHandler, status: int, fields: dict[str, str]) -> None:
    handler.send_response_only(status)
    for name, value in fields.items():
        handler.send_header(name, value)
    handler.end_headers()
