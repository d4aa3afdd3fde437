import os
import sys
from pathlib import Path

import pytest

from hertzian.experiments.peers import torchsig
from hertzian.experiments.peers.torchsig import ENVIRONMENT, measure_speed
from hertzian.workers.errors import WorkerError

pytestmark = pytest.mark.base


def test_the_message_says_how_to_install(tmp_path):
    with pytest.raises(
        WorkerError, match=r"install it with `python -m hertzian\.experiments\.peers"
    ):
        measure_speed(0, folder=tmp_path)


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
    with pytest.raises(WorkerError) as error:
        measure_speed(**{"impairment_level": 2, "folder": tmp_path, **arguments})
    assert "not installed" not in str(error.value)


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
    monkeypatch.setattr(torchsig.Environment, "find_python", lambda *_: Path(sys.executable))
    with pytest.raises(WorkerError, match=message):
        measure_speed(2)


def test_a_speed_is_examples_over_seconds(tmp_path, monkeypatch):
    worker = tmp_path / "worker.py"
    worker.write_text("""print('{"seconds": 4, "torchsig": "2.2.0", "torch": "2.13.0"}')""")
    monkeypatch.setattr(torchsig, "_WORKER", worker)
    monkeypatch.setattr(torchsig.Environment, "find_python", lambda *_: Path(sys.executable))
    speed = measure_speed(2, examples=100)
    assert speed.examples_per_s == 25
    assert speed.versions == {"torchsig": "2.2.0", "torch": "2.13.0"}


def test_torchsig_makes_examples():
    folder = Path(os.environ.get("HERTZIAN_TORCHSIG", ENVIRONMENT.default_folder()))
    try:
        ENVIRONMENT.find_python(folder)
    except WorkerError as error:
        pytest.skip(str(error))
    speed = measure_speed(2, examples=5, warm_up=1, folder=folder)
    assert speed.examples_per_s > 0
    assert speed.versions["torchsig"].startswith("2.2")
