import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hertzian.signal import from_channels, to_channels

SHAPES = hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=5)
PARTS = st.floats(width=32, allow_nan=False)


@given(hnp.arrays(np.float32, SHAPES, elements=PARTS), st.data())
def test_there_and_back_again(real, data):
    imaginary = data.draw(hnp.arrays(np.float32, real.shape, elements=PARTS))
    iq = np.empty(real.shape, dtype=np.complex64)
    iq.real, iq.imag = real, imaginary
    channels = to_channels(iq)
    assert channels.dtype == np.float32
    np.testing.assert_array_equal(channels[..., 0, :], real)
    np.testing.assert_array_equal(channels[..., 1, :], imaginary)
    back = from_channels(channels)
    assert back.dtype == np.complex64
    # part by part, infinities included
    np.testing.assert_array_equal(back.real, real)
    np.testing.assert_array_equal(back.imag, imaginary)


def test_i_comes_first():
    np.testing.assert_array_equal(to_channels([1 + 2j, 3 - 4j]), [[1, 3], [2, -4]])
    np.testing.assert_array_equal(from_channels([[1, 3], [2, -4]]), [1 + 2j, 3 - 4j])


def test_real_samples_have_no_quadrature():
    np.testing.assert_array_equal(to_channels([1.0, -2.0]), [[1, -2], [0, 0]])
