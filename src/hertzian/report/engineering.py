"""Numbers with SI prefixes, as people read them."""

import math

PREFIXES: dict[int, str] = {
    **{-12: "p", -9: "n", -6: "µ", -3: "m", 0: ""},
    **{3: "k", 6: "M", 9: "G", 12: "T"},
}
"""Power of ten -> SI prefix."""


def engineering(value: float, unit: str, digits: int = 4) -> str:
    """Return a value with an SI prefix, rounded to `digits` significant digits: `433.9 MHz`.

    The mantissa lies in [1, 1000) wherever a prefix from pico to tera reaches, also after rounding;
    trailing zeros are left out. The minus sign is U+2212.

    Raises:
        ValueError: `digits` is less than 3, which a mantissa up to 999 needs.
    """
    if digits < 3:
        raise ValueError(f"engineering notation needs at least 3 digits, got {digits}")
    if not math.isfinite(value):
        text = "–" if math.isnan(value) else ("∞" if value > 0 else "−∞")
        return f"{text} {unit}".rstrip()
    mantissa, exponent = _split(value, digits)
    number = f"{abs(mantissa):.{digits}g}"
    sign = "−" if mantissa < 0 else ""
    return f"{sign}{number} {PREFIXES[exponent]}{unit}".rstrip()


def _split(value: float, digits: int) -> tuple[float, int]:
    """Return the rounded mantissa and the power of ten of its prefix."""
    rounded = float(f"{value:.{digits - 1}e}")
    if rounded == 0:
        return 0.0, 0
    # The decimal exponent of the rounded value is exact in its own notation, unlike log10
    decade = int(f"{rounded:e}".partition("e")[2])
    exponent = min(max(3 * (decade // 3), min(PREFIXES)), max(PREFIXES))
    return rounded / 10.0**exponent, exponent


def duration(seconds: float) -> str:
    """Return a time span as people say it: `1.25 ms`, `2 min 05 s`, `3 h 00 min`."""
    if not abs(seconds) >= 59.95:
        return engineering(seconds, "s", 3)
    if not math.isfinite(seconds):
        return engineering(seconds, "s")
    sign, whole = "−" if seconds < 0 else "", round(abs(seconds))
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{sign}{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{sign}{hours} h {minutes:02d} min"


def axis_prefix(span: float, smallest: float) -> tuple[float, str]:
    """Return the factor and prefix that suit an axis of this span, such as (1e6, "M").

    The prefix is the largest in which the span still is `smallest` or more: 1 suits an axis about
    zero; less keeps ticks short far from it (433.8 ... 434.0 MHz has a span of 0.2).
    """
    if not (math.isfinite(span) and span > 0):
        return 1.0, ""
    reached = [e for e in PREFIXES if span / 10.0**e >= smallest]
    exponent = max(reached, default=min(PREFIXES))
    return 10.0**exponent, PREFIXES[exponent]


def time_prefix(span_s: float) -> tuple[float, str]:
    """Return the factor and prefix for times within a span: seconds or a part of them."""
    return (1.0, "") if span_s >= 1 else axis_prefix(span_s, 1.0)
