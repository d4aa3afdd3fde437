import pytest

from hertzian.training import can_compile, fast_precision


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


@pytest.mark.parametrize(
    ("able", "precision"),
    [
        ({"avx512_bf16": True, "amx_bf16": False}, "bf16-mixed"),
        ({"avx512_bf16": False, "amx_bf16": True}, "bf16-mixed"),
        ({"neon": True, "bf16": True}, "bf16-mixed"),
        ({"avx2": True, "avx512_f": True, "avx512_bf16": False}, "32-true"),
        ({"neon": True}, "32-true"),
    ],
)
def test_bfloat16_is_for_processors_that_compute_in_it(monkeypatch, able, precision):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: able)
    assert fast_precision() == fast_precision("auto") == precision


@pytest.mark.parametrize(("able", "precision"), [(True, "bf16-mixed"), (False, "32-true")])
def test_a_gpu_counts_where_it_trains(monkeypatch, able, precision):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.is_bf16_supported", lambda: able)
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: {"avx512_bf16": not able})
    assert fast_precision("auto") == fast_precision("gpu") == precision
    assert fast_precision("cpu") != precision
