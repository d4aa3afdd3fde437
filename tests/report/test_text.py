import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hertzian.report.text import printable, shown_path

pytestmark = pytest.mark.base


def test_scripts_and_signs_stay():
    text = "Übung 测试 الموجة 433.92 MHz <b>&\"'"
    assert printable(text) == text


def test_what_does_not_print_shows_as_its_escape():
    assert printable("a\x1b[31m\nb\u202ec\x00") == r"a\x1b[31m\nb\u202ec\x00"


def test_undecodable_bytes_of_a_file_name_show_as_escapes():
    assert shown_path(os.fsdecode(b"x\xff.cu8")) == r"x\udcff.cu8"


@given(st.text(st.characters(), max_size=40))
def test_result_always_prints_and_encodes(text):
    shown = printable(text)
    assert shown.isprintable()
    shown.encode("utf-8")
