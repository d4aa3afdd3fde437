import json
import subprocess
import sys

import pytest
from tests.cli.air import RATE_HZ, air, as_cu8, write_answering

from hertzian.recognition import Recogniser
from hertzian.recognition.measure import limits
from hertzian.recordings import open_recording


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    pytest.importorskip("onnx")
    folder = tmp_path_factory.mktemp("measure")
    (folder / "air.cu8").write_bytes(as_cu8(air(samples=600_000)))
    return folder / "air.cu8", write_answering(folder / "m.onnx")


def run(*arguments):
    command = [sys.executable, "-m", "hertzian.recognition.measure", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_what_is_measured_is_recognition(files):
    path, model = files
    done = run(path, "--model", model, "--sample-rate", RATE_HZ, "--stages")
    assert done.returncode == 0, done.stderr
    *counts, last = done.stdout.splitlines()
    told = json.loads(last)
    assert sum(map(int, counts)) == told["samples"] == 600_000
    expected = Recogniser.load(model).recognise(open_recording(path, sample_rate_hz=RATE_HZ))
    assert told["detections"] == [detection.to_dict() for detection in expected]
    assert told["samples_per_second"] == pytest.approx(600_000 / told["seconds"])
    assert told["cores"] in (1, 2)
    # the interpreter and its libraries at least, and no more than a small recording can need
    assert 50e6 < told["peak_memory_bytes"] < 600e6
    assert set(told["shares"]) == {"reading", "detector", "front_end", "network"}
    assert sum(told["shares"].values()) == pytest.approx(1)


def test_an_error_is_one_line(files):
    done = run("absent.cu8", "--model", files[1], "--sample-rate", RATE_HZ)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "absent.cu8 does not exist\n"


def test_limits_are_above_what_a_program_can_reach():
    found = limits(1)
    assert found["copy"] > found["fft"] > 1e6
