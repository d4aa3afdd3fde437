import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hertzian.evaluation import json_safe

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)

pytestmark = pytest.mark.base


@given(plain)
def test_json_values_stay_as_they_are(value):
    assert json_safe(value) == value


def test_other_values_become_their_nearest():
    value = {1: np.float32(0.5), "a": np.array([[1, 2]]), "b": (np.bool_(True), Path("x/y"))}
    assert json_safe(value) == {"1": 0.5, "a": [[1, 2]], "b": [True, "x/y"]}


@pytest.mark.parametrize("value", [np.nan, np.inf, np.float32(-np.inf), np.array([np.nan])])
def test_what_is_no_number_becomes_null(value):
    assert json.dumps(json_safe([value]), allow_nan=False) in {"[null]", "[[null]]"}


def test_anything_else_is_refused():
    with pytest.raises(TypeError, match="complex has no place in JSON"):
        json_safe({"x": 1j})
