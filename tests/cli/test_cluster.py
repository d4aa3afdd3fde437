import json

import numpy as np
import pytest

from .air import RATE_HZ, as_cu8

torch = pytest.importorskip("torch")


def keyed(samples, center, spacing, rng):
    """On/off keying: a carrier that is on for one or two of every three places."""
    on = rng.integers(0, 2, samples // spacing + 1).repeat(spacing)[:samples]
    return on * np.exp(2j * np.pi * center * np.arange(samples))


def shifted(samples, center, spacing, rng):
    """Frequency shift keying, two tones, without a jump in phase."""
    steps = center + 0.02 * (2 * rng.integers(0, 2, samples // spacing + 1) - 1)
    return np.exp(2j * np.pi * np.cumsum(steps.repeat(spacing)[:samples]))


@pytest.fixture
def captures(tmp_path):
    """Four recordings of each of two kinds, in a folder."""
    folder = tmp_path / "captures"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(8):
        noise = rng.normal(size=(2, 60_000)) / np.sqrt(2)
        iq = noise[0] + 1j * noise[1]
        kind = (keyed, shifted)[number % 2]
        iq[10_000:50_000] += 8 * kind(40_000, rng.uniform(-0.2, 0.2), 50, rng)
        (folder / f"c{number}_433.92M_250k.cu8").write_bytes(as_cu8(iq))
    return folder


def test_captures_are_grouped_named_and_recognised(hertzian, captures, tmp_path):
    run = tmp_path / "run"
    arguments = ("cluster", captures, "--k", 2, "--out", run)
    done = hertzian(*arguments, "--json")
    told = done.document
    assert [one["signals"] for one in told["clusters"]] == [4, 4]
    assert told["model"] is None
    assert told["prediction_strength"] is None
    page = (run / "clusters.html").read_text()
    assert "Cluster 2 · 4 signals" in page
    assert "http" not in page.replace("http://www.w3.org", "")
    assert json.loads((run / "clusters.json").read_text()) == {"1": None, "2": None}
    keyed_one = [one["typical"].startswith(("c0", "c2", "c4", "c6")) for one in told["clusters"]]
    assert sorted(keyed_one) == [False, True]

    names = {"1": "4ASK", "2": {"modulation": "4FSK", "protocol": "doorbell"}}
    if not keyed_one[0]:
        names = {"2": names["1"], "1": names["2"]}
    (run / "clusters.json").write_text(json.dumps(names))
    text = hertzian(*arguments, "--names", run / "clusters.json").out
    assert "4FSK doorbell" in text
    # the classifier calls them by these names, which the model they are made of would not give
    found = hertzian("classify", captures, "--model", run, "--json").document
    for number, one in enumerate(sorted(found, key=lambda document: document["file"])):
        (detection,) = one["detections"]
        expected = ("4ASK", None) if number % 2 == 0 else ("4FSK", "doorbell")
        assert (detection["modulation"], detection["protocol"]) == expected
    # and it is a model like any other
    assert hertzian("export", run, tmp_path / "same.onnx", "--json").status == 0
    assert (tmp_path / "same.onnx").read_bytes() == (run / "model.onnx").read_bytes()


def test_a_dataset_is_grouped_by_what_another_teaches(hertzian, tmp_path):
    for name, preset, seed in (("known", "rml2016-10a", 1), ("new", "rml2016-10b", 2)):
        out = tmp_path / f"{name}.h5"
        done = hertzian(
            *("synth", f"{preset}-corrected", out, "--per", 12, "--snr", "14,18", "--seed", seed)
        )
        assert done.status == 0
    arguments = ("cluster", tmp_path / "new.h5", "--auxiliary", tmp_path / "known.h5")
    done = hertzian(*arguments, "--most", 6, "--epochs", 1, "--out", tmp_path / "run", "--json")
    told = done.document
    assert 2 <= len(told["clusters"]) <= 6
    assert sum(one["signals"] for one in told["clusters"]) == 240
    assert set(told["prediction_strength"]) == {"1", "2", "3", "4", "5", "6"}
    assert set(told["agreement"]) == {"nmi", "ari", "acc"}
    assert "Why so many clusters" in (tmp_path / "run" / "clusters.html").read_text()
    again = hertzian(*arguments, "--most", 6, "--epochs", 1, "--out", tmp_path / "run")
    assert "clusters: finished before" in again.err
    assert "agreement with the labels of the data: NMI" in again.out
    done = hertzian(*arguments, "--most", 6, "--epochs", 1, "--k", 3, "--out", tmp_path / "run")
    assert "clusters is finished with other settings (clusters was None and is 3)" in done.err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ((), "no shipped model takes windows of 64 samples (field 1024"),
        (("--model", "field"), "field takes windows of 1024 samples, these data have 64"),
    ],
)
def test_windows_that_no_model_takes_are_told(hertzian, tmp_path, more, message):
    from hertzian.datasets.dataset import Dataset
    from hertzian.datasets.files import write_dataset

    rng = np.random.default_rng(0)
    zeros = np.zeros(20, np.int64)
    told = {"modulation": zeros, "snr_db": np.zeros(20, np.float32), "group": np.arange(20)}
    write_dataset(
        tmp_path / "d.h5",
        Dataset(
            x=rng.normal(size=(20, 2, 64)).astype(np.float32),
            **told,
            **{"modulations": ("BPSK",), "preset": "", "seed": 0, "sample_rate_hz": RATE_HZ},
            **{"snr_definition": "", "version": ""},
        ),
    )
    done = hertzian("cluster", tmp_path / "d.h5", *more, "--out", tmp_path / "run")
    assert done.status == 1
    assert message in done.err
    assert done.err.count("error:") == 1


def test_wrong_use_is_told(hertzian, tmp_path):
    (tmp_path / "a.h5").touch()
    done = hertzian("cluster", tmp_path / "a.h5", tmp_path / "b.h5")
    assert done.status == 2
    assert "one dataset, or recordings" in done.err
    done = hertzian("cluster", tmp_path, "--auxiliary", "x.h5", "--model", "field")
    assert done.status == 2
    assert "not both" in done.err
    done = hertzian("cluster", tmp_path / "nothing")
    assert done.status == 1
    assert "no recording could be opened" in done.err
