"""The base install recognises signals without torch or anything else of the training install."""

import json
import subprocess
import sys
from importlib.metadata import requires

import pytest
from packaging.requirements import Requirement

pytestmark = pytest.mark.base

TRAINING = (
    *("torch", "lightning", "torchmetrics", "sklearn", "safetensors", "onnx", "onnxscript"),
    "urllib3",
)
BASE_MODULES = (
    "hertzian",
    "hertzian.signal",
    "hertzian.recordings",
    "hertzian.report",
    "hertzian.detection",
    "hertzian.deployment.metadata",
    "hertzian.deployment.runtime",
    "hertzian.recognition",
    "hertzian.cli",
)
# Stands in front of the import system and makes the training libraries look uninstalled.
BLOCKER = f"""
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {TRAINING!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Blocker())
"""


def python(code, *arguments):
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("module", BASE_MODULES)
def test_import_leaves_training_libraries_alone(module):
    code = f"import sys, {module}; print(*sorted(set(sys.modules) & set({TRAINING!r})))"
    done = python(code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


@pytest.mark.parametrize("module", BASE_MODULES)
def test_import_works_where_training_libraries_are_missing(module):
    done = python(f"{BLOCKER}\nimport {module}")
    assert done.returncode == 0, done.stderr


def command(*arguments):
    return python(f"{BLOCKER}\nfrom hertzian.cli import main\nmain()", *arguments)


def test_help_works_where_training_libraries_are_missing():
    done = command("--help")
    assert done.returncode == 0, done.stderr
    assert "classify" in done.stdout


def test_published_tables_show_where_training_libraries_are_missing(tmp_path):
    done = command("reproduce", "--json", "--results", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert isinstance(json.loads(done.stdout), list)


def test_a_verb_that_trains_says_what_to_install(tmp_path):
    done = command("demo", "--out", str(tmp_path / "demo"))
    assert done.returncode == 1
    assert "hertzian[train]" in done.stderr
    assert "Traceback" not in done.stderr


def requirements():
    return [Requirement(line) for line in requires("hertzian") or ()]


def test_base_requirements_name_no_training_library():
    base = {r.name for r in requirements() if r.marker is None or r.marker.evaluate({"extra": ""})}
    assert {"numpy", "onnxruntime", "sigmf"} <= base
    assert base.isdisjoint({*TRAINING, "scikit-learn"})


@pytest.mark.parametrize("malicious", ["2.6.2", "2.6.3"])
def test_malicious_lightning_releases_are_refused(malicious):
    (lightning,) = (r for r in requirements() if r.name == "lightning")
    assert f"!={malicious}" in str(lightning.specifier)
    assert not lightning.specifier.contains(malicious)
