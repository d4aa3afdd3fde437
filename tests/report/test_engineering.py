import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hertzian.report.engineering import PREFIXES, axis_prefix, duration, engineering, time_prefix

pytestmark = pytest.mark.base


@pytest.mark.parametrize(
    ("value", "unit", "digits", "expected"),
    [
        (433.92e6, "Hz", 5, "433.92 MHz"),
        (433.92e6, "Hz", 4, "433.9 MHz"),
        (2.4e9, "Hz", 4, "2.4 GHz"),
        (0.0, "Hz", 4, "0 Hz"),
        (-12.5e3, "Hz", 4, "−12.5 kHz"),
        (1.25e-3, "s", 3, "1.25 ms"),
        (999.96, "Hz", 4, "1 kHz"),
        (999.94, "Hz", 4, "999.9 Hz"),
        (1000.0, "Hz", 4, "1 kHz"),
        (1e-6, "s", 4, "1 µs"),
        (math.nan, "Hz", 4, "– Hz"),
        (-math.inf, "Hz", 4, "−∞ Hz"),
        (1500, "", 4, "1.5 k"),
    ],
)
def test_engineering(value, unit, digits, expected):
    assert engineering(value, unit, digits) == expected


def test_engineering_refuses_fewer_digits_than_a_mantissa_has():
    with pytest.raises(ValueError, match="at least 3 digits"):
        engineering(123.0, "Hz", 2)


@given(
    st.floats(1e-12, 9.9e14, allow_subnormal=False).flatmap(
        lambda v: st.sampled_from([v, -v])  # both signs, log range
    ),
    st.integers(3, 12),
)
def test_reading_it_back_gives_the_value_to_its_digits(value, digits):
    number, _, prefix = engineering(value, "Hz", digits).removesuffix("Hz").partition(" ")
    exponent = next(e for e, p in PREFIXES.items() if p == prefix)
    mantissa = float(number.replace("−", "-"))
    assert 1 <= abs(mantissa) < 1000
    assert mantissa * 10.0**exponent == pytest.approx(value, rel=0.5000001 * 10.0 ** (1 - digits))


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.0123, "12.3 ms"),
        (59.9, "59.9 s"),
        (59.96, "1 min 00 s"),
        (125.2, "2 min 05 s"),
        (3599.6, "1 h 00 min"),
        (10800, "3 h 00 min"),
        (math.nan, "– s"),
        (math.inf, "∞ s"),
    ],
)
def test_duration(seconds, expected):
    assert duration(seconds) == expected


@pytest.mark.parametrize(
    ("span", "smallest", "expected"),
    [
        (250e3, 1.0, (1e3, "k")),
        (250e3, 0.05, (1e6, "M")),
        (10e3, 0.05, (1e3, "k")),
        (2e9, 1.0, (1e9, "G")),
        (0.5, 1.0, (1e-3, "m")),
        (0.0, 1.0, (1.0, "")),
        (math.nan, 1.0, (1.0, "")),
    ],
)
def test_axis_prefix(span, smallest, expected):
    assert axis_prefix(span, smallest) == expected


def test_times_have_no_prefix_above_a_second():
    assert time_prefix(3600) == (1.0, "")
    assert time_prefix(0.02) == (1e-3, "m")
