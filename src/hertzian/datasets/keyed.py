"""What is known of the symbols in the windows of a dataset."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Keyed:
    """How symbols lie in the samples of every window, to which white noise is all that is added.

    The first symbol's middle is the first sample. The phase is that of `signal.constellation`.

    Attributes:
        samples_per_symbol: a whole number; of one, samples are symbols, behind a matched filter.
        roll_off: of the root-raised cosine, where there are several.
        span: its length in symbols.
        by_window: whether an SNR is that of the window's own power, and not the alphabet's.
        known_gain: whether windows come at the alphabet's scale; else their power tells it.
    """

    samples_per_symbol: int = 1
    roll_off: float = 0.35
    span: int = 10
    by_window: bool = False
    known_gain: bool = True
