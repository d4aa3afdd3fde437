"""Between complex baseband and the two-channel form that networks see."""

import numpy as np
import numpy.typing as npt


def to_channels(iq: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """Turn complex IQ [..., samples] into float32 [..., 2, samples]: I, then Q."""
    x = np.asarray(iq)
    return np.stack([x.real, x.imag], axis=-2).astype(np.float32, copy=False)


def from_channels(channels: npt.ArrayLike) -> npt.NDArray[np.complex64]:
    """Turn float [..., 2, samples] (I, Q) into complex64 [..., samples]."""
    x = np.asarray(channels, dtype=np.float32)
    iq = np.empty((*x.shape[:-2], x.shape[-1]), dtype=np.complex64)
    # part by part: a product with 1j would turn an infinite Q into a NaN in I
    iq.real, iq.imag = x[..., 0, :], x[..., 1, :]
    return iq
