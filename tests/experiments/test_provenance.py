import os
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pytest

from hertzian.experiments import Provenance, gather_provenance, provenance
from hertzian.experiments.provenance import checkout, memory_bytes, package_versions, usable_cores

pytestmark = pytest.mark.base


@pytest.fixture
def repository(tmp_path):
    """A git checkout with a package in it, and a function that runs git there."""
    package = tmp_path / "src" / "hertzian"
    package.mkdir(parents=True)
    (package / "code.py").write_text("x = 1\n")

    def git(*arguments):
        own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        who = [
            f"GIT_{role}_{what}" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
        ]
        return subprocess.run(
            ["git", "-C", str(tmp_path), *arguments],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | own | dict.fromkeys(who, "test"),
        ).stdout.strip()

    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "Begin")
    return package, git


def test_the_commit_and_changes_are_those_of_git(repository):
    package, git = repository
    assert checkout(package) == (git("rev-parse", "HEAD"), False)
    (package / "new.py").touch()
    assert checkout(package) == (git("rev-parse", "HEAD"), False)
    (package / "code.py").write_text("x = 2\n")
    assert checkout(package) == (git("rev-parse", "HEAD"), True)


def test_a_package_inside_another_repository_has_no_commit(repository):
    package, _ = repository
    installed = package.parents[1] / "venv" / "site-packages" / "hertzian"
    installed.mkdir(parents=True)
    assert checkout(installed) == (None, False)


def test_no_git_is_no_failure(repository, monkeypatch):
    package, _ = repository
    monkeypatch.setenv("PATH", "")
    assert checkout(package) == (None, False)


def test_versions_are_those_installed():
    found = package_versions()
    assert found["numpy"] == version("numpy")
    assert "not-installed" not in found


@pytest.fixture
def unasked():
    """As if nobody had asked for the commit of the process yet."""
    provenance._own_checkout.cache_clear()
    yield
    provenance._own_checkout.cache_clear()


def test_a_commit_that_is_made_meanwhile_is_not_told(repository, monkeypatch, unasked):
    package, git = repository
    monkeypatch.setattr(provenance, "_PACKAGE", package)
    first = gather_provenance().commit
    assert first == git("rev-parse", "HEAD")
    git("commit", "--allow-empty", "-m", "Another")
    assert git("rev-parse", "HEAD") != first
    assert gather_provenance().commit == first


def test_the_machine_is_described():
    found = gather_provenance()
    assert 1 <= found.hardware.cores == usable_cores() <= (os.cpu_count() or 1)
    assert found.hardware.processor
    assert abs((datetime.now(UTC) - found.date).total_seconds()) < 60
    assert Provenance.model_validate_json(found.model_dump_json()) == found


@pytest.mark.skipif(not Path("/proc/meminfo").exists(), reason="only Linux tells it there")
def test_the_memory_is_that_of_the_system():
    line = Path("/proc/meminfo").read_text().splitlines()[0]
    assert memory_bytes() == pytest.approx(int(line.split()[1]) * 1024, rel=1e-3)
