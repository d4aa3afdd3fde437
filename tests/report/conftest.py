from html.parser import HTMLParser

import numpy as np
import pytest

from hertzian.recordings import open_recording
from hertzian.signal import Detection


@pytest.fixture
def write_recording(tmp_path):
    """Write samples as a raw cf32 file and open it."""

    def write(iq, rate=1e6, center=0.0, name="capture.cf32"):
        path = tmp_path / name
        np.asarray(iq, dtype=np.complex64).tofile(path)
        return open_recording(
            path, format="cf32", sample_rate_hz=rate, center_frequency_hz=center or None
        )

    return write


@pytest.fixture
def make_detection():
    """Make a detection; what is not given is a strong OOK burst."""

    def make(**changes):
        fields = {
            "start": 1000,
            "count": 2000,
            "center_hz": 50e3,
            "bandwidth_hz": 20e3,
            "snr_db": 20.0,
            "modulation": "OOK",
            "family": "ask",
            "protocol": None,
            "protocol_confidence": None,
            "confidence": 0.9,
            "family_confidence": 0.95,
            "scores": {"OOK": 0.9, "2FSK": 0.06, "unknown": 0.04},
        }
        return Detection(**{**fields, **changes})

    return make


@pytest.fixture
def noise():
    """Circular white Gaussian noise of unit power from a fixed seed."""

    def draw(samples, seed=0):
        normal = np.random.default_rng(seed).standard_normal((2, samples))
        return ((normal[0] + 1j * normal[1]) / np.sqrt(2)).astype(np.complex64)

    return draw


class Page(HTMLParser):
    """A page as a browser would take it apart.

    Attributes:
        tags: every (tag, attributes) in order.
        text: every piece of text, but for the style sheet.
        rows: the text of the cells of every table row.
        outside: every address that leads out of the page.
        unclosed: tags left open.
    """

    def __init__(self, source):
        super().__init__()
        self.tags, self.text, self.rows, self.outside, self.unclosed = [], [], [], [], []
        self.feed(source)
        self.close()

    def count(self, tag):
        return len(self.of(tag))

    def of(self, tag):
        return [pair for pair in self.tags if pair[0] == tag]

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        addresses = [attributes[n] for n in ("src", "href", "srcset", "action") if n in attributes]
        self.outside += [a for a in addresses if not a.startswith(("data:image/png;base64,", "#"))]
        self.outside += [v for v in attributes.values() if v and "url(" in v and "url(#" not in v]
        if tag in ("link", "base", "iframe", "object", "embed"):
            self.outside.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag != "meta":
            self.unclosed.append(tag)

    def handle_endtag(self, tag):
        assert self.unclosed.pop() == tag

    def handle_data(self, data):
        if "style" in self.unclosed:
            self.outside += [word for word in ("url(", "@import", "http") if word in data]
            return
        self.text.append(data)
        if {"td", "th"} & set(self.unclosed):
            self.rows[-1][-1] += data


@pytest.fixture
def read_page():
    """Parse a page; beyond what is escaped text, it may hold no address of the web."""

    def read(path):
        return Page(path.read_text(encoding="utf-8"))

    return read
