"""What a whole piece is asked where its windows leave something open."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hertzian.recognition.keying import PULSED
from hertzian.recognition.memory import Samples, prefix_at, repeats_at

_OPEN = 0.05

Logits = npt.NDArray[np.float32]


class Asking:
    """Which questions logits [windows, classes] leave open.

    Args:
        classes: names in the order of the logits.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self._noise = [classes.index("noise")] if "noise" in classes else []
        self._ofdm = [classes.index("OFDM")] if "OFDM" in classes else []
        self._pulsed = [classes.index(name) for name in PULSED if name in classes]

    def noisy(self, logits: Logits) -> bool:
        """Tell whether windows speak for noise together."""
        return int(logits.mean(axis=0).argmax()) in self._noise

    def maybe_ofdm(self, logits: Logits) -> bool:
        """Tell whether it may be OFDM."""
        return _open(logits, self._ofdm)

    def maybe_pulsed(self, logits: Logits) -> bool:
        """Tell whether its pulses may carry data."""
        return _open(logits, self._pulsed)

    def repetition(
        self, iq: Samples, logits: Logits, *, plateau: bool, noisy: bool | None = None
    ) -> int | None:
        """Return the lag at which a piece repeats itself, None where it doesn't or isn't asked.

        Args:
            iq: its samples at baseband, complex64 [n].
            logits: of its windows.
            plateau: whether it is one, in which no prefix is looked for.
            noisy: whether it looks like noise; None leaves it to the logits.
        """
        maybe_ofdm = self.maybe_ofdm(logits)
        noisy = self.noisy(logits) if noisy is None else noisy
        lag = repeats_at(iq) if noisy or maybe_ofdm else None
        return prefix_at(iq) if lag is None and maybe_ofdm and not plateau else lag


def _open(logits: Logits, labels: list[int]) -> bool:
    """Tell whether logits [windows, classes] leave it open that a signal has such a label."""
    share = np.exp(logits.mean(axis=0) - logits.mean(axis=0).max())
    return bool(share[labels].sum() >= _OPEN * share.sum())
