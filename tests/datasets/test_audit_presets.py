import dataclasses

import pytest

from hertzian.datasets.audit import CHANNEL, GROUPS, OVERLAPS, audit
from hertzian.datasets.opening import open_dataset
from hertzian.datasets.splits import random_split, split
from hertzian.datasets.synthesis import synthesise


def findings(made, parted):
    return {one.kind: one for one in audit(made, parted).findings}


def leaks(made, parted):
    return {kind for kind, one in findings(made, parted).items() if one.found}


def preset(tmp_path, name, seed, per=None):
    path = tmp_path / f"{name}.h5"
    synthesise(name, path, per=per, seed=seed, snr_db=(10, 18))
    return open_dataset(path)


@pytest.mark.parametrize("seed", range(2))
def test_the_one_channel_of_04c_shows_across_the_windows_between_blocks(tmp_path, seed):
    made = preset(tmp_path, "rml2016-04c", seed)
    assert leaks(made, split(made)) == {CHANNEL}
    assert OVERLAPS in leaks(made, random_split(made))
    # beside overlaps nobody can say that the channel is not shared
    assert findings(made, random_split(made))[CHANNEL].found is not False


@pytest.mark.parametrize("seed", range(3))
def test_channels_of_the_corrected_10a_are_independent(tmp_path, seed):
    made = preset(tmp_path, "rml2016-10a-corrected", seed, per=200)
    assert leaks(made, split(made, seed=seed)) == set()


def test_the_one_channel_of_10a_shows(tmp_path):
    made = preset(tmp_path, "rml2016-10a", 0, per=200)
    found = findings(made, random_split(made))
    assert {kind for kind, one in found.items() if one.found} >= {GROUPS, CHANNEL}
    for kind in (GROUPS, CHANNEL):
        assert "use the preset rml2016-10a-corrected, or take the leak" in found[kind].advice
        assert "number groups" not in found[kind].advice
    # of data of another origin no twin is known
    unknown = findings(dataclasses.replace(made, preset="mine"), random_split(made))
    assert "number groups" in unknown[GROUPS].advice
    assert "corrected" not in unknown[CHANNEL].advice
