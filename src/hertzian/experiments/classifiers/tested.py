"""What a trained network says of the test part."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from hertzian.evaluation import evaluation_block, evaluation_curves, softmax
from hertzian.experiments.classifiers.data import SplitData
from hertzian.experiments.stages import ExperimentError
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
    answers = Answers(logits(model, data.part("test")), data.labels("test"), data.classes)
    block = answers_block(answers, data, name, folder, confusion_at)
    return {**block, **size_of(model, data.samples), "history": columns(history(folder))}


@dataclass(frozen=True)
class Answers:
    """What a head says of the test part: `logits` [n, classes] and the truth, -1 where unknown."""

    logits: npt.NDArray[np.float32]
    truth: npt.NDArray[np.int64]
    classes: Sequence[str]


def answers_block(
    answers: Answers, data: SplitData, name: str, folder: Path, confusion_at: Sequence[int]
) -> dict[str, Any]:
    """Write `predictions.npz` of what a head says of the test part, and return its metrics."""
    told = answers.truth >= 0
    truth, snr_db = answers.truth[told], data.snr_db("test")[told]
    probabilities, classes = softmax(answers.logits[told]), answers.classes
    with atomic_path(folder / PREDICTIONS) as partial, partial.open("wb") as file:
        np.savez_compressed(
            file,
            probabilities=probabilities.astype(np.float32),
            truth=truth,
            snr_db=snr_db,
            classes=np.array(classes),
            examples=np.array(data.description),
        )
    doubtless = confidence(torch.from_numpy(probabilities), k=min(3, len(classes))).numpy()
    return {
        **evaluation_block(
            model=name,
            data=f"test part of {data.dataset.preset or 'the file'}",
            classes=classes,
            probabilities=probabilities,
            truth=truth,
            snr_db=snr_db,
        ),
        **evaluation_curves(
            classes=classes,
            probabilities=probabilities,
            truth=truth,
            snr_db=snr_db,
            confusion_at=confusion_at,
            weights=doubtless,
        ),
    }


def size_of(model: nn.Module, samples: int) -> dict[str, int]:
    """Return a network's parameters, and its MACs for a window."""
    return {"parameters": count_parameters(model), "macs": count_macs(model, samples)}


def logits(
    model: nn.Module, windows: BatchSource, head: str | None = None
) -> npt.NDArray[np.float32]:
    """Return a network's logits [n, classes], in the order of the windows.

    Args:
        model: of one head, or of several with `head` the name of that which is asked.
        windows: what it is asked about.
        head: None for a network of one.
    """
    device = next(model.eval().parameters()).device

    def ask(x: torch.Tensor) -> torch.Tensor:
        answer = model(x.to(device))
        chosen: torch.Tensor = answer if head is None else answer[head]
        return chosen

    return answers_of(ask, windows)


def embeddings(model: nn.Module, windows: BatchSource) -> npt.NDArray[np.float32]:
    """Return a network's feature `embedding`, flat: [n, features], in the order of the windows.

    Raises:
        ExperimentError: it has none.
    """
    network: Any = model.eval()

    def embedding(x: torch.Tensor) -> torch.Tensor:
        features = network.features(x) if hasattr(model, "features") else {}
        if "embedding" not in features:
            raise ExperimentError(f"{type(model).__name__} has no feature `embedding`")
        found: torch.Tensor = features["embedding"].flatten(1)
        return found

    return answers_of(embedding, windows)


def answers_of(
    ask: Callable[[torch.Tensor], torch.Tensor], windows: BatchSource
) -> npt.NDArray[np.float32]:
    """Return what a function gives for each window, [n, ...], in their order."""
    with torch.no_grad():
        found = [ask(x).float().cpu().numpy() for x, *_ in batch_loader(windows, _BATCH, None)]
    return np.concatenate(found)


def columns(epochs: Sequence[dict[str, float]]) -> dict[str, list[float | None]]:
    """Return the epochs' figures by name."""
    names = dict.fromkeys(name for epoch in epochs for name in epoch if name != "step")
    return {name: [epoch.get(name) for epoch in epochs] for name in names}
