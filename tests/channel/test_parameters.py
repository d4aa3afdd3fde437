import pytest

from hertzian.channel import ChannelError
from hertzian.channel.parameters import require_between, require_positive, require_range


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_both_limits_are_allowed(value):
    require_between("share", value, 0.0, 1.0)


@pytest.mark.parametrize("value", [-1e-9, 1.1, float("nan"), float("inf")])
def test_what_is_outside_is_named_with_the_limits(value):
    with pytest.raises(ChannelError, match=r"^share must be finite and between 0 and 1, found "):
        require_between("share", value, 0.0, 1.0)


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_positive_means_above_zero_and_finite(value):
    with pytest.raises(ChannelError, match="rate must be finite and positive"):
        require_positive("rate", value)


@pytest.mark.parametrize("limits", [(2.0, 1.0), (1.0,), (0.0, 9.0), (float("nan"), 1.0)])
def test_ranges_are_ordered_pairs_within_their_limits(limits):
    with pytest.raises(ValueError, match="span"):
        require_range("span", limits, 0.0, 5.0)
