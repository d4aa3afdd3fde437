"""Checks of impairment parameters, with one clear line for each failure."""

import math

from torch import Tensor

from hertzian.signal import HertzianError


class ChannelError(HertzianError, ValueError):
    """A parameter or an input of an impairment is outside what is allowed."""


def require_between(
    name: str, value: float, lower: float = -math.inf, upper: float = math.inf
) -> None:
    """Raise ``ChannelError`` unless ``value`` is finite and lower <= value <= upper."""
    if not (math.isfinite(value) and lower <= value <= upper):
        raise ChannelError(
            f"{name} must be finite and between {lower:g} and {upper:g}, found {value!r}"
        )


def require_positive(name: str, value: float) -> None:
    """Raise ``ChannelError`` unless ``value`` is finite and above zero."""
    if not (math.isfinite(value) and value > 0):
        raise ChannelError(f"{name} must be finite and positive, found {value!r}")


def require_range(
    name: str,
    limits: tuple[float, float],
    lower: float = -math.inf,
    upper: float = math.inf,
) -> None:
    """Raise ``ChannelError`` unless ``limits`` is an ordered pair within [lower, upper]."""
    if len(limits) != 2 or limits[0] > limits[1]:
        raise ChannelError(f"{name} must be a pair (lower, upper) in order, found {limits!r}")
    for value in limits:
        require_between(name, value, lower, upper)


def require_baseband(x: Tensor) -> None:
    """Raise ``ChannelError`` unless ``x`` is complex [batch, samples] and not empty."""
    if x.ndim != 2 or not x.is_complex() or x.numel() == 0:
        raise ChannelError(
            f"expected complex samples [batch, samples], found {x.dtype} {list(x.shape)}"
        )
