import re

import numpy as np
import pytest

from hertzian.datasets.dataset import DatasetError
from hertzian.datasets.making import numbered
from hertzian.datasets.presets import PRESETS, find_preset
from hertzian.signal import canonical

TRUE_SNR = [name for name in PRESETS if name.endswith("-corrected")] + ["sigzsl-7"]
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
