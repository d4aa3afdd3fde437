import re

import numpy as np
import pytest

from hertzian.datasets.dataset import DatasetError
from hertzian.datasets.making import numbered
from hertzian.datasets.presets import PRESETS, find_preset
from hertzian.signal import canonical

TRUE_SNR = [name for name in PRESETS if name.endswith("-corrected")] + ["sigzsl-7", "linear"]
PER_SYMBOL_DB = {"rml2018-01a-like": 10 * np.log10(8)}


@pytest.mark.parametrize("name", PRESETS)
def test_names_and_classes_are_spelled_by_the_rules(name):
    preset = find_preset(name)
    assert preset.name == name
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
    assert len(set(preset.kinds)) == len(preset.kinds)
    names = [canonical(label) for label in preset.modulations]
    assert len(set(names)) == len(names)
    assert list(preset.snr_db) == sorted(set(preset.snr_db))


@pytest.mark.parametrize("name", PRESETS)
def test_a_cell_has_what_was_asked_for(name):
    preset = find_preset(name)
    cell = preset.maker.cell(0, preset.kinds[0], preset.snr_db[-1], 3)
    assert cell.x.shape == (3, 2, preset.samples)
    assert cell.group.min() == (cell.group[0] if preset.maker.shared_groups else 0)
    assert len(np.unique(cell.group)) <= 3
    assert np.isfinite(cell.x).all()


def test_another_seed_after_the_name_draws_the_one_channel_anew():
    name = "rml2016-10a"
    first, second, own = (find_preset(f"{name}@{seed}") for seed in (1, 2, 6))
    assert first.name == "rml2016-10a@1"
    assert (first.kinds, first.snr_db) == (find_preset(name).kinds, find_preset(name).snr_db)
    carrier = first.kinds[first.modulations.index("AM-DSB")]
    powers = {
        preset.name: float(np.square(_signal(preset, carrier)).sum(axis=1).mean())
        for preset in (first, second, own, find_preset(name))
    }
    # the gain of the channel at the carrier is all that the two seeds can change much
    assert powers["rml2016-10a@1"] != pytest.approx(powers["rml2016-10a@2"], rel=0.05)
    assert powers["rml2016-10a@6"] == pytest.approx(powers[name], rel=0.02)


def _signal(preset, kind):
    parts = preset.maker.parts(0, kind, 18.0, 0, 200).signal.numpy()
    return np.stack([parts.real, parts.imag], axis=1)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("rml2016-10a-corrected@1", "preset rml2016-10a-corrected has no single course"),
        ("field@1", "preset field has no single course"),
        ("rml2016-10a@", "after @ comes the seed of a channel, such as rml2016-10a@1"),
        ("rml2016-10a@-1", "after @ comes the seed"),
        ("fields@1", "'fields@1'; known are rml2016-10a"),
    ],
)
def test_a_channel_that_cannot_be_drawn_anew_is_refused(name, message):
    with pytest.raises(DatasetError, match=message):
        find_preset(name)


def test_an_unknown_name_lists_those_known():
    with pytest.raises(DatasetError, match="'fields'; known are rml2016-10a"):
        find_preset("fields")


@pytest.mark.parametrize("name", [*TRUE_SNR, *PER_SYMBOL_DB])
def test_the_snr_is_the_label_in_every_cell(name):
    preset = find_preset(name)
    # the power of m samples of noise is measured to 4.3 / sqrt(m) dB: 0.1 dB is four deviations
    count = -(-47_000 // preset.samples)
    for kind in preset.kinds:
        for level in preset.snr_db:
            parts = preset.maker.parts(7, kind, level, 0, min(count, 256))
            signal, noise = (
                part.abs().square().double().mean(1) for part in (parts.signal, parts.noise)
            )
            measured = -10 * np.log10(float((noise / signal).mean()))
            wanted = level - PER_SYMBOL_DB.get(name, 0.0)
            assert measured == pytest.approx(wanted, abs=0.1), (kind, level)


def test_chunks_follow_each_other_in_a_cell():
    preset = find_preset("rml2016-10a-corrected")
    kind = preset.kinds[3]
    cell = preset.maker.cell(0, kind, 18.0, 1500)
    assert len(cell.x) == 1500
    steps = np.diff(cell.group)
    assert set(steps) <= {0, 1}
    first = preset.maker.chunk(0, kind, 18.0, 0, 1000)
    np.testing.assert_array_equal(cell.x[:1000], first.x)


def test_groups_of_parts_follow_each_other():
    parts = [np.array([0, 0, -1, 1]), np.array([0, -1]), np.array([-1]), np.array([0])]
    assert [p.tolist() for p in numbered(parts)] == [[0, 0, -1, 1], [2, -1], [-1], [3]]
