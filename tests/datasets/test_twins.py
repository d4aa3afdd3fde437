import pytest

from hertzian.datasets import published
from hertzian.datasets.presets import PRESETS
from hertzian.datasets.published import Published
from hertzian.datasets.twins import corrected_twin, has_one_channel

PUBLISHED = [one for one in vars(published).values() if isinstance(one, Published)]


@pytest.mark.parametrize("name", PRESETS)
def test_presets_have_the_twins_that_exist(name):
    twin = f"{name}-corrected"
    assert corrected_twin(name) == (twin if twin in PRESETS else None)


def test_published_sets_have_the_twins_of_their_presets():
    found = {one.name: corrected_twin(one.name) for one in PUBLISHED}
    assert {name for name, twin in found.items() if twin} == {
        *("RML2016.10a", "RML2016.10b", "RML2016.04C", "RadComAWGN", "RadComDynamic")
    }
    kinds = {one.name: one.kinds for one in PUBLISHED}
    assert all(PRESETS[twin].kinds == kinds[name] for name, twin in found.items() if twin)


def test_sets_through_one_channel_are_known():
    names = ("rml2016-10a", "RML2016.10b", "rml2016-04c", "RadComDynamic")
    assert all(map(has_one_channel, names))
    others = ("RadComAWGN", "radcom-awgn", "rml2016-10a-corrected", "sigzsl-7", "mine", "")
    assert not any(map(has_one_channel, others))
