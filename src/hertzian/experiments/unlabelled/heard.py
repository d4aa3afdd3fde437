"""The stage that listens to recordings nobody has labelled, and keeps windows of what it hears."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
from pydantic import Field

from hertzian.datasets.dataset import Advance, ArrayWindows, Dataset
from hertzian.datasets.files import read_h5, write_dataset
from hertzian.deployment import DatasetIdentity, load_predictor
from hertzian.deployment.finding import find_model
from hertzian.detection import WINDOW, cut_windows
from hertzian.experiments.classifiers.data import (
    DatasetSettings,
    bar,
    file_digest,
    split_data,
)
from hertzian.experiments.stages import (
    ExperimentError,
    StageContext,
    StageOutcome,
    StageSettings,
    contents_digest,
    stage,
)
from hertzian.recognition import DetectionView, Recogniser, network_threads
from hertzian.recordings import Recording, atomic_path, open_recording
from hertzian.signal import HertzianError, to_channels
from hertzian.training import BatchSource, rows_of

_WINDOWS, _HEARD = "windows.h5", "heard.json"
_CHUNK = 1 << 18
_ROUND = 6


class RecordingsSettings(StageSettings):
    """Which recordings, and what is kept of them.

    Attributes:
        files: paths; `format`, `sample_rate_hz` and `center_frequency_hz` are theirs, where they
            do not say so themselves.
        model: the shipped or own model that finds the signals.
        windows: of one signal, at most.
        signals: in all, at most: what follows is not listened to.
    """

    files: tuple[str, ...] = Field(min_length=1)
    format: str | None = None
    sample_rate_hz: float | None = None
    center_frequency_hz: float | None = None
    model: str = "field"
    windows: int = Field(default=8, ge=1)
    signals: int = Field(default=10_000, ge=2)

    def named_files(self) -> dict[str, str]:
        """Return what tells each recording from another of its name."""
        found = {"model": contents_digest(find_model(self.model))}
        for place, recording in enumerate(self.recordings()):
            found[str(place)] = file_digest(recording.data_path)
            if recording.metadata_path is not None:
                found[f"metadata of {place}"] = contents_digest(recording.metadata_path)
        return found

    def recordings(self) -> Iterator[Recording]:
        """Open each recording.

        Raises:
            RecordingError: one can't be opened.
        """
        yield from map(self.opened, self.files)

    def opened(self, file: str) -> Recording:
        """Open one of them.

        Raises:
            RecordingError: it can't be opened.
        """
        return open_recording(
            file,
            format=self.format,
            sample_rate_hz=self.sample_rate_hz,
            center_frequency_hz=self.center_frequency_hz,
        )


@dataclass(frozen=True)
class Heard:
    """Where a signal was heard, and as what; of a dataset's window the first two alone.

    Attributes:
        file: the recording, or the dataset.
        start: of its samples the first, or the number of the window.
        count: how many samples it lasts.
        center_hz, bandwidth_hz, snr_db: as in `Detection`.
        sample_rate_hz: of the recording.
        rate_hz: of the windows.
        modulation: what the model that found it calls it.
    """

    file: str
    start: int
    count: int = 0
    center_hz: float = 0.0
    bandwidth_hz: float = 0.0
    snr_db: float = 0.0
    sample_rate_hz: float = 0.0
    rate_hz: float = 1.0
    modulation: str = ""


@stage("unlabelled-recordings", RecordingsSettings)
def listen(settings: RecordingsSettings, context: StageContext) -> StageOutcome:
    """Find the signals, and keep windows of each at baseband, as recognition cuts them."""
    recordings = list(settings.recordings())
    with bar("samples", sum(one.samples for one in recordings)) as advance:
        heard = listen_to(recordings, settings, advance, context.log)
    if len(heard.signals) == settings.signals:
        context.log(f"warning: {settings.signals} signals are enough, the rest was not listened to")
    _store(context.folder, heard)
    count = len(heard.of_window)
    context.log(f"{len(heard.signals)} signals in {len(recordings)} recordings, {count} windows")
    told = {"recordings": len(recordings), "signals": len(heard.signals), "windows": count}
    return StageOutcome(metrics={context.folder.name: told})


class Listening(Protocol):
    """What `listen_to` has to know; the names are those of `RecordingsSettings`."""

    @property
    def model(self) -> str:
        """That tells signals from noise."""
        ...

    @property
    def windows(self) -> int:
        """Of one signal, at most."""
        ...

    @property
    def signals(self) -> int:
        """In all, at most."""
        ...


@dataclass(frozen=True)
class HeardWindows:
    """Signals, their windows float32 [windows, 2, samples], and the signal of each window."""

    signals: tuple[Heard, ...]
    x: npt.NDArray[np.float32]
    of_window: npt.NDArray[np.int64]


def listen_to(
    recordings: Sequence[Recording],
    how: Listening,
    advance: Advance,
    log: Callable[[str], None],
) -> HeardWindows:
    """Find the signals in recordings, and cut windows of each.

    Args:
        recordings: to listen to, in this order; of one that can't be read on, what follows is left
            out with a warning.
        how: by which model, and how much is kept.
        advance: told how many samples are done.
        log: takes warnings.

    Raises:
        ExperimentError: fewer than two signals are heard.
    """
    recogniser = Recogniser(load_predictor(how.model, network_threads()))
    heard: list[Heard] = []
    cut: list[npt.NDArray[np.float32]] = []
    for recording, view in islice(_found(recogniser, recordings, advance, log), how.signals):
        cut.append(to_channels(cut_windows(view.iq, how.windows)))
        heard.append(_heard(recording, view))
    if len(heard) < 2:
        raise ExperimentError(
            f"{len(heard)} signal(s) heard in {len(recordings)} recording(s); clusters need two or "
            f"more: record longer, or more"
        )
    of_window = np.repeat(np.arange(len(heard)), [len(one) for one in cut])
    return HeardWindows(tuple(heard), np.concatenate(cut), of_window)


def _found(
    recogniser: Recogniser,
    recordings: Sequence[Recording],
    advance: Advance,
    log: Callable[[str], None],
) -> Iterator[tuple[Recording, DetectionView]]:
    for recording in recordings:
        chunks = _counted(recording, advance)
        try:
            for view in recogniser.views_of(chunks, recording.sample_rate_hz):
                yield recording, view
        except HertzianError as error:
            log(f"warning: left out from here on: {error}")


def _counted(recording: Recording, advance: Advance) -> Iterator[npt.NDArray[np.complex64]]:
    for chunk in recording.chunks(_CHUNK):
        yield chunk
        advance(chunk.size)


def _heard(recording: Recording, view: DetectionView) -> Heard:
    one = view.detection
    return Heard(
        file=str(recording.path),
        start=one.start,
        count=one.count,
        center_hz=round(recording.center_frequency_hz + one.center_hz, _ROUND),
        bandwidth_hz=round(one.bandwidth_hz, _ROUND),
        snr_db=round(one.snr_db, _ROUND),
        sample_rate_hz=recording.sample_rate_hz,
        rate_hz=view.sample_rate_hz,
        modulation=one.modulation,
    )


def _store(folder: Path, heard: HeardWindows) -> None:
    snrs = np.array([one.snr_db for one in heard.signals], np.float32)
    write_dataset(
        folder / _WINDOWS,
        Dataset(
            x=ArrayWindows(heard.x),
            modulation=np.zeros(len(heard.x), np.int64),
            snr_db=snrs[heard.of_window],
            group=heard.of_window,
            modulations=("unknown",),
            preset="",
            seed=0,
            sample_rate_hz=1.0,
            snr_definition="in-band, over the 99% occupied bandwidth",
            version=version("hertzian"),
        ),
    )
    with atomic_path(folder / _HEARD) as partial:
        told = [asdict(one) for one in heard.signals]
        partial.write_text(json.dumps(told), encoding="utf-8")


@dataclass(frozen=True)
class Unlabelled:
    """Windows to be clustered.

    Attributes:
        windows: those of one signal follow one another.
        signal: of each window, the number of its signal, from 0 on.
        heard: of each signal, where it is from.
        samples: length of a window.
        truth: of each signal, where the data say so, its label; and their names.
        identity: what tells generated data from all other.
    """

    windows: BatchSource
    signal: npt.NDArray[np.int64]
    heard: tuple[Heard, ...]
    samples: int
    truth: tuple[npt.NDArray[np.int64], tuple[str, ...]] | None = None
    identity: tuple[DatasetIdentity, ...] = ()


def unlabelled(context: StageContext, name: str) -> Unlabelled:
    """Return the windows of an earlier stage: of recordings, or of a dataset's part `test`.

    Raises:
        ExperimentError: it is neither.
    """
    settings, folder = context.stages[name], context.output(name)
    if isinstance(settings, RecordingsSettings):
        dataset = read_h5(folder / _WINDOWS)
        told = json.loads((folder / _HEARD).read_text(encoding="utf-8"))
        every = np.arange(len(dataset))
        return Unlabelled(
            windows=rows_of(dataset.x, every, dataset.modulation),
            signal=dataset.group,
            heard=tuple(Heard(**one) for one in told),
            samples=WINDOW,
        )
    if not isinstance(settings, DatasetSettings):
        raise ExperimentError(f"stage {name!r} is of kind {settings.kind!r}, which has no windows")
    data = split_data(context, name)
    labels = data.labels("test")
    told_apart = len(np.unique(labels)) > 1
    file = settings.file or str(settings.preset)
    return Unlabelled(
        windows=data.part("test"),
        signal=np.arange(len(labels)),
        heard=tuple(Heard(file, int(row)) for row in data.split.parts["test"]),
        samples=data.samples,
        truth=(labels, data.classes) if told_apart else None,
        identity=data.identity,
    )
