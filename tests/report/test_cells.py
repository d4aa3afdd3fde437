import numpy as np
import pytest

from hertzian.report.cells import percent, time_and_band

pytestmark = pytest.mark.base


@pytest.mark.parametrize(
    ("probability", "expected"),
    [
        (0.0, "0 %"),
        (0.0004, "< 0.1 %"),
        (0.034, "3.4 %"),
        (0.973, "97 %"),
        (0.9949, "99 %"),
        (0.9996, "99.9 %"),
        (1.0, "100 %"),
    ],
)
def test_percent_is_never_surer_than_the_probability(probability, expected):
    assert percent(probability) == expected


def test_centre_is_absolute_where_the_recording_knows_its_own(write_recording, make_detection):
    recording = write_recording(np.ones(250_000), 250e3, 433.92e6)
    detection = make_detection(start=25_000, count=7000, center_hz=-12.5e3, snr_db=-3.25)
    assert time_and_band(recording, detection) == (
        *("0.100 s", "28 ms", "433.9075 MHz", "20 kHz", "−3.2 dB"),
    )


@pytest.mark.parametrize(
    ("center_hz", "expected"),
    [(50e3, "+50.0 kHz"), (-50e3, "−50.0 kHz"), (0.0, "0 Hz"), (-10.0, "−10 Hz")],
)
def test_centre_is_a_signed_offset_where_it_is_not(
    write_recording, make_detection, center_hz, expected
):
    recording = write_recording(np.ones(2000), 1e6)
    start, _, center, *_ = time_and_band(recording, make_detection(center_hz=center_hz))
    assert start == "1.000 ms"
    assert center == expected


def test_a_tone_of_no_bandwidth_has_a_centre(write_recording, make_detection):
    recording = write_recording(np.ones(2000), 1e6)
    detection = make_detection(center_hz=1234.0, bandwidth_hz=0.0)
    assert time_and_band(recording, detection)[2:4] == ("+1.234 kHz", "0 Hz")
