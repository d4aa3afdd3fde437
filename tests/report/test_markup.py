import html
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hertzian.report.markup import Markup, element, join

pytestmark = pytest.mark.base


class Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.text = [], ""

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


@given(st.text(), st.text())
def test_a_browser_reads_back_any_text_and_attribute(text, value):
    written = element("p", text, title=value)
    reader = Reader()
    reader.feed(written)
    reader.close()
    assert reader.tags == [("p", {"title": value})]
    assert reader.text == text


def test_markup_is_not_escaped_again():
    assert element("p", element("b", "a & b"), " < c") == "<p><b>a &amp; b</b> &lt; c</p>"
    assert join(Markup("<hr>"), "<hr>") == "<hr>&lt;hr&gt;"


def test_what_is_done_to_markup_makes_it_plain_text():
    """Only `element` and `join` vouch for text: joining by `+` does not smuggle a stranger's in."""
    mixed = element("b", "x") + "<script>"
    assert not isinstance(mixed, Markup)
    assert html.unescape(join(mixed)) == "<b>x</b><script>"


def test_names_of_attributes():
    written = element("th", class_="right", aria_label="level")
    assert written == '<th class="right" aria-label="level"></th>'
