from typing import Literal

import pytest

from hertzian.experiments import ExperimentError, StageSettings, stage
from hertzian.experiments.stages import find_kind

pytestmark = pytest.mark.base


class Settings(StageSettings):
    kind: Literal["mine"]


def test_a_registered_kind_is_found(calls):
    @stage("mine", Settings, per_seed=True)
    def mine(settings, context):
        raise NotImplementedError

    found = find_kind("mine")
    assert (found.settings, found.run, found.per_seed) == (Settings, mine, True)
    assert not find_kind("draw").per_seed


def test_a_kind_is_registered_once(calls):
    with pytest.raises(ExperimentError, match="'draw' is registered twice"):
        stage("draw", Settings)(lambda settings, context: None)


@pytest.mark.parametrize("name", ["absent", None, ["draw"]])
def test_an_unknown_kind_lists_those_known(calls, name):
    with pytest.raises(ExperimentError, match="known are draw, learn, score"):
        find_kind(name)
