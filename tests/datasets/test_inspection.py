import dataclasses
import json
import time

import numpy as np
import pytest
from tests.datasets.radio import dataset, like_04c, linear, noise

from hertzian.datasets.blind_snr import FAINT, FILLED, FILTERED
from hertzian.datasets.dataset import Dataset
from hertzian.datasets.inspection import STEPS, inspect

pytestmark = pytest.mark.base

NAMES = ("BPSK", "QPSK", "AM-SSB")
LEVELS = (-10.0, 0.0, 4.0, 8.0, 12.0, 16.0)


def like_rml(per=60, seed=0, normalised=True, levels=LEVELS):
    """Windows whose noise has 10^(-label/10) as its standard deviation; AM-SSB is noise alone."""
    random = np.random.default_rng(seed)
    windows, modulation, labels = [], [], []
    for place, name in enumerate(("BPSK", "QPSK", "noise")):
        for level in levels:
            clean = linear(name, per, 128, random)
            clean = clean * np.exp(2j * np.pi * random.uniform(size=(per, 1)))
            windows.append(clean + 10 ** (-level / 10) * noise((per, 128), random))
            modulation += [place] * per
            labels += [level] * per
    x = np.concatenate(windows)
    if normalised:
        x = x / np.abs(x).sum(axis=1, keepdims=True)
    return dataset(x, modulation, labels, np.arange(len(x)), NAMES)


def told(seen):
    return " | ".join(problem.what for problem in seen.problems)


@pytest.mark.parametrize("normalised", [True, False])
def test_the_pitfalls_of_a_published_set_are_named(normalised):
    seen = inspect(like_rml(normalised=normalised))
    assert {one.name: one.void for one in seen.classes} == {
        **{"BPSK": False, "QPSK": False, "AM-SSB": True}
    }
    assert "no signal in AM-SSB: white Gaussian noise" in told(seen)
    assert ("RMS 0.008" in told(seen)) is normalised
    assert (seen.energy.normalisation == "sum of magnitudes") is normalised
    # the label is half of the SNR
    assert "SNR labels are not SNRs" in told(seen)
    for one in seen.estimates:
        if one.name != "AM-SSB" and one.label_db >= 0:
            assert one.estimate.snr_db == pytest.approx(2 * one.label_db, abs=1)
    assert seen.classes[0].estimate.snr_db == pytest.approx(32, abs=1)
    assert "overlap" not in told(seen)
    assert "copies" not in told(seen)


def test_a_sound_dataset_has_no_problems():
    random = np.random.default_rng(1)
    windows, modulation, labels = [], [], []
    for place, name in enumerate(("BPSK", "QPSK")):
        for level in (0.0, 10.0, 20.0):
            clean = linear(name, 50, 128, random)
            windows.append(clean + 10 ** (-level / 20) * noise((50, 128), random))
            modulation += [place] * 50
            labels += [level] * 50
    made = dataset(np.concatenate(windows), modulation, labels, range(300), ("BPSK", "QPSK"))
    seen = inspect(made)
    assert seen.problems == ()
    assert [(one.windows, one.levels, one.lowest_db, one.highest_db) for one in seen.classes] == [
        (150, 3, 0.0, 20.0)
    ] * 2
    assert (seen.cells, seen.empty_cells, seen.smallest_cell, seen.largest_cell) == (6, 0, 50, 50)
    assert (seen.groups, seen.largest_group, seen.mixed) == (300, 1, 0)


def test_a_signal_like_noise_is_no_void_where_it_is_as_strong_as_others():
    """OFDM that fills the band, its power the other classes' and its noise far below."""
    made = like_rml(normalised=False)
    x = np.array(made.x[0 : len(made)])
    random = np.random.default_rng(2)
    full = made.modulation == 2
    x[full] += random.normal(size=x[full].shape) / np.sqrt(2)
    seen = inspect(dataclasses.replace(made, x=x.astype(np.float32)))
    assert [one.void for one in seen.classes] == [False, False, False]


def test_a_class_that_is_meant_to_be_noise_is_no_problem():
    made = dataclasses.replace(like_rml(), modulations=("BPSK", "QPSK", "noise"))
    assert "no signal" not in told(inspect(made))


def test_a_filtered_band_has_no_estimates():
    made = like_rml()
    x = np.array(made.x[0 : len(made)])
    spectrum = np.fft.fft(x[:, 0] + 1j * x[:, 1])
    spectrum[:, 20:-20] = 0
    x = np.fft.ifft(spectrum)
    seen = inspect(dataclasses.replace(made, x=np.stack([x.real, x.imag], 1).astype(np.float32)))
    assert {one.estimate.why for one in seen.estimates} == {FILTERED}
    assert "SNR labels" not in told(seen)


def test_copies_and_overlaps_are_counted():
    made = like_04c(per=100)
    seen = inspect(made)
    assert (seen.shared.overlapping, seen.shared.mean_samples) == (600, 64.0)
    assert "600 of 600 windows overlap others, by 64 of 128 samples" in told(seen)
    assert "all windows are one group" in told(seen)
    sound = like_rml()
    x = np.array(sound.x[0 : len(sound)])
    x[5:8] = x[4]
    seen = inspect(dataclasses.replace(sound, x=x))
    assert (seen.shared.duplicates, seen.shared.overlapping) == (3, 0)
    assert "3 of 1,080 windows are copies" in told(seen)


def test_windows_across_two_groups_are_named():
    made = like_04c(block=20)
    assert f"{np.sum(made.group == -1)} windows share samples with two groups" in told(
        inspect(made)
    )


def test_unevenness_and_empty_cells_are_named():
    made = like_rml()
    kept = np.flatnonzero((made.modulation != 1) | (made.snr_db > 10))
    x = np.array(made.x[0 : len(made)])[kept]
    columns = {name: getattr(made, name)[kept] for name in ("modulation", "snr_db", "group")}
    seen = inspect(dataclasses.replace(made, x=x, **columns))
    assert seen.empty_cells == 4
    assert "4 of 18 (class, SNR) cells are empty" in told(seen)
    assert "classes are uneven: 360 windows of BPSK, 120 of QPSK" in told(seen)


def test_broken_values_are_counted_and_spoil_nothing():
    made = like_rml()
    x = np.array(made.x[0 : len(made)])
    x[7, 0, 3] = np.nan
    x[100, 1, 0] = -np.inf
    x[200] = 0
    seen = inspect(dataclasses.replace(made, x=x))
    assert (seen.energy.not_finite, seen.energy.silent) == (2, 1)
    assert "2 of 1,080 windows hold values that are not finite" in told(seen)
    assert "1 of 1,080 windows are zero" in told(seen)
    assert seen.classes[0].estimate.snr_db == pytest.approx(32, abs=1)


def test_quantised_and_clipped_windows_are_named():
    made = like_rml(normalised=False)
    x = np.round(np.array(made.x[0 : len(made)]) * 30) / 30
    assert "windows are quantised" in told(inspect(dataclasses.replace(made, x=x)))
    x = np.clip(np.array(made.x[0 : len(made)]), -0.8, 0.8)
    assert "windows are clipped" in told(inspect(dataclasses.replace(made, x=x)))


@pytest.mark.parametrize(
    ("shape", "says"),
    [((0, 128), "holds no windows"), ((1, 128), "one class"), ((1, 1), "one class")],
)
def test_degenerate_datasets(shape, says):
    x = noise(shape, np.random.default_rng(0))
    seen = inspect(dataset(x, np.zeros(len(x)), 0, range(len(x))))
    assert says in told(seen)
    json.dumps(seen.document(), allow_nan=False)


def test_datasets_of_zeros_and_of_levels_without_numbers():
    made = dataset(np.zeros((50, 64), complex), np.arange(50) % 2, np.nan, range(50))
    seen = inspect(made)
    assert "50 of 50 windows are zero" in told(seen)
    assert [(one.levels, one.highest_db) for one in seen.classes] == [(0, None)] * 2
    assert seen.cells == 2
    json.dumps(seen.document(), allow_nan=False)


class Vast:
    """Twenty gigabytes that are made when they are read."""

    shape = (2_555_904, 2, 1024)

    def __init__(self):
        self.read = 0

    def __getitem__(self, rows):
        count = rows.stop - rows.start
        return self.rows(np.arange(rows.start, rows.start + count))

    def rows(self, indices):
        self.read += len(indices)
        random = np.random.default_rng(int(indices[0]))
        return random.standard_normal((len(indices), 2, 1024), np.float32)


def test_a_vast_dataset_is_sampled_evenly():
    source = Vast()
    place = np.arange(source.shape[0])
    made = Dataset(
        x=source,
        modulation=place // 4096 // 26,
        snr_db=(2.0 * (place // 4096 % 26) - 20).astype(np.float32),
        group=place,
        modulations=tuple(f"class{k}" for k in range(24)),
        **{"preset": "vast", "seed": 0, "sample_rate_hz": 1.0},
        **{"snr_definition": "total", "version": "0"},
    )
    steps = []
    start = time.perf_counter()
    seen = inspect(made, seed=1, advance=steps.append)
    assert time.perf_counter() - start < 30
    assert sum(steps) == pytest.approx(STEPS)
    assert source.read == seen.sampled == 624 * 26
    assert all(one.void for one in seen.classes)
    assert "class4 and 19 more" in told(seen)


@pytest.mark.parametrize(
    ("preset", "twin"), [("RML2016.10a", "rml2016-10a-corrected"), ("sigzsl-7", None)]
)
def test_a_corrected_twin_is_advised_where_there_is_one(preset, twin):
    made = like_rml()
    made = dataclasses.replace(made, preset=preset, group=np.zeros(len(made), np.int64))
    problems = {one.what.split(":")[0]: one.advice for one in inspect(made).problems}
    for what in ("no signal in AM-SSB", "all windows are one group"):
        assert (f"the preset {twin}" in problems[what]) is (twin is not None)
        assert ("corrected" in problems[what]) is (twin is not None)


def test_why_no_snr_was_checked_is_told():
    random = np.random.default_rng(8)
    short = dataset(noise((40, 31), random), [0] * 40, 0, range(40), ("a",))
    assert inspect(short).snr_unchecked.startswith("windows of 31 samples are too short")
    full = dataset(noise((400, 128), random), [0] * 400, 0, range(400), ("a",))
    assert inspect(full).snr_unchecked in (FAINT, FILLED)
    assert inspect(like_rml()).snr_unchecked is None
    none = dataset(np.empty((0, 64), complex), [], [], [])
    assert inspect(none).snr_unchecked is None
