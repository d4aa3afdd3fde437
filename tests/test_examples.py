"""What is in examples/ gives the answers that Hertzian gives."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from hertzian.deployment import find_model, load_predictor
from hertzian.evaluation import softmax

pytestmark = pytest.mark.base

EXAMPLES = Path(__file__).parents[1] / "examples"
HEADERS = Path("/usr/include/onnxruntime")


@pytest.fixture(params=["pet-cgdnn", "field"])
def recorded(request, tmp_path):
    """A model, a recording of two windows and a half, and what the model says of the two."""
    path = find_model(request.param)
    predictor = load_predictor(path)
    metadata = predictor.metadata
    rng = np.random.default_rng(6)
    iq = rng.normal(size=(metadata.samples * 5 // 2, 2)) @ [1, 1j]
    iq.astype(np.complex64).tofile(tmp_path / "iq.cf32")
    windows = iq[: 2 * metadata.samples].reshape(2, -1)
    logits = predictor.logits(np.stack([windows.real, windows.imag], axis=1).astype(np.float32))
    biases = np.array(metadata.biases) if metadata.biases else 0.0
    wanted = softmax(logits / metadata.temperature + biases)
    return path, tmp_path / "iq.cf32", [(metadata.classes[p.argmax()], p.max()) for p in wanted]


def told(text):
    return [(line.split()[0], float(line.split()[1])) for line in text.splitlines()]


def same(found, wanted):
    assert [name for name, _ in found] == [name for name, _ in wanted]
    for (_, one), (_, other) in zip(found, wanted, strict=True):
        assert one == pytest.approx(other, abs=0.002)


def test_python(recorded):
    model, recording, wanted = recorded
    command = [sys.executable, EXAMPLES / "infer.py", model, recording]
    same(told(subprocess.run(command, capture_output=True, text=True, check=True).stdout), wanted)


def test_python_says_how_it_is_used():
    command = [sys.executable, EXAMPLES / "infer.py"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Usage: python infer.py" in done.stderr


@pytest.mark.skipif(
    not shutil.which("cc") or not (HEADERS / "onnxruntime_c_api.h").is_file(),
    reason="needs a C compiler and the headers of ONNX Runtime",
)
def test_c(recorded, tmp_path):
    model, recording, wanted = recorded
    library = next((Path(onnxruntime.__file__).parent / "capi").glob("libonnxruntime.so.*"))
    for name in ("libonnxruntime.so", "libonnxruntime.so.1"):
        (tmp_path / name).symlink_to(library)
    command = ["cc", "-Wall", "-Wextra", "-Werror", "-I", HEADERS, EXAMPLES / "infer.c"]
    command += ["-o", tmp_path / "infer", "-L", tmp_path, "-lonnxruntime", "-lm"]
    subprocess.run(command, check=True)
    environment = os.environ | {"LD_LIBRARY_PATH": str(tmp_path)}
    command = [tmp_path / "infer", model, recording]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    same(told(done.stdout), wanted)
