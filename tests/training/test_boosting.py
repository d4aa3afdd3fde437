import numpy as np
import pytest
import torch
from sklearn.ensemble import HistGradientBoostingClassifier

from hertzian.models.boosted_features import BoostedTrees
from hertzian.signal import HertzianError
from hertzian.training.boosting import grow


def points(count, classes, seed):
    random = np.random.default_rng(seed)
    labels = random.integers(classes, size=count)
    features = random.normal(size=(count, 5)).astype(np.float32)
    features[:, 2] += labels
    features[:, 4] *= 1 + labels
    return features, labels


@pytest.mark.parametrize("classes", [2, 4])
def test_trees_answer_as_scikit_learn_does(classes):
    training, validation = points(3000, classes, 0), points(800, classes, 1)
    trees = BoostedTrees(5, classes, rounds=12, depth=4)
    losses = grow(trees, training, validation, learning_rate=0.2, seed=0)
    assert len(losses) == 12
    theirs = HistGradientBoostingClassifier(
        learning_rate=0.2,
        max_iter=int(np.argmin(losses)) + 1,
        max_depth=4,
        max_leaf_nodes=None,
        min_samples_leaf=40,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=0,
    ).fit(*training)
    with torch.no_grad():
        ours = trees(torch.from_numpy(validation[0])).softmax(dim=1).numpy()
    assert ours == pytest.approx(theirs.predict_proba(validation[0]), abs=1e-5)
    assert (ours.argmax(axis=1) == validation[1]).mean() > 1.4 / classes


def test_rounds_that_validation_loses_by_are_left_out():
    # labels that nothing tells: every round fits noise
    random = np.random.default_rng(3)
    training, validation = (
        (random.normal(size=(400, 3)).astype(np.float32), random.integers(2, size=400))
        for _ in range(2)
    )
    trees = BoostedTrees(3, 2, rounds=40, depth=3)
    losses = grow(trees, training, validation, learning_rate=0.5, seed=0)
    kept = int(np.argmin(losses)) + 1
    assert kept < 20
    told = trees.leaves.reshape(40, 2, -1)
    assert (told[kept:] == 0).all()
    assert (told[:kept, 1] != 0).any()


def test_every_class_must_be_there():
    features, labels = points(300, 3, 0)
    trees = BoostedTrees(5, 4, rounds=2, depth=2)
    with pytest.raises(HertzianError, match="every class"):
        grow(trees, (features, labels), (features, labels), learning_rate=0.1, seed=0)


def test_one_class_has_nothing_to_tell():
    features, _ = points(300, 2, 0)
    alone = (features, np.zeros(300, np.int64))
    with pytest.raises(HertzianError, match="two or more classes"):
        grow(BoostedTrees(5, 1, rounds=2, depth=2), alone, alone, learning_rate=0.1, seed=0)
