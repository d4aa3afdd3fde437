import numpy as np
import pytest

from hertzian.datasets.cells import FIELD_CLASSES, FieldCells, field_cell, field_scene
from hertzian.datasets.dataset import DatasetError
from hertzian.datasets.field import field_recording
from hertzian.datasets.published import Kind
from hertzian.models import spec
from hertzian.signal import from_channels


def complex_windows(cell):
    return from_channels(cell.x.astype(np.float32))


def test_the_classes_are_those_of_the_model():
    assert spec("field").classes == FIELD_CLASSES


def test_a_cell_is_the_beginning_of_a_larger_one():
    large, small = field_cell(4, "LFM", 20.0, 9), field_cell(4, "LFM", 20.0, 5)
    np.testing.assert_array_equal(large.x[:5], small.x)
    np.testing.assert_array_equal(large.group[:5], small.group)
    assert not np.array_equal(field_cell(5, "LFM", 20.0, 5).x, small.x)
    assert not np.array_equal(field_cell(4, "LFM", 20.01, 5).x, small.x)


def test_the_endless_stream_begins_beyond_every_cell():
    maker, kind = FieldCells(), Kind("LFM")
    chunks = [maker.draw(4, kind, 20.0, index, 32).x for index in (0, 1, 512)]
    windows = {window.tobytes() for x in (*chunks, field_cell(4, "LFM", 20.0, 9).x) for window in x}
    assert len(windows) == 3 * 32 + 9
    np.testing.assert_array_equal(maker.draw(4, kind, 20.0, 1, 32).x, chunks[1])


def test_groups_count_the_recordings():
    group = field_cell(4, "2FSK", 14.0, 20).group
    assert group[0] == 0
    assert set(np.diff(group)) == {0, 1}


def test_windows_have_unit_power_while_on():
    power = np.mean(np.abs(complex_windows(field_cell(1, "QPSK", 20.0, 8))) ** 2, axis=1)
    np.testing.assert_allclose(power, 1, rtol=0.01)


def line_shares(cell):
    """The share of each window's energy within four bins of its strongest line."""
    power = np.abs(np.fft.fft(complex_windows(cell) * np.hanning(1024))) ** 2
    around = power.argmax(axis=1)[:, None] + np.arange(-4, 5)
    return np.take_along_axis(power, around % 1024, axis=1).sum(axis=1) / power.sum(axis=1)


def test_a_carrier_is_one_line_in_frequency_and_keyed_phase_is_none():
    assert np.median(line_shares(field_cell(2, "CW", 30.0, 6))) > 0.6
    assert np.median(line_shares(field_cell(2, "QPSK", 30.0, 6))) < 0.3


def test_noise_is_gaussian():
    x = complex_windows(field_cell(2, "noise", 14.0, 12))
    x = [window[window != 0] for window in x]
    # E|x|^4 / (E|x|^2)^2 is 2 for complex Gaussian noise, 1 for a constant envelope
    kurtosis = [np.mean(np.abs(w) ** 4) / np.mean(np.abs(w) ** 2) ** 2 for w in x]
    assert np.median(kurtosis) == pytest.approx(2, abs=0.25)


@pytest.mark.parametrize("label", ["16QAM", "noise", "unknown"])
def test_a_scene_holds_its_label_alone(label):
    emissions = [
        e for k in range(4) for e in field_recording(3, k, field_scene(label, 11.5)).emissions
    ]
    assert {(e.label, e.snr_db) for e in emissions} == {(label, 11.5)}


def test_an_snr_without_detections_is_an_error(monkeypatch):
    monkeypatch.setattr("hertzian.datasets.cells._TRIED_AT_LEAST", 3)
    with pytest.raises(DatasetError, match=r"QPSK at -30 dB: the detector found it 0 times in 3"):
        field_cell(1, "QPSK", -30.0, 1)
