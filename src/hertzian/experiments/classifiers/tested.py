"""What a trained network says of the test part."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from hertzian.evaluation import evaluation_block, evaluation_curves, softmax
from hertzian.experiments.classifiers.data import SplitData
from hertzian.models import count_macs, count_parameters
from hertzian.recordings import atomic_path
from hertzian.training import BatchSource, batch_loader, confidence, history

PREDICTIONS = "predictions.npz"
_BATCH = 1024


def test_block(
    model: nn.Module, data: SplitData, name: str, folder: Path, confusion_at: Sequence[int]
) -> dict[str, Any]:
    """Test a network, write `predictions.npz`, and return its metrics.

    Args:
        model: with the weights to test.
        data: its part `test` is taken.
        name: goes into the metrics.
        folder: of the stage, which `training.fit` wrote to.
        confusion_at: SNRs in dB of which the confusion is kept.
    """
    probabilities = softmax(logits(model, data.part("test")))
    truth, snr_db = data.labels("test"), data.snr_db("test")
    with atomic_path(folder / PREDICTIONS) as partial, partial.open("wb") as file:
        np.savez_compressed(
            file,
            probabilities=probabilities.astype(np.float32),
            truth=truth,
            snr_db=snr_db,
            classes=np.array(data.classes),
            examples=np.array(data.description),
        )
    doubtless = confidence(torch.from_numpy(probabilities), k=min(3, len(data.classes))).numpy()
    return {
        **evaluation_block(
            model=name,
            data=f"test part of {data.dataset.preset or 'the file'}",
            classes=data.classes,
            probabilities=probabilities,
            truth=truth,
            snr_db=snr_db,
        ),
        **evaluation_curves(
            classes=data.classes,
            probabilities=probabilities,
            truth=truth,
            snr_db=snr_db,
            confusion_at=confusion_at,
            weights=doubtless,
        ),
        "parameters": count_parameters(model),
        "macs": count_macs(model, data.samples),
        "history": _columns(history(folder)),
    }


def logits(model: nn.Module, windows: BatchSource) -> npt.NDArray[np.float32]:
    """Return a network's logits [n, classes], in the order of the windows."""
    model.eval()
    device = next(model.parameters()).device
    with torch.no_grad():
        found = [
            model(x.to(device)).float().cpu().numpy()
            for x, *_ in batch_loader(windows, _BATCH, None)
        ]
    return np.concatenate(found)


def _columns(epochs: Sequence[dict[str, float]]) -> dict[str, list[float | None]]:
    """Return the epochs' figures by name."""
    names = dict.fromkeys(name for epoch in epochs for name in epoch if name != "step")
    return {name: [epoch.get(name) for epoch in epochs] for name in names}
