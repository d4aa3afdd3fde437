import pytest

pytest.importorskip("torch")


def way(name, p50, size=None, **changes):
    latency = {"p50": p50, "p99": 2 * p50, "turns": [p50]}
    return {
        **{"way": name, "file_bytes": size, "failed": None, "float_kernels": {}},
        **{"latency_us": {"1": latency}, "windows_per_second": {"1": 1e6 / p50}},
        **changes,
    }


def test_the_bench_runs_and_draws(hertzian, tmp_path, monkeypatch):
    from hertzian.deployment.litert import has_litert
    from hertzian.deployment.programs import has_executorch

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))  # LiteRT's converter may lie there
    page = tmp_path / "speed.html"
    done = hertzian("bench", "models", "mtl", "--quick", "--no-compiled", "--html", page, "--json")
    missing = "LiteRT's converter is not" if has_litert() else "it is not installed: pip install"
    assert f"without LiteRT, for {missing}" in done.err
    (network,) = done.document["networks"]
    programs = ["ExecuTorch", "ExecuTorch int8"] if has_executorch() else []
    assert [one["way"] for one in network["ways"]] == ["torch", "ONNX", "ONNX int8", *programs]
    assert [one["failed"] for one in network["ways"]] == [None] * len(network["ways"])
    assert network["activation_bytes"] > 10_000
    text = page.read_text()
    assert "latency of one window" in text
    assert "ONNX int8" in text


@pytest.mark.parametrize(
    ("floats", "small", "said"),
    [
        (30.0, 40.0, "mtl, 8 bits: 4.0 times smaller, 1.3 times slower: size, not speed"),
        (30.0, 30.5, "mtl, 8 bits: 4.0 times smaller, as fast: size, not speed"),
        (30.0, 10.0, "mtl, 8 bits: 4.0 times smaller, 3.0 times faster; in floats still: 1 GRU"),
    ],
)
def test_it_says_what_8_bits_buy(hertzian, monkeypatch, floats, small, said):
    kernels = {"float_kernels": {"GRU": 1} if small < floats else {}}
    failed = way("torch compiled", 1.0, latency_us={}, windows_per_second={}, failed="no compiler")
    network = {
        **{"name": "mtl", "samples": 128, "parameters": 252_614, "macs": 335_200},
        "activation_bytes": 12_544,
        "ways": [failed, way("ONNX", floats, 1e6), way("ONNX int8", small, 250e3, **kernels)],
    }
    monkeypatch.setattr("hertzian.experiments.inference.speed.measure", lambda *arguments: network)
    monkeypatch.setattr("hertzian.experiments.provenance.usable_cores", lambda: 1)
    text = hertzian("bench", "models", "mtl").out
    assert said in text
    assert "mtl, torch compiled: no compiler" in text
    assert "30 µs" in text


def test_a_page_without_a_folder_is_refused_before_anything_runs(hertzian, tmp_path):
    done = hertzian("bench", "models", "mtl", "--html", tmp_path / "absent" / "p.html")
    assert done.err == f"error: {tmp_path / 'absent'}: no such folder; make it first\n"


def test_an_unknown_network_is_named_before_anything_runs(hertzian):
    done = hertzian("bench", "models", "mtl", "mlt")
    assert done.status == 1
    assert "unknown model 'mlt'" in done.err
