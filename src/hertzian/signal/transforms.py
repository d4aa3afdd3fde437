"""Between complex baseband and the two-channel form that networks see."""

import numpy as np
import numpy.typing as npt


def to_channels(iq: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """Turn complex IQ [..., samples] into float32 [..., 2, samples]: I, then Q."""
    x = np.asarray(iq)
    return np.stack([x.real, x.imag], axis=-2).astype(np.float32)


def from_channels(channels: npt.ArrayLike) -> npt.NDArray[np.complex64]:
    """Turn float [..., 2, samples] (I, Q) into complex64 [..., samples]."""
    x = np.asarray(channels, dtype=np.float32)
    return (x[..., 0, :] + 1j * x[..., 1, :]).astype(np.complex64)
