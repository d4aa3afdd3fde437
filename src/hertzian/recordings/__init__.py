"""Sources and sinks: SigMF, raw formats and WAV, read in chunks; annotations in and out."""

from hertzian.recordings.atomic import atomic_path
from hertzian.recordings.errors import RecordingError, RecordingWarning
from hertzian.recordings.opening import find_recordings, open_recording
from hertzian.recordings.recording import Annotation, Recording
from hertzian.recordings.samples import FORMATS
from hertzian.recordings.writing import annotate_sigmf, detections_to_annotations, write_sigmf

__all__ = [
    "FORMATS",
    "Annotation",
    "Recording",
    "RecordingError",
    "RecordingWarning",
    "annotate_sigmf",
    "atomic_path",
    "detections_to_annotations",
    "find_recordings",
    "open_recording",
    "write_sigmf",
]
