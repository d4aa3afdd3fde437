"""Symbol alphabets of the linear modulations, at unit mean power."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from hertzian.signal.errors import HertzianError
from hertzian.signal.labels import canonical

Symbols = npt.NDArray[np.complex128]


def _psk(order: int, rotation: float = 0.0) -> Symbols:
    return np.asarray(np.exp(1j * (2 * np.pi * np.arange(order) / order + rotation)))


def _amplitude_levels(levels: npt.ArrayLike) -> Symbols:
    return np.asarray(levels, dtype=np.complex128)


def _square_qam(order: int) -> Symbols:
    side = round(order**0.5)
    axis = np.arange(1 - side, side, 2)
    return (axis[:, None] + 1j * axis[None, :]).ravel().astype(np.complex128)


def _apsk(rings: tuple[tuple[int, float], ...]) -> Symbols:
    return np.concatenate([radius * _psk(points, np.pi / points) for points, radius in rings])


_ALPHABETS: dict[str, Callable[[], Symbols]] = {
    "OOK": lambda: _amplitude_levels([0, 1]),
    "4ASK": lambda: _amplitude_levels([0, 1, 2, 3]),
    "8ASK": lambda: _amplitude_levels(np.arange(8)),
    "4PAM": lambda: _amplitude_levels([-3, -1, 1, 3]),
    "BPSK": lambda: _psk(2),
    "QPSK": lambda: _psk(4, np.pi / 4),
    "OQPSK": lambda: _psk(4, np.pi / 4),
    "8PSK": lambda: _psk(8),
    "16QAM": lambda: _square_qam(16),
    "64QAM": lambda: _square_qam(64),
    # ETSI EN 302 307 (DVB-S2) 5.4.3: 4+12 points, gamma = 2.85 (code rate 3/4)
    "16APSK": lambda: _apsk(((4, 1.0), (12, 2.85))),
}


def constellation(name: str) -> Symbols:
    """Return the alphabet of a linear modulation, complex128 [order], unit mean power.

    Raises:
        HertzianError: the modulation is unknown or has no symbol alphabet here.
    """
    label = canonical(name)
    if label not in _ALPHABETS:
        raise HertzianError(f"{label} has no constellation; those that do: {', '.join(_ALPHABETS)}")
    points = _ALPHABETS[label]()
    return np.asarray(points / np.sqrt(np.mean(np.abs(points) ** 2)))
