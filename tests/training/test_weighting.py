import numpy as np
import pytest
import torch
from scipy.stats import entropy
from tests.training.examples import Tiny, windows

from hertzian.signal import HertzianError
from hertzian.training import (
    ArrayDataset,
    Classifier,
    WeightedClassifier,
    WeightedDataset,
    confidence,
    confidence_weights,
    fit,
)


@pytest.mark.parametrize("k", [2, 3, 4, 11])
def test_confidence_is_one_minus_the_entropy_of_the_largest(k):
    p = np.random.default_rng(0).dirichlet(np.full(11, 0.3), 200)
    largest = np.sort(p, axis=1)[:, -k:]
    expected = 1 - entropy(largest, axis=1, base=k)
    assert confidence(torch.from_numpy(p), k).numpy() == pytest.approx(expected, abs=1e-12)


def test_confidence_at_its_ends():
    rows = torch.tensor([[1.0, 0, 0, 0], [0.5, 0.5, 0, 0], [0.25] * 4, [0.3, 0.3, 0.3, 0.1]])
    found = confidence(rows, 3).tolist()
    assert found == pytest.approx([1, 1 - np.log(2) / np.log(3), 0, 0], abs=1e-6)
    for k in (1, 5):
        with pytest.raises(HertzianError, match="k is from 2 to 4"):
            confidence(rows, k)


def test_any_network_gives_the_weights_in_the_order_of_the_data():
    data = windows(100, 3, 64)
    model = Tiny().train()
    found = confidence_weights(model, data, k=2, batch_size=33)
    x, _ = data[np.arange(100)]
    with torch.no_grad():
        p = model.eval()(x).softmax(1).numpy()
    largest = np.sort(p, axis=1)[:, -2:]
    assert found == pytest.approx(1 - entropy(largest, axis=1, base=2), abs=1e-5)


def test_loss_is_the_mean_of_weighted_cross_entropies():
    data = windows(40, 5, 64)
    weights = np.random.default_rng(0).random(40)
    learner = WeightedClassifier(Tiny().eval(), 3, 1e-3)
    batch = WeightedDataset(data, weights)[np.arange(10, 30)]
    x, labels = data[np.arange(10, 30)]
    with torch.no_grad():
        logs = torch.log_softmax(learner.model(x), 1).numpy()
        expected = -(weights[10:30] * logs[np.arange(20), labels]).sum() / 20
        assert learner.training_loss(batch).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    "weights", [np.ones(39), np.ones((40, 1)), np.full(40, -0.1), np.full(40, np.nan)]
)
def test_other_weights_are_refused(weights):
    with pytest.raises(HertzianError, match="expected 40 finite numbers"):
        WeightedDataset(windows(40, 5, 64), weights)


def test_a_second_network_learns_from_the_weights_of_a_first(tmp_path):
    data, validation = windows(600, 1, 128), windows(300, 2, 128)
    options = {"batch_size": 50, "epochs": 6, "threads": 1, "progress": False}
    first = Classifier(Tiny(), 3, 0.05, stop_after=3)
    fit(first, data, validation, directory=tmp_path / "first", **options)
    weights = confidence_weights(first.model, data)
    assert weights.std() > 0.05
    second = WeightedClassifier(Tiny(), 3, 0.05, stop_after=3)
    result = fit(
        second, WeightedDataset(data, weights), validation, directory=tmp_path / "second", **options
    )
    assert result.best_accuracy > 0.8  # chance is a third


def test_an_example_without_weight_teaches_nothing(tmp_path):
    data = windows(300, 1, 128)
    x, labels = data[np.arange(300)]
    spoilt = ArrayDataset([(x.numpy(), (labels.numpy() + (np.arange(300) < 150)) % 3)])
    weights = (np.arange(300) >= 150).astype(float)
    learner = WeightedClassifier(Tiny(), 3, 0.05)
    result = fit(
        learner,
        WeightedDataset(spoilt, weights),
        windows(300, 2, 128),
        directory=tmp_path,
        **{"batch_size": 50, "epochs": 6, "threads": 1, "progress": False},
    )
    assert result.best_accuracy > 0.8
