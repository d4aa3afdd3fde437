import sys
from pathlib import Path

import numpy as np
import pytest

from hertzian.workers.errors import WorkerError
from hertzian.workers.process import (
    ask,
    load_arrays,
    number,
    parse_answer,
    run_python,
)

pytestmark = pytest.mark.base


def test_the_last_line_is_the_answer():
    assert parse_answer('gr-log: INFO\n{"a": 0}\n{"a": 1}\n\n', "noise", "Guest") == {"a": 1}


@pytest.mark.parametrize("stdout", ["", "\n", "no JSON", "[1]", "3", '{"a": 1}\ntrailing', "{"])
def test_no_answer_is_one_line_with_what_was_printed(stdout):
    with pytest.raises(WorkerError, match=r"Guest ended without an answer.*first second") as error:
        parse_answer(stdout, "first\nsecond\n", "Guest")
    assert "\n" not in str(error.value)


def test_without_words_it_printed_nothing():
    with pytest.raises(WorkerError, match="it printed: nothing"):
        parse_answer("", "", "Guest")


def test_a_failure_is_told_in_one_line_and_cut():
    with pytest.raises(WorkerError, match="Guest failed: boom bang") as error:
        parse_answer('{"failed": "boom\\nbang' + "g" * 5000 + '"}', "", "Guest")
    assert len(str(error.value)) < 400


@pytest.mark.parametrize("value", [None, "3", True, [1]])
def test_a_number_is_a_number(value):
    with pytest.raises(WorkerError, match="seconds as a number"):
        number({"seconds": value}, "seconds", "Guest")
    assert number({"seconds": 2}, "seconds", "Guest") == 2.0


def test_arrays_come_from_the_folder(tmp_path):
    np.save(tmp_path / "iq.npy", np.arange(3))
    arrays = load_arrays({"arrays": {"iq": "iq.npy"}}, tmp_path, "Guest")
    np.testing.assert_array_equal(arrays["iq"], [0, 1, 2])


@pytest.mark.parametrize("file", ["../iq.npy", "/etc/passwd", "a/b.npy", 3, None])
def test_a_file_elsewhere_is_refused(file, tmp_path):
    np.save(tmp_path / "iq.npy", np.arange(3))
    with pytest.raises(WorkerError, match="outside its folder"):
        load_arrays({"arrays": {"iq": file}}, tmp_path / "inner", "Guest")


@pytest.mark.parametrize("content", [None, b"", b"\x93NUMPY", b"garbage"])
def test_a_file_that_is_no_array_is_refused(content, tmp_path):
    if content is not None:
        (tmp_path / "iq.npy").write_bytes(content)
    with pytest.raises(WorkerError, match=r"no array in iq\.npy"):
        load_arrays({"arrays": {"iq": "iq.npy"}}, tmp_path, "Guest")


def test_a_pickle_is_not_opened(tmp_path):
    np.save(tmp_path / "iq.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(WorkerError, match="no array"):
        load_arrays({"arrays": {"iq": "iq.npy"}}, tmp_path, "Guest")


def test_arrays_are_named_in_a_document(tmp_path):
    with pytest.raises(WorkerError, match="answer with arrays"):
        load_arrays({"arrays": ["iq.npy"]}, tmp_path, "Guest")


def test_a_worker_hears_its_request_and_not_our_packages(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "gnuradio.py").write_text("")  # beside the script, it must not stand first
    script = tmp_path / "worker.py"
    script.write_text(
        "import json, os, sys\n"
        "request = json.loads(sys.argv[1])\n"
        "lost = 'PYTHONPATH' not in os.environ and sys.path[0] != os.path.dirname(__file__)\n"
        "print(json.dumps({'twice': 2 * request['x'], 'isolated': lost}))\n"
    )
    answer = ask(Path(sys.executable), script, {"x": 21}, "Guest", 60)
    assert answer == {"twice": 42, "isolated": True}


def test_a_crash_shows_what_the_interpreter_said(tmp_path):
    script = tmp_path / "worker.py"
    script.write_text("raise SystemExit('lost its way')")
    with pytest.raises(WorkerError, match="lost its way"):
        ask(Path(sys.executable), script, {}, "Guest", 60)


def test_an_interpreter_that_is_missing():
    with pytest.raises(WorkerError, match="/no/such/python does not start: No such file"):
        run_python(Path("/no/such/python"), ["-c", ""], 60)


def test_an_interpreter_that_takes_too_long():
    with pytest.raises(WorkerError, match=r"longer than 0\.2 s"):
        run_python(Path(sys.executable), ["-c", "import time; time.sleep(20)"], 0.2)
