"""The stage `show-generated`: real features of classes beside generated ones, for the report."""

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from hertzian.experiments.page_generated import GENERATED
from hertzian.experiments.stages import (
    ExperimentError,
    StageContext,
    StageOutcome,
    StageSettings,
    stage,
)
from hertzian.experiments.zeroshot.features import Extracted, Part, generator_of, open_test
from hertzian.models.sigzslnet import FeatureGan
from hertzian.recordings import atomic_path

_SEEDS = 1 << 32  # of scikit-learn
_PERPLEXITY = 30

Features = npt.NDArray[np.float32]


class ShowSettings(StageSettings):
    """`windows` of each class are shown, of those of `unseen` with as many generated beside them.

    At each of `map_at`, SNRs in dB, all are brought onto a plane by t-SNE (van der Maaten and
    Hinton, Visualizing data using t-SNE, 2008). The generator is a stage `generate-features`.
    """

    generator: str
    unseen: str
    windows: int = Field(default=50, ge=2)
    map_at: tuple[int, ...] = ()


@stage("show-generated", ShowSettings)
def show_generated(settings: ShowSettings, context: StageContext) -> StageOutcome:
    """Write `generated.npz`, which the report draws."""
    known, gan = generator_of(context, settings.generator)
    tested = open_test(known, settings.unseen, context)
    torch.manual_seed(context.seed)
    classes = known.vectors.classes
    found: dict[str, npt.NDArray[np.generic]] = {
        "names": np.array([*classes, *(f"{name}, generated" for name in known.vectors.unseen)])
    }
    for number in range(known.vectors.seen, len(classes)):
        real = tested.features[tested.labels == number][: settings.windows]
        level = known.level(tested.snr_db[tested.labels == number][: settings.windows])
        found[f"map, {classes[number]}"] = real
        found[f"map, {classes[number]}, generated"] = _drawn(gan, number, level)
    for snr_db in settings.map_at:
        at = tested.taken(np.round(tested.snr_db) == snr_db)
        if not len(at.labels):
            raise ExperimentError(f"map_at: the test has no windows at {snr_db} dB")
        places, numbers = _plane(known, gan, at, settings, context.seed)
        found[f"places, {snr_db} dB"], found[f"numbers, {snr_db} dB"] = places, numbers
    with atomic_path(context.folder / GENERATED) as partial, partial.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **found)
    context.publish(context.folder / GENERATED)
    return StageOutcome()


def _plane(
    known: Extracted, gan: FeatureGan, at: Part, settings: ShowSettings, seed: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Return places [n, 2] of real windows at one SNR and generated ones, and what each is."""
    features, numbers = [], []
    for number in range(len(known.vectors.classes)):
        features.append(at.features[at.labels == number][: settings.windows])
        numbers.append(np.full(len(features[-1]), number))
    level = known.level(at.snr_db[:1]).repeat(settings.windows)
    for place, number in enumerate(range(known.vectors.seen, len(known.vectors.classes))):
        features.append(_drawn(gan, number, level))
        numbers.append(np.full(len(level), len(known.vectors.classes) + place))
    rows = np.concatenate(features)
    perplexity = min(_PERPLEXITY, (len(rows) - 1) / 3)
    with threadpool_limits(1):
        places = TSNE(perplexity=perplexity, init="pca", random_state=seed % _SEEDS).fit_transform(
            rows
        )
    return places.astype(np.float32), np.concatenate(numbers)


def _drawn(gan: FeatureGan, number: int, level: npt.NDArray[np.float32]) -> Features:
    """Return features that are generated of a class, in the extractor's units."""
    with torch.no_grad():
        drawn: Features = gan(torch.full((len(level),), number), torch.from_numpy(level)).numpy()
    return drawn
