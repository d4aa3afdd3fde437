"""Parts of a page for any numbers that a run measured."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hertzian.report import Plot, Table, accuracy_over_snr, confusion

_MEASURED = {"mean", "interval", "values"}
_CONFUSION = {"classes", "counts"}
_BY_SNR = "accuracy_by_snr"
MOST_CLASSES = 60

Row = tuple[str | float | None, ...]


def measured(metrics: Mapping[str, Any], title: str = "") -> Iterator[Plot | Table]:
    """Yield a table of the numbers, then what stands below them, deeper and deeper."""
    numbers = [_number_row(name, value) for name, value in metrics.items() if is_measured(value)]
    if numbers:
        yield Table(("", "mean", "95% from", "to"), numbers, title)
    for name, value in metrics.items():
        if not isinstance(value, Mapping) or is_measured(value):
            continue
        inner = f"{title}: {name}" if title else name
        if set(value) == _CONFUSION:
            if len(value["classes"]) <= MOST_CLASSES:
                yield Plot(confusion(value["classes"], value["counts"]), inner)
        elif name == _BY_SNR and value:
            curve = {float(snr): share["mean"] for snr, share in value.items()}
            yield Plot(accuracy_over_snr({inner: curve}), "Accuracy over SNR")
        else:
            yield from measured(value, inner)


def is_measured(value: object) -> bool:
    """Tell whether a value is a number as `over_seeds` leaves it."""
    return isinstance(value, Mapping) and set(value) == _MEASURED


def _number_row(name: str, value: Mapping[str, Any]) -> Row:
    lower, upper = value["interval"] or (None, None)
    whole = all(isinstance(number, int) for number in value["values"] if number is not None)
    return name, *(_number(number, whole) for number in (value["mean"], lower, upper))


def _number(number: float | None, whole: bool) -> float | None:
    """Return the mean of whole numbers, if it is one too, with all its digits."""
    return int(number) if number is not None and whole and number == int(number) else number


def curve_of(shares: Mapping[str, Any]) -> dict[float, float]:
    """Return SNR in decibels -> mean over seeds."""
    return {float(snr): share["mean"] for snr, share in shares.items() if share is not None}


def percent(share: float | None) -> str | None:
    """Return a share in percent as papers print it, with two decimals."""
    return None if share is None else f"{100 * share:.2f}".replace("-", "−")


def percent_interval(interval: Sequence[float] | None) -> str | None:
    """Return an interval of shares in percent."""
    return None if interval is None else f"{percent(interval[0])} to {percent(interval[1])}"


def percent_of_seeds(value: Mapping[str, Any] | None) -> str | None:
    """Return the mean over seeds in percent, and half of its 95% interval: 63.75 ± 0.12."""
    if value is None:
        return None
    mean = percent(value["mean"])
    return mean if value["interval"] is None else f"{mean} ± {percent(_half(value['interval']))}"


def _half(interval: Sequence[float]) -> float:
    return (interval[1] - interval[0]) / 2


def count(number: float | None) -> str | None:
    """Return a count, its digits in groups of three."""
    return None if number is None else f"{number:,.0f}".replace(",", "\u202f")


def mean_of(block: Mapping[str, Any], key: str) -> float | None:
    """Return the mean of what a network measured, or None."""
    value = block.get(key)
    return value["mean"] if value is not None and is_measured(value) else None
