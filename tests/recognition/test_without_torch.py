"""The same detections with and without torch: in this process, in one that has none, on record.

The record, `detections.json`, was written where torch is installed; the base install is tested
against it too. It is made anew, after a change of the model, by running this file.
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hertzian.recognition import Recogniser

pytestmark = pytest.mark.base

RECORD = Path(__file__).with_name("detections.json")
RATE_HZ = 1e6
WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None
sys.path.insert(0, sys.argv[1])
import test_without_torch
print(test_without_torch.as_json())
"""


def recording():
    """On/off keying, a two-tone burst and a carrier in noise, made without torch."""
    random = np.random.default_rng(11)
    n = np.arange(200_000)
    x = random.standard_normal((n.size, 2)).view(np.complex128)[:, 0] / np.sqrt(2)
    bits = random.integers(0, 2, n.size // 60 + 1).repeat(60)[: n.size]
    x += 4 * bits * np.exp(2j * np.pi * -0.21 * n) * ((n > 20_000) & (n < 90_000))
    tones = (2 * random.integers(0, 2, n.size // 30 + 1) - 1).repeat(30)[: n.size]
    frequency = 0.17 + 0.02 * tones
    x += 2 * np.exp(2j * np.pi * np.cumsum(frequency)) * ((n > 60_000) & (n < 150_000))
    x += 0.8 * np.exp(2j * np.pi * 0.351 * n) * (n > 110_000)
    return x.astype(np.complex64)


def as_json():
    found = Recogniser.load("field").recognise(recording(), sample_rate=RATE_HZ)
    return json.dumps([detection.to_dict() for detection in found])


def agree(found, expected):
    assert len(found) == len(expected) >= 2
    for one, other in zip(found, expected, strict=True):
        assert one["scores"] == pytest.approx(other["scores"], abs=1e-3)
        for key in ("start", "count", "modulation", "family", "protocol"):
            assert one[key] == other[key]
        for key in ("center_hz", "bandwidth_hz", "snr_db", "confidence", "family_confidence"):
            assert one[key] == pytest.approx(other[key], rel=1e-3)


def test_detections_are_those_on_record():
    agree(json.loads(as_json()), json.loads(RECORD.read_text()))


def test_detections_without_torch_are_the_same_to_the_last_digit():
    here = str(Path(__file__).parent)
    command = [sys.executable, "-c", WITHOUT_TORCH, here]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == json.loads(as_json())


if __name__ == "__main__":
    RECORD.write_text(json.dumps(json.loads(as_json()), indent=1) + "\n")
