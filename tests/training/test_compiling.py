import pytest

from hertzian.training import can_compile


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The only folder where programs are looked for; empty."""
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    return tmp_path


def _install(folder, name):
    (folder / name).write_text("#!/bin/sh\n")
    (folder / name).chmod(0o755)


def test_without_a_compiler_nothing_is_compiled(folder):
    assert not can_compile()
    _install(folder, "clang++")
    assert not can_compile()
    _install(folder, "g++")
    assert can_compile()


def test_the_compiler_that_was_asked_for_counts(folder, monkeypatch):
    monkeypatch.setenv("CXX", "icpx")
    _install(folder, "g++")
    assert not can_compile()
    _install(folder, "icpx")
    assert can_compile()
