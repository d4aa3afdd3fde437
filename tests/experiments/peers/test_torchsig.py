import os
import sys
from pathlib import Path

import pytest

from hertzian.experiments.peers import torchsig
from hertzian.experiments.peers.errors import PeerError
from hertzian.experiments.peers.torchsig import (
    default_folder,
    find_python,
    install,
    main,
    measure_speed,
)

pytestmark = pytest.mark.base


def test_the_environment_lies_in_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "hertzian" / "torchsig"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert default_folder() == tmp_path / "home" / ".cache" / "hertzian" / "torchsig"


def test_the_message_says_how_to_install(tmp_path):
    with pytest.raises(PeerError, match=r"install it with `python -m hertzian\.experiments\.peers"):
        measure_speed(0, folder=tmp_path)


def test_an_environment_without_torchsig_is_not_taken(tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    with pytest.raises(PeerError, match="TorchSig is not installed"):
        find_python(tmp_path)


@pytest.mark.parametrize(
    "arguments",
    [
        {"impairment_level": 3},
        {"examples": 0},
        {"examples": 10**9},
        {"warm_up": -1},
        {"samples": 2**40},
        {"threads": 0},
        {"seed": -1},
    ],
)
def test_bad_arguments_are_refused_before_anything_starts(arguments, tmp_path):
    with pytest.raises(PeerError) as error:
        measure_speed(**{"impairment_level": 2, "folder": tmp_path, **arguments})
    assert "not installed" not in str(error.value)


def test_a_folder_with_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(PeerError, match="holds something else"):
        install(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(PeerError, match="is a file"):
        install(tmp_path / "file")


def test_an_installation_that_fails_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr(torchsig, "run_python", lambda *_: (1, "", "ERROR: no\nnetwork"))
    with pytest.raises(PeerError, match=r"venv failed in .*: ERROR: no network"):
        install(tmp_path)


def test_the_command_tells_errors_in_one_line(tmp_path, capsys):
    (tmp_path / "thesis.txt").write_text("precious")
    assert main([str(tmp_path)]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert main(["--help"]) == 2
    assert "usage" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("printed", "message"),
    [
        ("print('{}')", "seconds as a number"),
        ("""print('{"seconds": 0}')""", "answered 0"),
        ("raise SystemExit('no numba')", "no numba"),
    ],
)
def test_an_answer_is_not_taken_on_trust(printed, message, tmp_path, monkeypatch):
    worker = tmp_path / "worker.py"
    worker.write_text(printed)
    monkeypatch.setattr(torchsig, "_WORKER", worker)
    monkeypatch.setattr(torchsig, "find_python", lambda folder: Path(sys.executable))
    with pytest.raises(PeerError, match=message):
        measure_speed(2)


def test_a_speed_is_examples_over_seconds(tmp_path, monkeypatch):
    worker = tmp_path / "worker.py"
    worker.write_text("""print('{"seconds": 4, "torchsig": "2.2.0", "torch": "2.13.0"}')""")
    monkeypatch.setattr(torchsig, "_WORKER", worker)
    monkeypatch.setattr(torchsig, "find_python", lambda folder: Path(sys.executable))
    speed = measure_speed(2, examples=100)
    assert speed.examples_per_s == 25
    assert speed.versions == {"torchsig": "2.2.0", "torch": "2.13.0"}


def test_torchsig_makes_examples():
    folder = Path(os.environ.get("HERTZIAN_TORCHSIG", default_folder()))
    try:
        find_python(folder)
    except PeerError as error:
        pytest.skip(str(error))
    speed = measure_speed(2, examples=5, warm_up=1, folder=folder)
    assert speed.examples_per_s > 0
    assert speed.versions["torchsig"].startswith("2.2")
