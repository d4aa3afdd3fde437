"""Growing the trees of `boosted-features`, by scikit-learn."""

import numpy as np
import numpy.typing as npt
import torch
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import log_loss
from threadpoolctl import threadpool_limits

from hertzian.models.boosted_features import BoostedTrees
from hertzian.signal import HertzianError

Features = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]


def grow(
    trees: BoostedTrees,
    training: tuple[Features, Labels],
    validation: tuple[Features, Labels],
    *,
    learning_rate: float,
    seed: int,
    threads: int = 1,
) -> list[float]:
    """Grow trees by gradient boosting (Friedman 2001); keep the rounds that validation gains by.

    Args:
        trees: where they go; as many rounds and questions as it has.
        training: features float32 [n, features] and labels int [n], every class among them.
        validation: likewise, of whom the log loss is to be least.
        learning_rate: by which every tree counts.
        seed: of scikit-learn.
        threads: of the processor.

    Returns:
        The validation loss after each round.

    Raises:
        HertzianError: one class alone, or classes are missing from the training part.
    """
    features, labels = training
    if trees.class_count < 2:
        raise HertzianError("boosted trees tell two or more classes apart")
    if not np.array_equal(np.unique(labels), np.arange(trees.class_count)):
        raise HertzianError("boosted trees need windows of every class in the training part")
    boosting = HistGradientBoostingClassifier(
        learning_rate=learning_rate,
        max_iter=trees.rounds,
        max_depth=trees.depth,
        max_leaf_nodes=None,
        min_samples_leaf=40,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=seed,
    )
    with threadpool_limits(threads):
        boosting.fit(features, labels)
        staged = boosting.staged_predict_proba(validation[0])
        losses = [
            float(log_loss(validation[1], said, labels=np.arange(trees.class_count)))
            for said in staged
        ]
    _take(trees, boosting, int(np.argmin(losses)) + 1)
    return losses


def _take(trees: BoostedTrees, boosting: HistGradientBoostingClassifier, rounds: int) -> None:
    """Copy the trees of the first rounds; those after them say nothing."""
    # scikit-learn has no public way to these arrays; a test compares the answers
    grown, base = boosting._predictors, np.asarray(boosting._baseline_prediction).ravel()
    binary = trees.class_count == 2
    with torch.no_grad():
        trees.leaves.zero_()
        trees.feature.zero_()
        trees.threshold.fill_(torch.inf)
        # of two classes one has trees, whose sum is the logit of the second
        trees.base.copy_(torch.tensor([0.0, base[0]] if binary else base, dtype=torch.float32))
        for number, one_round in enumerate(grown[:rounds]):
            for column, tree in enumerate(one_round, start=int(binary)):
                row = number * trees.class_count + column
                _copy(trees, row, tree.nodes, 0, 0, 0)


def _copy(
    trees: BoostedTrees, row: int, nodes: npt.NDArray[np.void], node: int, place: int, asked: int
) -> None:
    """Copy the part of a tree below a node to a place in the complete tree, `asked` questions down.

    A leaf above the last questions answers at the leftmost leaf below it: its threshold of infinity
    leads there.
    """
    here = nodes[node]
    if asked == trees.depth:
        trees.leaves[row, place - (2**trees.depth - 1)] = float(here["value"])
    elif here["is_leaf"]:
        _copy(trees, row, nodes, node, 2 * place + 1, asked + 1)
    else:
        trees.feature[row, place] = int(here["feature_idx"])
        trees.threshold[row, place] = float(here["num_threshold"])
        _copy(trees, row, nodes, int(here["left"]), 2 * place + 1, asked + 1)
        _copy(trees, row, nodes, int(here["right"]), 2 * place + 2, asked + 1)
