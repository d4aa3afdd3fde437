"""The stage that draws clusters, so that a person can name them."""

import json
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.signal

from hertzian.experiments.stages import (
    ExperimentError,
    StageContext,
    StageOutcome,
    StageSettings,
    stage,
)
from hertzian.experiments.unlabelled.group import GROUPS, RECORD, Grouped, GroupSettings
from hertzian.experiments.unlabelled.heard import (
    Heard,
    RecordingsSettings,
    Unlabelled,
    unlabelled,
)
from hertzian.experiments.unlabelled.naming import NAMES, write_template
from hertzian.experiments.unlabelled.points import Int64
from hertzian.recordings import atomic_path
from hertzian.report import ClusterPage, Column, ShownCluster, engineering, write_clusters
from hertzian.report.text import printable, shown_path

PAGE, FACTS = "clusters.html", "clusters-facts.json"
_TYPICAL = 5
_SHOWN_SAMPLES = 8192

Complex = npt.NDArray[np.complex64]
_SIGNALS: tuple[Column | str, ...] = (
    "Recording",
    *(Column(title, "right") for title in ("Start", "Duration", "Centre", "Bandwidth", "SNR")),
    "Heard as",
)
_HOW_TO_NAME = (
    f"Look at the typical signal of each cluster, write what it is into {NAMES} beside this page, "
    'as in {"1": "2FSK", "2": {"modulation": "OOK", "protocol": "doorbell"}}, and give the command '
    f"again with --names and that file: it makes a model that names such signals."
)


class ShowSettings(StageSettings):
    """`clusters` is the stage that grouped them, `title` that of the page."""

    clusters: str = "clusters"
    title: str


@stage("show-clusters", ShowSettings)
def show(settings: ShowSettings, context: StageContext) -> StageOutcome:
    """Write the page, what it says as JSON, and the file to write names into."""
    folder, earlier = context.output(settings.clusters), context.stages[settings.clusters]
    if not isinstance(earlier, GroupSettings):
        raise ExperimentError(f"stage {settings.clusters!r} groups nothing")
    data = unlabelled(context, earlier.data)
    grouped = Grouped.model_validate_json((folder / RECORD).read_bytes())
    with np.load(folder / GROUPS, allow_pickle=False) as stored:
        assigned, order = stored["assigned"], stored["typical"]
        shown, places = stored["shown"], stored["places"]
    members = [order[assigned[order] == number] for number in range(len(grouped.sizes))]
    page = ClusterPage(
        title=settings.title,
        clusters=[
            _shown(own, len(assigned), data, context.stages[earlier.data]) for own in members
        ],
        places=places,
        numbers=assigned[shown],
        strengths=grouped.strengths,
        how_to_name=(_HOW_TO_NAME,),
    )
    medoids = [data.heard[own[0]] if len(own) else None for own in members]
    write_clusters(context.folder / PAGE, page)
    context.publish(context.folder / PAGE)
    with atomic_path(context.folder / FACTS) as partial:
        partial.write_text(json.dumps(_facts(page, grouped, medoids)), encoding="utf-8")
    for suffix in ("onnx", "safetensors", "json"):
        # a model of earlier clusters
        (context.run_folder / f"model.{suffix}").unlink(missing_ok=True)
    write_template(context.run_folder, len(grouped.sizes))
    return StageOutcome()


def is_finished(folder: Path) -> bool:
    """Tell whether a folder has a run of `hertzian cluster` that has come to its end."""
    return (folder / "result.json").is_file() and (folder / "stages" / "page" / FACTS).is_file()


def cluster_facts(folder: Path) -> dict[str, Any]:
    """Return what a finished run of `hertzian cluster` found, as JSON has it."""
    found: dict[str, Any] = json.loads((folder / "stages" / "page" / FACTS).read_text("utf-8"))
    measured = json.loads((folder / "result.json").read_text("utf-8"))["metrics"]["clusters"]
    agreement = {key: measured[key]["mean"] for key in ("nmi", "ari", "acc") if key in measured}
    return {**found, "agreement": agreement or None}


def _facts(page: ClusterPage, grouped: Grouped, medoids: Sequence[Heard | None]) -> dict[str, Any]:
    return {
        "clusters": [
            {
                "cluster": number,
                "signals": one.signals,
                "share": one.share,
                "heard_as": dict(sorted(one.called.items(), key=lambda item: -item[1])),
                "typical": None if medoid is None else {"file": medoid.file, "start": medoid.start},
            }
            for number, (one, medoid) in enumerate(
                zip(page.clusters, medoids, strict=True), start=1
            )
        ],
        "samples": grouped.samples,
        "prediction_strength": {str(k): v for k, v in grouped.strengths.items()} or None,
    }


def _shown(members: Int64, total: int, data: Unlabelled, settings: StageSettings) -> ShownCluster:
    heard = [data.heard[number] for number in members]
    with_time = bool(heard) and heard[0].sample_rate_hz > 0
    return ShownCluster(
        signals=len(members),
        share=len(members) / total,
        iq=_samples(data, settings, int(members[0])) if heard else np.empty(0, np.complex64),
        sample_rate_hz=heard[0].rate_hz if heard else 1.0,
        columns=_SIGNALS if with_time else ("Dataset", Column("Window", "right")),
        typical=[_row(one) for one in heard[:_TYPICAL]],
        called=Counter(one.modulation for one in heard) if with_time else {},
    )


def _samples(data: Unlabelled, settings: StageSettings, number: int) -> Complex:
    """Return a signal at baseband: of a recording its beginning, of a dataset the window."""
    if isinstance(settings, RecordingsSettings):
        return excerpt(settings, data.heard[number])
    x = data.windows[np.array([number])][0].numpy()[0]
    return np.asarray(x[0] + 1j * x[1], np.complex64)


def excerpt(settings: RecordingsSettings, heard: Heard) -> Complex:
    """Read a signal's beginning from its recording, and bring it to 0 Hz and the windows' rate."""
    recording = settings.opened(heard.file)
    ratio = heard.rate_hz / recording.sample_rate_hz
    count = min(heard.count, recording.samples - heard.start, math.ceil(_SHOWN_SAMPLES / ratio))
    iq = recording.read(heard.start, count)
    offset = (heard.center_hz - recording.center_frequency_hz) / recording.sample_rate_hz
    turned = iq * np.exp(-2j * np.pi * offset * np.arange(count))
    return np.asarray(scipy.signal.resample(turned, max(1, round(count * ratio))), np.complex64)


def _row(one: Heard) -> tuple[str | int, ...]:
    """Return what is told of a signal: where, when, and how it was heard."""
    name = shown_path(one.file)
    if not one.sample_rate_hz:
        return name, one.start
    return (
        name,
        engineering(one.start / one.sample_rate_hz, "s"),
        engineering(one.count / one.sample_rate_hz, "s"),
        engineering(one.center_hz, "Hz", 6),
        engineering(one.bandwidth_hz, "Hz", 3),
        f"{one.snr_db:.1f} dB",
        printable(one.modulation),
    )
