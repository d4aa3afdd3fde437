import io
import json
import sys

import numpy as np
import pytest

from hertzian.cli import output

pytestmark = pytest.mark.base


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_json_is_one_document_without_nan(capsys):
    output.print_json({"a": np.float32(0.5), "b": [float("nan")], "path": "caf\udce9"})
    captured = capsys.readouterr()
    assert json.loads(captured.out) == {"a": 0.5, "b": [None], "path": "caf\udce9"}
    assert captured.out.isascii()
    assert captured.err == ""


def test_tables_in_a_file_are_wide(capsys):
    output.console().print("x" * 150)
    assert capsys.readouterr().out == "x" * 150 + "\n"


def test_log_lines_go_to_standard_error_unbroken(capsys):
    output.log("[1/3] " + "word " * 60)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "[1/3] " + "word " * 60 + "\n"


@pytest.mark.parametrize(
    ("stream", "as_json", "shown"),
    [(Terminal, False, True), (Terminal, True, False), (io.StringIO, False, False)],
)
def test_progress_is_shown_on_a_terminal_only(monkeypatch, capsys, stream, as_json, shown):
    screen = stream()
    monkeypatch.setattr(sys, "stderr", screen)
    with output.progress("windows", 10, as_json=as_json) as advance:
        advance(4)
        advance(6)
    assert ("windows" in screen.getvalue()) == shown
    assert capsys.readouterr().out == ""


def test_the_missing_library_is_named(monkeypatch):
    def find_spec(name):
        if name == "lightning":
            raise ModuleNotFoundError(name)
        return None if name == "torch" else object()

    monkeypatch.setattr(output, "find_spec", find_spec)
    assert not output.has_train_extra()
    with pytest.raises(output.MissingExtraError) as caught:
        output.require_train_extra("run")
    assert str(caught.value) == (
        "`hertzian run` needs torch, lightning: pip install 'hertzian[train]'"
    )
    monkeypatch.setattr(output, "find_spec", lambda name: object())
    assert output.has_train_extra()
    output.require_train_extra("run")
