import pytest
from hypothesis import given
from hypothesis import strategies as st

from hertzian.experiments.stages import ExperimentError
from hertzian.experiments.yaml_values import parse_yaml

pytestmark = pytest.mark.base


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3),
        ("-2E+5", -2e5),
        ("1.5", 1.5),
        ("12", 12),
        ("e3", "e3"),
        ("16QAM", "16QAM"),
        ("[0, 1]", [0, 1]),
        ("{a: null, b: true}", {"a": None, "b": True}),
        ("", None),
    ],
)
def test_values_are_what_people_mean(text, value):
    found = parse_yaml(text)
    assert found == value
    assert type(found) is type(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_that_python_prints_is_read_back(number):
    assert parse_yaml(repr(number)) == number


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &x [1]\nb: *x", "aliases"),
        ("a: 1\na: 2", "comes twice"),
        ("!!python/object/apply:os.system [ls]", "could not determine a constructor"),
        ("2024-01-01", "JSON serializable"),
        (".nan", "not JSON compliant"),
        ("[1, 2", "expected"),
        ("[" * 5000, "not a plain YAML"),
        ("\x00", "not allowed"),
    ],
)
def test_what_json_cannot_say_is_refused_in_one_line(text, message):
    with pytest.raises(ExperimentError, match=message) as caught:
        parse_yaml(text)
    assert "\n" not in str(caught.value)
