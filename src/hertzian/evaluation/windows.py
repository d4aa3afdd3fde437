"""A model against a dataset of windows."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hertzian.datasets.dataset import Dataset, Float32
from hertzian.deployment import DatasetIdentity, ModelMetadata, Predictor
from hertzian.evaluation.classes import EvaluationError, Matching, match_classes
from hertzian.evaluation.metrics import error_block, evaluation_block, softmax
from hertzian.signal import MODULATION, POSITIVE, PROTOCOL, QUANTITIES


def refuse_seen(dataset: Dataset, trained_on: Iterable[DatasetIdentity], data: str) -> None:
    """Check that a model has not seen a dataset, by preset and seed.

    Raises:
        EvaluationError: it has.
    """
    if DatasetIdentity(preset=dataset.preset, seed=dataset.seed) in set(trained_on):
        raise EvaluationError(
            f"{data}: the model was trained on this data (preset {dataset.preset!r}, seed "
            f"{dataset.seed}), so the result would mean nothing; make data with another seed"
        )


def evaluate_windows(
    predictor: Predictor,
    dataset: Dataset,
    *,
    data: str,
    model: str | None = None,
    common: bool = False,
    advance: Callable[[float], None] = lambda windows: None,
) -> dict[str, Any]:
    """Return the block of `evaluate --json` for a model on windows.

    The probabilities of a window are softmax(logits / T + b), over the classes compared. Where
    other heads of the model can be compared too, protocols and quantities on data that have them,
    there is a block for each under `heads`, that of a quantity as `error_block` has it. Windows
    without a protocol don't count in its block.

    Args:
        predictor: the model.
        dataset: windows of the model's length.
        data: how to name the data.
        model: how to name the model; None takes its own name.
        common: compare on the classes that both have.
        advance: told how many windows are done.

    Raises:
        EvaluationError: classes or window lengths differ, or no window is left to compare.
    """
    metadata = predictor.metadata
    samples = dataset.x.shape[2]
    if samples != metadata.samples:
        raise EvaluationError(
            f"{data}: windows have {samples} samples, but {metadata.name} takes {metadata.samples}"
        )
    compared = _heads(metadata, dataset, common)
    wanted = np.any([head.truth >= 0 for head in compared.values()], axis=0)
    snr_db = dataset.snr_db[wanted]
    measured = _measured(metadata, dataset, wanted)
    names = [*compared, *measured]
    rows: dict[str, list[Float32]] = {name: [] for name in names}
    for place, x in dataset.batches():
        kept = wanted[place]
        if kept.any():
            for name, answer in _answers(predictor, x[kept], names).items():
                rows[name].append(answer)
        advance(len(x))
    called = metadata.name if model is None else model
    blocks = {
        name: _block(head, rows[name], dataset.snr_db, wanted, model=called, data=data)
        for name, head in compared.items()
    }
    for name, truth in measured.items():
        blocks[name] = error_block(
            np.concatenate(rows[name])[:, 0],
            truth,
            snr_db,
            labels=compared[MODULATION].truth[wanted],
            classes=compared[MODULATION].matching.classes,
            relative=name in POSITIVE,
        )
    if len(blocks) == 1:
        return blocks[MODULATION]
    return {"model": called, "data": data, "examples": int(wanted.sum()), "heads": blocks}


@dataclass(frozen=True)
class _Head:
    """What one head is compared on: `truth` int [n] is -1 for windows that are not."""

    matching: Matching
    truth: npt.NDArray[np.int64]
    temperature: float
    biases: npt.NDArray[np.float64]


def _heads(metadata: ModelMetadata, dataset: Dataset, common: bool) -> dict[str, _Head]:
    matching = match_classes(metadata.classes, dataset.modulations, common=common)
    truth = matching.labels[dataset.modulation]
    biases = _biases(metadata.biases, matching)
    found = {MODULATION: _Head(matching, truth, metadata.temperature, biases)}
    protocol = _protocol(metadata, dataset, common)
    return found if protocol is None else {**found, PROTOCOL: protocol}


def _protocol(metadata: ModelMetadata, dataset: Dataset, common: bool) -> _Head | None:
    """Return what protocols are compared on, which go by their exact names; None for nothing."""
    if not metadata.protocols or dataset.protocol is None or not (dataset.protocol >= 0).any():
        return None
    try:
        matching = match_classes(metadata.protocols, dataset.protocols, common=common, name=str)
    except EvaluationError as error:
        if common:  # modulations alone are left to compare
            return None
        raise EvaluationError(f"protocols: {error}") from None
    truth = np.append(matching.labels, -1)[dataset.protocol]
    if not (truth >= 0).any():
        return None
    biases = _biases(metadata.protocol_biases, matching)
    return _Head(matching, truth, metadata.protocol_temperature, biases)


def _measured(
    metadata: ModelMetadata, dataset: Dataset, wanted: npt.NDArray[np.bool_]
) -> dict[str, Float32]:
    """Return the truth of the windows wanted for each quantity that model and data both have."""
    columns = {name: getattr(dataset, name) for name in QUANTITIES if name in metadata.quantities}
    known = {name: each[wanted] for name, each in columns.items() if each is not None}
    return {name: each for name, each in known.items() if np.isfinite(each).any()}


def _biases(biases: tuple[float, ...], matching: Matching) -> npt.NDArray[np.float64]:
    """Return the bias of each class compared; no biases are zeros."""
    return np.asarray(biases)[matching.columns] if biases else np.zeros(len(matching.classes))


def _answers(predictor: Predictor, x: Float32, names: Sequence[str]) -> dict[str, Float32]:
    """Return what the heads compared say; the modulation's alone is quicker to have."""
    if list(names) == [MODULATION]:
        return {MODULATION: predictor.logits(x)}
    answers = predictor.heads(x)
    return {name: answers[name] for name in names}


def _block(
    head: _Head,
    answers: list[Float32],
    snr_db: Float32,
    wanted: npt.NDArray[np.bool_],
    *,
    model: str,
    data: str,
) -> dict[str, Any]:
    compared = head.truth >= 0
    classes = head.matching.classes
    logits = np.concatenate(answers)[compared[wanted]] if answers else np.empty((0, len(classes)))
    scores = logits[:, head.matching.columns] if answers else logits
    return evaluation_block(
        model=model,
        data=data,
        classes=classes,
        probabilities=softmax(scores / head.temperature + head.biases),
        truth=head.truth[compared],
        snr_db=snr_db[compared],
    )
