import numpy as np
import pytest
import torch
from tests.training.examples import Layered, windows

from hertzian.evaluation import EvaluationError
from hertzian.evaluation.clusters import cluster_block, refuse_collapse
from hertzian.signal import HertzianError
from hertzian.training import (
    ArrayDataset,
    Mixed,
    PairClassifier,
    PairClustering,
    Settling,
    fit,
    history,
)

OPTIONS = {"batch_size": 64, "threads": 1, "progress": False}


def unlabelled(data):
    """The same windows with labels that say nothing."""
    x, _ = data[np.arange(len(data))]
    return ArrayDataset([(x.numpy(), np.zeros(len(x), np.int64))])


def pretrained(folder, epochs=15):
    data = windows(600, 1, 128)
    learner = PairClassifier(Layered(), 3, 1e-2)
    return learner, fit(learner, data, Mixed(data), epochs=epochs, directory=folder, **OPTIONS)


def test_pairs_are_learnt_without_knowing_which_class_is_which(tmp_path):
    learner, result = pretrained(tmp_path)
    assert result.best_accuracy > 0.9
    data = windows(300, 9, 128)
    x, labels = data[np.arange(300)]
    with torch.no_grad():
        clusters = learner.model(x).argmax(dim=1)
    assert cluster_block(labels.numpy(), clusters.numpy())["acc"] > 0.9


def test_clusters_are_learnt_without_labels(tmp_path):
    learner, _ = pretrained(tmp_path / "before", epochs=1)
    data = windows(600, 5, 128)
    x, labels = data[np.arange(600)]
    with torch.no_grad():
        before = cluster_block(labels.numpy(), learner.model(x).argmax(dim=1).numpy())["acc"]
    clustering = PairClustering(learner.model, 3, 1e-3)
    target = unlabelled(data)
    result = fit(clustering, target, target, epochs=40, directory=tmp_path / "run", **OPTIONS)
    assert result.complete
    assert result.epochs < 40  # it settled
    assert result.best_accuracy >= 0.999  # that many kept their cluster in the last epoch
    block = cluster_block(labels.numpy(), clustering.assigned.numpy())
    assert before < 0.8
    assert block["acc"] > 0.95
    with torch.no_grad():
        said = clustering.model(x).argmax(dim=1)
    assert (said == clustering.assigned).float().mean() > 0.99


def test_without_pre_training_this_one_collapses_and_is_refused(tmp_path):
    clustering = PairClustering(Layered(), 3, 1e-3)
    target = unlabelled(windows(300, 5, 128))
    fit(clustering, target, target, epochs=5, directory=tmp_path / "run", **OPTIONS)
    with pytest.raises(EvaluationError, match="the clusters have collapsed"):
        refuse_collapse(clustering.assigned.numpy())


def test_an_interrupted_clustering_goes_on_to_the_same_result(tmp_path):
    target = unlabelled(windows(300, 5, 128))

    def run(folder, *epochs):
        for most in epochs:
            learner = PairClustering(Layered(), 3, 1e-3, settling=Settling(1.0, 9))
            fit(learner, target, target, epochs=most, directory=folder, **OPTIONS)
        return learner, history(folder)

    (whole, told), (resumed, told_again) = run(tmp_path / "a", 6), run(tmp_path / "b", 3, 6)
    assert torch.equal(whole.assigned, resumed.assigned)
    for ours, theirs in zip(whole.model.parameters(), resumed.model.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    assert told == told_again


def test_thresholds_that_close_end_it_when_they_meet(tmp_path):
    target = unlabelled(windows(300, 5, 128))
    options = {"upper": 0.9, "lower": 0.5, "closing": 0.15, "settling": Settling(1.0, 99)}
    learner = PairClustering(Layered(), 3, 1e-3, balance=1.0, **options)
    assert learner.thresholds(2) == pytest.approx((0.6, 0.53))
    result = fit(learner, target, target, epochs=20, directory=tmp_path, **OPTIONS)
    assert result.complete
    assert result.epochs == 3  # 0.45 is below 0.545
    with pytest.raises(HertzianError, match="close by 0 or more"):
        PairClustering(Layered(), 3, 1e-3, closing=-0.1)


def test_a_batch_of_one_class_is_no_reason_to_fail():
    learner = PairClassifier(Layered(), 3, 1e-2).eval()
    x, _ = windows(8, 3, 128)[np.arange(8)]
    assert torch.isfinite(learner.training_loss((x, torch.zeros(8, dtype=torch.int64))))
    assert torch.isfinite(learner.training_loss((x[:1], torch.zeros(1, dtype=torch.int64))))


@pytest.mark.parametrize(("upper", "lower"), [(0.5, 0.5), (0.5, 0.9), (1.1, 0.5), (0.9, -0.1)])
def test_thresholds_are_in_order(upper, lower):
    with pytest.raises(HertzianError, match="0 <= lower < upper <= 1"):
        PairClustering(Layered(), 3, 1e-3, upper=upper, lower=lower)


@pytest.mark.parametrize(("share", "epochs"), [(0.0, 1), (1.1, 1), (0.9, 0)])
def test_settling_takes_a_share_and_an_epoch(share, epochs):
    with pytest.raises(HertzianError, match="clusters settle when"):
        Settling(share, epochs)


def test_a_mixed_order_is_another_order_of_all():
    data = ArrayDataset([(np.zeros((50, 2, 4), np.float32), np.arange(50))])
    mixed = Mixed(data, seed=3)
    first = mixed[np.arange(10)][1].tolist()
    assert first != list(range(10))
    rest = mixed[np.arange(10, 50)][1].tolist()
    assert sorted(first + rest) == list(range(50))
    assert len(mixed) == 50
