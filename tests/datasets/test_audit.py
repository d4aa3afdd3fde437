import dataclasses
import json
import time

import numpy as np
import pytest
from tests.datasets.radio import dataset, like_04c, like_10a, linear, noise

from hertzian.datasets import overlaps
from hertzian.datasets.audit import CHANNEL, DUPLICATES, GROUPS, NEAR, OVERLAPS, STEPS, audit
from hertzian.datasets.dataset import DatasetError
from hertzian.datasets.splits import Split, fingerprint, random_split, split

pytestmark = pytest.mark.base

KINDS = (GROUPS, DUPLICATES, OVERLAPS, NEAR, CHANNEL)


def findings(made, parted, **options):
    found = audit(made, parted, **options).findings
    assert tuple(one.kind for one in found) == KINDS
    return {one.kind: one for one in found}


def leaks(made, parted):
    return {kind for kind, one in findings(made, parted).items() if one.found}


def fresh(count, seed=0, names=("BPSK", "QPSK"), samples=128):
    """Windows of a channel phase of their own, each its own group."""
    random = np.random.default_rng(seed)
    x = np.concatenate([linear(name, count, samples, random) for name in names])
    x = x * np.exp(2j * np.pi * random.uniform(size=(len(x), 1))) + 0.1 * noise(x.shape, random)
    place = np.repeat(np.arange(len(names)), count)
    return dataset(x, place, 20.0, np.arange(len(x)), names)


@pytest.mark.parametrize("hop", [64, 32])
def test_the_overlap_of_streams_is_found_under_a_random_split(hop):
    made = like_04c(hop=hop)
    found = findings(made, random_split(made))
    measured = found[OVERLAPS].measured
    # one or both neighbours, or three on either side, are training windows
    neighbours = 2 * (128 // hop - 1)
    assert measured["share"] == pytest.approx(1 - 0.3**neighbours, abs=0.04)
    nearest = 128 - hop
    assert nearest * 0.85 <= measured["mean_shared_samples"] <= nearest
    assert "group" in found[OVERLAPS].advice
    assert found[GROUPS].found
    assert "place in the stream" in found[GROUPS].advice


def test_blocks_of_streams_leak_at_random_and_not_by_group():
    made = like_04c(block=20)
    assert leaks(made, split(made)) == set()
    assert leaks(made, random_split(made)) >= {GROUPS, OVERLAPS}
    found = findings(made, random_split(made))
    assert found[GROUPS].measured["windows_of_two_groups"] == np.sum(made.group == -1)


def test_overlapping_noise_has_no_channel():
    made = like_04c(names=("noise",), per=2000, levels=(0.0,))
    assert leaks(made, random_split(made)) == {GROUPS, OVERLAPS}


@pytest.mark.parametrize("rule", [split, random_split])
def test_one_trajectory_is_found_under_any_split(rule):
    made = like_10a()
    assert leaks(made, rule(made)) == {CHANNEL}
    found = findings(made, rule(made))[CHANNEL]
    assert set(found.measured["classes"]) == {"BPSK", "QPSK"}
    assert found.measured["p_value"] < 1e-3
    assert "a channel drawn for each group" in found.advice


@pytest.mark.parametrize("seed", range(8))
def test_fresh_channels_and_windows_leak_nothing(seed):
    made = like_10a(seed, shared=False) if seed % 2 else fresh(400, seed)
    for rule in (split, random_split):
        assert leaks(made, rule(made, seed=seed)) == set()


def test_copies_are_found_and_counted():
    made = fresh(300)
    parted = split(made)
    held, train = parted.parts["test"], parted.parts["train"]
    x = np.array(made.x[0:600])
    x[held[:5]] = 7 * x[train[:5]]
    x[held[5]] = x[held[4]]  # a copy of a copy
    found = findings(dataclasses.replace(made, x=x), parted)
    assert found[DUPLICATES].measured["held_out_windows"] == 6
    assert not found[OVERLAPS].found
    assert not found[GROUPS].found


def test_copies_inside_a_part_are_no_leak():
    made = fresh(300)
    parted = split(made)
    x = np.array(made.x[0:600])
    x[parted.parts["train"][1]] = x[parted.parts["train"][0]]
    x[parted.parts["test"][1]] = x[parted.parts["test"][0]]
    assert leaks(dataclasses.replace(made, x=x), parted) == set()


def test_one_signal_in_two_noises_is_found_and_its_groups_mend_it():
    """Each signal ten times, in noise of its own, as augmentation makes them."""
    random = np.random.default_rng(5)
    clean = linear("QPSK", 120, 128, random) * np.exp(2j * np.pi * random.uniform(size=(120, 1)))
    x = np.repeat(clean, 10, axis=0) + 0.1 * noise((1200, 128), random)
    group = np.repeat(np.arange(120), 10)
    made = dataset(x, np.zeros(1200), 20.0, group, ("QPSK",))
    assert leaks(made, random_split(made)) >= {GROUPS, NEAR}
    assert leaks(made, split(made)) == set()
    unknown = dataclasses.replace(made, group=np.arange(1200))
    assert NEAR in leaks(unknown, split(unknown))


def test_bare_carriers_are_not_copies():
    """Equal frequencies at phases of their own are alike at any shift, and share nothing."""
    random = np.random.default_rng(6)
    turns = 0.05 * np.arange(128) + random.uniform(size=(400, 1))
    made = dataset(np.exp(2j * np.pi * turns), np.zeros(400), 0, np.arange(400), ("CW",))
    assert leaks(made, split(made)) == set()


def test_silence_is_not_a_copy():
    made = dataset(np.zeros((100, 128), complex), np.zeros(100), 0, np.arange(100))
    found = findings(made, split(made))
    assert not any(one.found for one in found.values())
    assert found[OVERLAPS].found is found[DUPLICATES].found is None
    assert found[OVERLAPS].measured["windows_without_content"] == 100


def test_values_that_are_no_numbers_spoil_nothing():
    made = fresh(200)
    x = np.array(made.x[0:400])
    x[::3] = np.nan
    x[1::3, 0, 5] = np.inf
    assert leaks(dataclasses.replace(made, x=x), split(made)) == set()


@pytest.mark.parametrize("samples", [1, 5, 16, 17, 40])
def test_short_windows_are_looked_at_as_far_as_they_go(samples):
    made = fresh(100, samples=samples)
    found = findings(made, split(made))
    assert found[NEAR].found is None
    assert (found[OVERLAPS].found is None) == (samples <= overlaps.SHORTEST_RUN)
    assert not found[DUPLICATES].found


def test_one_window_a_part():
    made = dataset(np.ones((2, 64), complex), [0, 0], 0, [0, 0])
    parted = random_split(made, {"train": 0.5, "test": 0.5})
    assert leaks(made, parted) == {GROUPS}


def test_parts_without_a_class_in_common():
    made = fresh(50)
    parts = {"train": np.arange(50), "test": np.arange(50, 100)}
    fractions = {"train": 0.5, "test": 0.5}
    by_hand = Split(parts, np.arange(0), "by hand", 0, fractions, fingerprint(made))
    found = findings(made, by_hand)
    assert found[CHANNEL].found is None
    assert found[NEAR].found is None


def test_a_split_with_an_empty_part_or_of_another_dataset_is_refused():
    made = fresh(50)
    parts = {"train": np.arange(100), "test": np.arange(0)}
    fractions = {"train": 0.5, "test": 0.5}
    empty = Split(parts, np.arange(0), "by hand", 0, fractions, fingerprint(made))
    with pytest.raises(DatasetError, match="nothing to compare"):
        audit(made, empty)
    with pytest.raises(DatasetError, match="another dataset"):
        audit(fresh(51), split(made))


def test_parts_may_have_any_names():
    made = like_04c(block=20)
    parted = random_split(made, {"learn": 0.5, "judge": 0.5})
    found = audit(made, parted)
    assert found.train == "learn"
    assert found.parts == {"learn": 900, "judge": 900}
    assert next(one for one in found.findings if one.kind == OVERLAPS).found


def test_of_a_large_dataset_whole_cells_are_compared(monkeypatch):
    monkeypatch.setattr(overlaps, "MOST_WINDOWS", 700)
    made = like_04c()
    found = audit(made, random_split(made), seed=3)
    assert (found.looked_at, found.windows) == (700, 1800)
    assert found.cells_looked_at == 3 < found.cells
    share = next(one for one in found.findings if one.kind == OVERLAPS).measured["share"]
    assert share == pytest.approx(0.91, abs=0.06)


def test_what_is_told_is_json_and_the_work_adds_up():
    made = like_04c()
    told = []
    found = audit(made, random_split(made), advance=told.append)
    assert sum(told) == pytest.approx(STEPS)
    document = json.loads(json.dumps(found.document(), allow_nan=False))
    assert [one["kind"] for one in document["findings"]] == list(KINDS)
    assert document["split_hash"] == random_split(made).hash


def test_tens_of_thousands_of_windows_take_seconds():
    random = np.random.default_rng(7)
    count = 40_000
    x = noise((count, 128), random)
    place = np.arange(count)
    made = dataset(x, place // 4000, 0, place, tuple("abcdefghij"))
    start = time.perf_counter()
    assert leaks(made, split(made)) == set()
    assert time.perf_counter() - start < 15
