import json
import shutil
from pathlib import Path

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


def record(folder, kinds, amplitude, seed=0):
    """A recording of each kind, named by its number."""
    folder.mkdir()
    rng = np.random.default_rng(seed)
    for number, kind in enumerate(kinds):
        noise = rng.normal(size=(2, 60_000)) / np.sqrt(2)
        iq = noise[0] + 1j * noise[1]
        iq[10_000:50_000] += amplitude * kind(40_000, rng.uniform(-0.2, 0.2), 50, rng)
        (folder / f"c{number}_433.92M_250k.cu8").write_bytes(as_cu8(iq))
    return folder


@pytest.fixture
def captures(tmp_path):
    """Four recordings of each of two kinds, in a folder."""
    return record(tmp_path / "captures", (keyed, shifted) * 4, 8)


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
    keyed_one = [int(Path(one["typical"]["file"]).name[1]) % 2 == 0 for one in told["clusters"]]
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
    # a finished run is named whatever has become of the recordings
    (captures / "c0_433.92M_250k.cu8").unlink()
    assert hertzian(*arguments, "--names", run / "clusters.json").status == 0
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
    # a name of one's own is enough, and the windows are no test of the model
    (tmp_path / "n.json").write_text('{"1": {"protocol": "doorbell"}}')
    named = hertzian(*arguments, "--out", tmp_path / "run", "--names", tmp_path / "n.json")
    assert f"hertzian evaluate {tmp_path / 'run'} DATA" in named.err
    seen = hertzian("evaluate", tmp_path / "run", tmp_path / "new.h5", "--common")
    assert "was trained on this data" in seen.err
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


def test_other_clusters_take_the_place_of_model_and_names(hertzian, captures, tmp_path):
    run = tmp_path / "run"
    (tmp_path / "n.json").write_text('{"1": "OOK"}')
    arguments = ("cluster", captures, "--out", run)
    assert hertzian(*arguments, "--k", 2, "--names", tmp_path / "n.json").status == 0
    (run / "clusters.json").write_text('{"2": "2FSK"}')
    for stage in ("clusters", "page"):
        shutil.rmtree(run / "stages" / stage)
    done = hertzian(*arguments, "--k", 3)
    assert done.status == 0
    assert not (run / "model.onnx").exists()
    assert list(json.loads((run / "clusters.json").read_text())) == ["1", "2", "3"]
    assert (run / "clusters.before.json").read_text() == '{"2": "2FSK"}'
    (tmp_path / "n.json").write_text("{")
    done = hertzian(*arguments, "--k", 3, "--names", tmp_path / "n.json")
    assert done.err.startswith(f"error: {tmp_path / 'n.json'}: expected")


def test_the_beginning_of_a_signal_is_shown_as_it_was_sent(tmp_path):
    from hertzian.experiments.unlabelled.heard import Heard, RecordingsSettings
    from hertzian.experiments.unlabelled.show import excerpt

    path = tmp_path / "t.cf32"
    turn = np.exp(2j * np.pi * 0.11 * np.arange(40_000))
    turn[20_000:] = 0
    turn.astype(np.complex64).tofile(path)
    settings = RecordingsSettings(
        kind="unlabelled-recordings", files=(str(path),), format="cf32", sample_rate_hz=1000.0
    )
    heard = Heard(str(path), 15_000, 10_000, 100.0, 20.0, 0.0, 1000.0, 250.0)
    iq = excerpt(settings, heard)
    assert len(iq) == 2500
    # 10 Hz off the centre it was heard at, on for the first half, then a pause
    np.testing.assert_allclose(np.abs(iq[50:1200]), 1, atol=0.05)
    assert np.abs(iq[1300:2450]).max() < 0.05
    turned = np.angle(iq[51:1200] * iq[50:1199].conj()) * 250 / (2 * np.pi)
    np.testing.assert_allclose(turned, 10, atol=0.5)


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
