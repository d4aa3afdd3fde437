import re

import pytest

from hertzian.datasets.dataset import DatasetError
from hertzian.datasets.presets import PRESETS, find_preset
from hertzian.signal import canonical


@pytest.mark.parametrize("name", PRESETS)
def test_names_and_classes_are_spelled_by_the_rules(name):
    preset = find_preset(name)
    assert preset.name == name
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
    names = [canonical(label) for label in preset.classes]
    assert len(set(names)) == len(names)
    assert list(preset.snr_db) == sorted(set(preset.snr_db))


@pytest.mark.parametrize("name", PRESETS)
def test_a_cell_has_what_was_asked_for(name):
    preset = find_preset(name)
    cell = preset.cell(0, preset.classes[0], preset.snr_db[-1], 3)
    assert cell.x.shape == (3, 2, preset.samples)
    assert cell.group.tolist() == sorted(cell.group)
    assert cell.group[0] == 0


def test_an_unknown_name_lists_those_known():
    with pytest.raises(DatasetError, match="'fields'; known are field"):
        find_preset("fields")
