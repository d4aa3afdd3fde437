import numpy as np
import pytest
import torch
from tests.training.examples import moments, windows
from torch import nn

from hertzian.models.heads import MultiHead
from hertzian.signal import HertzianError
from hertzian.training import MultiTask, TaskDataset, fit, history

CLASSES = {"modulation": 3, "protocol": 2}
HEADS = (*CLASSES, "lag")
OPTIONS = {"batch_size": 50, "threads": 1, "progress": False}


class Shared(nn.Module):
    def __init__(self, outputs):
        super().__init__()
        self.head = nn.Sequential(nn.Dropout(0.1), nn.Linear(3, outputs))

    def forward(self, x):
        return self.head(moments(x))


def network():
    torch.manual_seed(4)
    return MultiHead(lambda head, outputs: Shared(outputs), CLASSES, ["lag"])


def told(count, seed):
    """Windows whose protocol is whether there is a signal, and whose quantity a moment tells."""
    data = windows(count, seed, 128)
    x, labels = data[np.arange(count)]
    lag = 40 + 5 * moments(x)[:, 2].numpy()
    protocol = (labels.numpy() == 2).astype(np.int64)
    protocol[::10] = -1
    lag[::7] = np.nan
    return TaskDataset(data, [protocol, lag])


def prepared(data):
    model = network()
    model.heads["lag"].standardise(data[np.arange(len(data))][3])
    return model


@pytest.fixture
def batch():
    data = told(60, 5)
    return prepared(data).eval(), data[np.arange(60)]


def expected_losses(model, batch):
    labels, protocol, lag = (one.numpy() for one in batch[1:])
    with torch.no_grad():
        said = {name: value.numpy().astype(float) for name, value in model(batch[0]).items()}
    found = []
    for name, truth in (("modulation", labels), ("protocol", protocol)):
        logs = said[name] - np.log(np.exp(said[name]).sum(axis=1, keepdims=True))
        rows = np.flatnonzero(truth >= 0)
        found.append(-logs[rows, truth[rows]].mean())
    known = lag[np.isfinite(lag)]
    errors = np.abs(said["lag"][np.isfinite(lag), 0] - known) / known.std(ddof=1)
    found.append(np.where(errors < 1, errors**2 / 2, errors - 0.5).mean())
    return np.array(found)


def test_joint_loss_is_the_weighted_sum(batch):
    model, examples = batch
    weights = {"modulation": 0.2, "protocol": 0.8, "lag": 0.5}
    learner = MultiTask(model, 1e-3, weights=weights).eval()
    expected = expected_losses(model, examples) @ list(weights.values())
    assert learner.training_loss(examples).item() == pytest.approx(expected, rel=1e-5)


def test_learned_weights_follow_the_uncertainty(batch):
    model, examples = batch
    learner = MultiTask(model, 1e-3, weights=None).eval()
    with torch.no_grad():
        learner.log_variances.copy_(torch.tensor([0.3, -0.4, 1.0]))
    losses = expected_losses(model, examples)
    expected = losses @ np.exp([-0.3, 0.4, -1.0]) + (0.3 - 0.4 + 1.0) / 2
    loss = learner.training_loss(examples)
    assert loss.item() == pytest.approx(expected, rel=1e-5)
    loss.backward()
    # at its best a weight is what the loss says of the variance
    slopes = 0.5 - losses * np.exp([-0.3, 0.4, -1.0])
    assert learner.log_variances.grad.numpy() == pytest.approx(slopes, rel=1e-4)
    assert learner.configure_optimizers().param_groups[1]["params"] == [learner.log_variances]


def test_a_batch_that_tells_nothing_of_a_task_is_no_loss_of_it(batch):
    model, (x, labels, protocol, lag) = batch
    learner = MultiTask(model, 1e-3, weights=dict.fromkeys(HEADS, 1.0)).eval()
    silent = (x, labels, torch.full_like(protocol, -1), torch.full_like(lag, torch.nan))
    loss = learner.training_loss(silent)
    assert loss.item() == pytest.approx(expected_losses(model, (x, labels, protocol, lag))[0])
    loss.backward()
    assert all(p.grad is None or not p.grad.any() for p in model.heads["lag"].parameters())
    learned = MultiTask(model, 1e-3, weights=None).eval()
    learned.training_loss(silent).backward()
    assert learned.log_variances.grad[0] != 0
    assert learned.log_variances.grad[1:].tolist() == [0, 0]


@pytest.mark.parametrize("weights", [{"modulation": 0.2, "protocol": 0.8, "lag": 0.1}, None])
def test_all_tasks_are_learnt_and_an_interrupted_run_ends_alike(tmp_path, weights):
    data, validation = told(600, 1), told(300, 2)
    for name, courses in (("whole", (8,)), ("resumed", (3, 8))):
        for epochs in courses:
            learner = MultiTask(prepared(data), 0.05, weights=weights)
            fit(learner, data, validation, epochs=epochs, directory=tmp_path / name, **OPTIONS)
    last = history(tmp_path / "whole")[-1]
    assert last["validation_accuracy"] > 0.8  # chance is a third
    assert last["validation_accuracy_protocol"] > 0.85  # chance is two thirds
    assert last["validation_error_lag"] < 0.5 * float(learner.model.heads["lag"].deviation)
    whole, resumed = (
        torch.load(tmp_path / name / "last.ckpt", weights_only=True)
        for name in ("whole", "resumed")
    )
    assert ("log_variances" in whole["state_dict"]) == (weights is None)
    for key, value in whole["state_dict"].items():
        assert torch.equal(value, resumed["state_dict"][key])
    for mine, theirs in zip(whole["optimizer_states"], resumed["optimizer_states"], strict=True):
        assert mine["param_groups"] == theirs["param_groups"]
        assert mine["state"].keys() == theirs["state"].keys()
        for number, one in mine["state"].items():
            assert all(torch.equal(one[key], theirs["state"][number][key]) for key in one)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"modulation": 1.0}, "expected one for each of modulation, protocol, lag, found modulat"),
        ({"modulation": -1.0, "protocol": 1.0, "lag": 1.0}, "expected 0 or more each"),
        (dict.fromkeys(HEADS, 0.0), "more than 0 in all"),
    ],
)
def test_other_weights_are_refused(weights, message):
    with pytest.raises(HertzianError, match=message):
        MultiTask(network(), 1e-3, weights=weights)


def test_there_is_one_target_for_each_example():
    with pytest.raises(HertzianError, match=r"expected 40 each, .* found \[39\]"):
        TaskDataset(windows(40, 5, 64), [np.zeros(39)])


def test_a_quantity_speaks_in_its_unit():
    head = network().heads["lag"]
    values = torch.tensor([1.0, 3.0, torch.nan, 5.0])
    head.standardise(values)
    assert (float(head.mean), float(head.deviation)) == (3.0, 2.0)
    x = torch.randn(4, 3)
    head.eval()
    assert torch.allclose(head(x), 2 * head.head(x) + 3)
    with pytest.raises(HertzianError, match="needs two different values or more"):
        head.standardise(torch.tensor([2.0, 2.0, torch.nan]))
