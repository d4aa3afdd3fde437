"""Clusters named by one signal each, on recordings of two kinds that are easily told apart."""

import json

import numpy as np
import pytest

from hertzian.experiments import ExperimentError, load_recipe, run_recipe
from hertzian.experiments.unlabelled.heard import RecordingsSettings, listen_to
from hertzian.recordings import open_recording


def sent(kind, rng, samples=30_000):
    """A burst of on/off or of frequency shift keying in noise, complex64."""
    bits = rng.integers(0, 2, samples // 50).repeat(50)
    steps = rng.uniform(-0.2, 0.2) + (0.02 * (2 * bits - 1) if kind == "2FSK" else 0)
    burst = np.exp(2j * np.pi * np.cumsum(np.broadcast_to(steps, samples)))
    iq = rng.normal(size=(2, samples + 20_000)).T @ [1, 1j] / np.sqrt(2)
    iq[10_000:-10_000] += 8 * burst * (bits if kind == "OOK" else 1)
    return (0.02 * iq).astype(np.complex64)


def manifest(folder, count):
    rng = np.random.default_rng(0)
    lines = ["file,format,sample_rate_hz,modulation,family"]
    for number in range(count):
        kind, family = (("OOK", "ask"), ("2FSK", "fsk"))[number % 2]
        sent(kind, rng).tofile(folder / f"{number}.raw")
        lines.append(f"{number}.raw,cf32,250000,{kind},{family}")
    (folder / "m.csv").write_text("\n".join(lines) + "\n")
    return folder / "m.csv"


def recipe(path):
    changes = ["seeds=[0]", f"stages.captures.manifest={path}", "stages.captures.clusters=2"]
    return load_recipe("cluster-captures", "smoke", changes)


def test_the_other_half_is_recognised_by_the_names_of_medoids(tmp_path):
    found = recipe(manifest(tmp_path, 24))
    block = run_recipe(found, "smoke", tmp_path / "run", command="").metrics["captures"]
    assert (block["recordings"]["mean"], block["held_out"]["mean"]) == (12, 12)
    assert block["balanced_family_accuracy"]["mean"] > 0.9  # chance is 1/2
    # other samples under the same name are other recordings
    sent("2FSK", np.random.default_rng(9)).tofile(tmp_path / "0.raw")
    with pytest.raises(ExperimentError, match=r"captures .* is finished with other settings"):
        run_recipe(recipe(tmp_path / "m.csv"), "smoke", tmp_path / "run", command="")


def test_too_few_recordings_are_told(tmp_path):
    with pytest.raises(ExperimentError, match="no family has 5 recordings or more"):
        run_recipe(recipe(manifest(tmp_path, 6)), "smoke", tmp_path / "run", command="")
    unsaid = load_recipe("cluster-captures", "smoke", ["seeds=[0]"])
    with pytest.raises(ExperimentError, match="give a list of labelled recordings"):
        run_recipe(unsaid, "smoke", tmp_path / "other", command="")


def test_a_recording_that_breaks_off_is_told_and_left(tmp_path):
    rng, lines = np.random.default_rng(1), []
    for number in range(3):
        iq = sent("OOK", rng)
        if number == 1:
            iq[0] = np.nan
        iq.tofile(tmp_path / f"{number}.cf32")
    files = tuple(str(tmp_path / f"{number}.cf32") for number in range(3))
    how = RecordingsSettings(kind="unlabelled-recordings", files=files)
    recordings = [open_recording(file, sample_rate_hz=250e3) for file in files]
    heard = listen_to(recordings, how, lambda samples: None, lines.append)
    assert {one.file for one in heard.signals} == {files[0], files[2]}
    (line,) = lines
    assert line.startswith("warning: left out from here on: ")
    assert "1.cf32" in line


def test_changed_metadata_are_other_recordings(tmp_path):
    from hertzian.recordings import write_sigmf

    path = tmp_path / "c.sigmf-meta"
    write_sigmf(path, [sent("OOK", np.random.default_rng(2))], sample_rate_hz=250e3)
    settings = RecordingsSettings(kind="unlabelled-recordings", files=(str(path),))
    before = settings.named_files()
    told = json.loads(path.read_text())
    told["global"]["core:sample_rate"] = 500e3
    path.write_text(json.dumps(told))
    assert settings.named_files() != before
