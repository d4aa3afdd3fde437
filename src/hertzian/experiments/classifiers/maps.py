"""The stage `feature-maps`: what trained networks make of the same example of each class."""

from typing import Any

import numpy as np
import torch
from pydantic import Field

from hertzian.experiments.classifiers.data import SplitData, split_data
from hertzian.experiments.classifiers.train import trained
from hertzian.experiments.stages import (
    ExperimentError,
    StageContext,
    StageOutcome,
    StageSettings,
    stage,
)
from hertzian.recordings import atomic_path
from hertzian.signal import canonical

FEATURES = "features.npz"


class MapSettings(StageSettings):
    """A feature of `networks` (stages), for the first test example of each class at `snr`."""

    data: str = "data"
    networks: tuple[str, ...] = Field(min_length=1)
    feature: str
    classes: tuple[str, ...] = Field(min_length=1)
    snr: float


@stage("feature-maps", MapSettings)
def draw_maps(settings: MapSettings, context: StageContext) -> StageOutcome:
    """Write `features.npz`, which the report draws."""
    data = split_data(context, settings.data)
    examples = {name: _example(data, canonical(name), settings.snr) for name in settings.classes}
    maps = {}
    for network in settings.networks:
        model: Any = trained(context, network)
        for name, window in examples.items():
            with torch.no_grad():
                found = model.features(torch.from_numpy(window)[None])
            if settings.feature not in found:
                known = ", ".join(found)
                raise ExperimentError(f"{network}: no feature {settings.feature!r}; has {known}")
            one = found[settings.feature][0].float().numpy()
            maps[f"{network}, {name}"] = one if one.ndim == 2 else one.reshape(1, -1)
    with atomic_path(context.folder / FEATURES) as partial, partial.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **maps)
    context.publish(context.folder / FEATURES)
    return StageOutcome()


def _example(data: SplitData, label: str, snr_db: float) -> np.ndarray[Any, np.dtype[np.float32]]:
    if label not in data.classes:
        raise ExperimentError(f"the data have no class {label!r}; they have {data.classes}")
    rows = data.split.parts["test"]
    wanted = data.dataset.modulation[rows] == data.classes.index(label)
    wanted &= data.dataset.snr_db[rows] == snr_db
    if not wanted.any():
        raise ExperimentError(f"the test part has no {label} at {snr_db:g} dB")
    first = rows[wanted][:1]
    return np.asarray(data.dataset.x.rows(first)[0], dtype=np.float32)
