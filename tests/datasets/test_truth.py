import numpy as np
import pytest

from hertzian.datasets.dataset import DatasetError
from hertzian.datasets.field import Emission, FieldRecording
from hertzian.datasets.truth import truth_annotation, wideband_recording, write_truth
from hertzian.recordings import open_recording

EMISSION = Emission("QPSK", 100, 400, -0.125, 0.25, 17.25, 50.0)


def test_an_annotation_has_absolute_edges():
    note = truth_annotation(EMISSION, 2e6, 433e6)
    assert (note.start, note.count, note.label) == (100, 400, "QPSK")
    assert (note.lower_hz, note.upper_hz) == (433e6 - 0.5e6, 433e6)
    assert note.comment == "sent, SNR 17.2 dB"


def test_a_written_recording_has_samples_and_truth(tmp_path):
    iq = (np.exp(0.1j * np.arange(1000)) / 2).astype(np.complex64)
    write_truth(tmp_path / "t.sigmf-meta", FieldRecording(iq, (EMISSION,)), sample_rate_hz=1e6)
    read = open_recording(tmp_path / "t.sigmf-meta")
    np.testing.assert_array_equal(read.read(0, 1000), iq)
    assert read.annotations == (truth_annotation(EMISSION, 1e6),)


def test_a_wideband_recording_is_as_long_and_as_loud_as_asked():
    recording = wideband_recording(3, 150_000, (12.0, 14.0))
    assert recording.iq.size == 150_000
    assert 1 <= len(recording.emissions) <= 3
    assert all(12 <= emission.snr_db <= 14 for emission in recording.emissions)
    np.testing.assert_array_equal(wideband_recording(3, 150_000, (12.0, 14.0)).iq, recording.iq)


@pytest.mark.parametrize("samples", [0, 1000, 10**9])
def test_other_lengths_are_refused(samples):
    with pytest.raises(DatasetError, match="is not made"):
        wideband_recording(0, samples)
