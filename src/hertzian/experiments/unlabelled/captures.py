"""The stage that measures clusters named by one signal each, on recordings held out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from hertzian.deployment.export import export_onnx, load_safetensors, save_safetensors
from hertzian.deployment.stored import weights_of
from hertzian.detection import WINDOW
from hertzian.evaluation import evaluate_manifest, read_manifest
from hertzian.evaluation.manifest import FEWEST_FILES, Entry
from hertzian.experiments.classifiers.data import bar, file_digest
from hertzian.experiments.classifiers.tested import answers_of
from hertzian.experiments.classifiers.train import WEIGHTS, stage_name
from hertzian.experiments.stages import (
    ExperimentError,
    StageContext,
    StageOutcome,
    StageSettings,
    contents_digest,
    stage,
)
from hertzian.experiments.unlabelled.group import (
    find_clusters,
    grouped_by,
    in_order_of_size,
    stored_source,
)
from hertzian.experiments.unlabelled.heard import Unlabelled, listen_to
from hertzian.experiments.unlabelled.naming import ClusterName, named_model
from hertzian.experiments.unlabelled.points import by_signal, typical
from hertzian.recognition import Recogniser
from hertzian.recordings import open_recording
from hertzian.signal import LABELS, Detection
from hertzian.training import ArrayDataset


class CapturesSettings(StageSettings):
    """Which recordings, and into how many clusters half of them are put.

    Attributes:
        manifest: a .csv of labelled recordings, as `evaluate` takes it; without it nothing runs.
        model: whose answers are clustered.
        clusters: their number.
        windows: of one signal, at most.
    """

    manifest: str | None = None
    model: str = "field"
    clusters: int = Field(default=12, ge=2)
    windows: int = Field(default=8, ge=1)
    signals: int = Field(default=10_000, ge=2)

    def named_files(self) -> dict[str, str]:
        """Return what tells manifest, recordings and weights from others of their names."""
        found = {"weights": contents_digest(weights_of(self.model))}
        if self.manifest is not None:
            found["manifest"] = file_digest(Path(self.manifest))
            found |= {one.file: file_digest(one.path) for one in read_manifest(self.manifest)}
        return found


@stage("cluster-captures", CapturesSettings, per_seed=True)
def cluster_captures(settings: CapturesSettings, context: StageContext) -> StageOutcome:
    """Cluster half of the recordings, name each cluster by its medoid, recognise the other half.

    The label of the recording that a medoid is from names its whole cluster; no other label of
    that half is looked at.
    """
    entries = _labelled(settings)
    order = np.random.default_rng(context.seed).permutation(len(entries))
    half = len(entries) // 2
    taught, held_out = ([entries[n] for n in np.sort(p)] for p in (order[:half], order[half:]))
    heard = _heard(taught, settings, context)
    source = stored_source(settings.model)
    model, _ = find_clusters(source, heard, settings.clusters, settings.clusters, context.seed)
    assigned = in_order_of_size(model, heard)
    points = by_signal(answers_of(model.points, heard.windows), heard.signal)
    medoids = [own[:1] for own in typical(points, assigned, settings.clusters)]
    labels = {str(entry.path): _label(entry) for entry in taught}
    called = [
        ClusterName(modulation=labels[heard.heard[int(own[0])].file]) if len(own) else ClusterName()
        for own in medoids
    ]
    named = named_model(grouped_by(model, source, assigned), called)
    weights = context.folder / WEIGHTS
    save_safetensors(model, weights)
    load_safetensors(named.module.get_submodule("clusters"), weights)
    export_onnx(named.module, named.metadata, context.folder / "model.onnx")
    block = _recognise(context.folder / "model.onnx", held_out, settings, context)
    name = stage_name(context)
    balanced = block["family"]["mean_recall"]
    if balanced is None:
        raise ExperimentError(
            f"{settings.manifest}: no family has {FEWEST_FILES} recordings or more in the half "
            f"that is held out; give more"
        )
    context.log(f"{name}: {100 * balanced:.1f}% of the families, mean over families")
    told = {
        "balanced_family_accuracy": balanced,
        "family_accuracy": block["family"]["accuracy"],
        "family_recall": block["family"]["recall"],
        "recordings": len(taught),
        "held_out": len(held_out),
        "signals": len(assigned),
    }
    return StageOutcome(metrics={name: told})


def _labelled(settings: CapturesSettings) -> list[Entry]:
    if settings.manifest is None:
        raise ExperimentError(
            "give a list of labelled recordings: --set stages.captures.manifest=FILE.csv"
        )
    entries = [one for one in read_manifest(settings.manifest) if one.family is not None]
    if len(entries) < 4:
        raise ExperimentError(
            f"{settings.manifest}: {len(entries)} labelled recordings; 4 or more are needed"
        )
    return entries


def _heard(
    entries: Sequence[Entry], settings: CapturesSettings, context: StageContext
) -> Unlabelled:
    recordings = [
        open_recording(one.path, format=one.format, sample_rate_hz=one.sample_rate_hz)
        for one in entries
    ]
    with bar("samples", sum(one.samples for one in recordings)) as advance:
        heard = listen_to(recordings, settings, advance, context.log)
    unused = np.zeros(len(heard.x), np.int64)
    windows = ArrayDataset([(heard.x, unused)])
    return Unlabelled(windows, heard.of_window, heard.signals, WINDOW)


def _label(entry: Entry) -> str:
    """Return a recording's modulation, or the first one of its family."""
    if entry.modulation is not None:
        return entry.modulation
    return next(label.name for label in LABELS.values() if label.family == entry.family)


def _recognise(
    model: Path, entries: Sequence[Entry], settings: CapturesSettings, context: StageContext
) -> dict[str, Any]:
    recogniser = Recogniser.load(model)

    def classify(path: Path, form: str | None, rate_hz: float | None) -> Sequence[Detection]:
        return recogniser.recognise(open_recording(path, format=form, sample_rate_hz=rate_hz))

    with bar("recordings", len(entries)) as advance:
        found = evaluate_manifest(
            entries,
            classify,
            model="clusters",
            data=str(settings.manifest),
            noise_confidence=recogniser.noise_confidence,
            advance=advance,
        )
    for failure in found["failed"]:
        context.log(f"warning: left out: {failure['error']}")
    return found
