import numpy as np
import pytest
import torch
from scipy.special import softmax
from scipy.stats import entropy, pearsonr
from tests.training.examples import Tiny, moments, windows
from torch import nn

from hertzian.models import build
from hertzian.models.crosstlnet import CrossTLNet
from hertzian.signal import HertzianError
from hertzian.training import (
    Distillation,
    TaughtDataset,
    divergence_loss,
    fit,
    pearson_distance,
    relation_loss,
    similarity_loss,
    taught_bytes,
)


def _noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("norm", ["batch", "example"])
def test_similarity_loss_is_equations_6_and_7(norm):
    student, teacher = _noise(6, 5, 4, seed=1), _noise(6, 5, 9, seed=2)

    def alike(features):
        flat = features.numpy().reshape(6, -1)
        product = np.array([[np.dot(a, b) for b in flat] for a in flat])
        if norm == "batch":
            return product / np.sqrt((product**2).sum())
        return product / np.sqrt((product**2).sum(axis=1))[:, None]

    expected = ((alike(teacher) - alike(student)) ** 2).sum() / 36
    assert similarity_loss(student, teacher, norm).item() == pytest.approx(expected, rel=1e-4)


def test_similarity_sees_neither_scale_nor_rotation_of_the_features():
    features = _noise(8, 10)
    turn, _ = torch.linalg.qr(_noise(10, 10, seed=3))
    assert similarity_loss(5 * features @ turn, features).item() < 1e-12
    assert similarity_loss(_noise(8, 10, seed=4), features).item() > 1e-4


def test_similarity_keeps_single_precision_under_autocast():
    student, teacher = _noise(8, 20, seed=1).bfloat16(), _noise(8, 20, seed=2).bfloat16()
    expected = similarity_loss(student.float(), teacher.float())
    with torch.autocast("cpu", torch.bfloat16):
        found = similarity_loss(student, teacher)
    assert found.dtype == torch.float32
    assert torch.equal(found, expected)


def test_pearson_distance_is_one_minus_scipys_correlation():
    a, b = _noise(5, 7, seed=1), _noise(5, 7, seed=2)
    rows = [1 - pearsonr(p, q).statistic for p, q in zip(a.numpy(), b.numpy(), strict=True)]
    assert pearson_distance(a, b, 1).numpy() == pytest.approx(rows, abs=1e-5)
    assert pearson_distance(a, 3 * a + 2, 0).numpy() == pytest.approx(0, abs=1e-5)
    assert pearson_distance(a, -a, 0).numpy() == pytest.approx(2, abs=1e-5)
    constant = torch.ones(5, 7, requires_grad=True)
    distance = pearson_distance(constant, b, 1)
    assert distance.tolist() == pytest.approx([1] * 5)
    distance.sum().backward()
    assert constant.grad.isfinite().all()


def test_relation_loss_is_equations_8_to_10():
    student, teacher = _noise(6, 4, seed=1), 3 * _noise(6, 4, seed=2)
    ours, theirs = (softmax(z.numpy() / 1.5, axis=1) for z in (student, teacher))
    inter = np.mean([1 - pearsonr(ours[i], theirs[i]).statistic for i in range(6)])
    intra = np.mean([1 - pearsonr(ours[:, j], theirs[:, j]).statistic for j in range(4)])
    found = relation_loss(student, teacher, 1.5).item()
    assert found == pytest.approx(inter + intra, rel=1e-4)


def test_divergence_loss_is_the_scaled_relative_entropy():
    student, teacher = _noise(6, 4, seed=1), 3 * _noise(6, 4, seed=2)
    ours, theirs = (softmax(z.numpy() / 4, axis=1) for z in (student, teacher))
    expected = 16 * entropy(theirs, ours, axis=1).mean()
    assert divergence_loss(student, teacher, 4.0).item() == pytest.approx(expected, rel=1e-4)


def _small(units, seed):
    torch.manual_seed(seed)
    return CrossTLNet(3, units, units // 2, samples=32)


def test_loss_is_equation_11():
    student, teacher = _small(8, 1).eval(), _small(12, 2)
    learner = Distillation(student, 3, 1e-3, teacher, alpha=0.5, beta=70.0, gamma=3.0)
    x, labels = windows(16, 1, 32)[np.arange(16)]
    with torch.no_grad():
        ours, theirs = student.features(x), teacher.features(x)
        parts = [
            nn.functional.cross_entropy(ours["logits"], labels),
            similarity_loss(ours["tcn_iq"], theirs["tcn_iq"])
            + similarity_loss(ours["tcn_ap"], theirs["tcn_ap"]),
            relation_loss(ours["logits"], theirs["logits"], 1.5),
        ]
        expected = 0.5 * parts[0] + 70 * parts[1] + 3 * parts[2]
        assert learner.training_loss((x, labels)).item() == pytest.approx(expected.item(), rel=1e-5)
    defaults = Distillation(student, 3, 1e-3, teacher)
    assert (defaults.alpha, defaults.beta, defaults.gamma, defaults.temperature) == (1, 9e5, 1, 1.5)


def test_what_the_teacher_said_beforehand_is_what_it_says_in_a_step():
    student, teacher = _small(8, 1).eval(), _small(12, 2).train()
    data = windows(300, 1, 32)
    done = []
    taught = TaughtDataset(data, teacher, ("tcn_iq", "tcn_ap"), done.append)
    assert (len(taught), sum(done), teacher.training) == (300, 300, False)
    assert taught_bytes(data, teacher, ("tcn_iq", "tcn_ap")) == 4 * 300 * (3 + 2 * 32 * 12)
    learner = Distillation(student, 3, 1e-3, teacher, beta=70.0)
    rows = np.array([0, 5, 128, 256, 299])
    expected = learner.training_loss(data[rows]).item()
    learner.teacher.to("meta")  # it can't be asked any more
    assert learner.training_loss(taught[rows]).item() == pytest.approx(expected, rel=1e-5)


def test_the_teacher_stays_frozen_and_out_of_the_checkpoints(tmp_path):
    student, teacher = _small(8, 1), _small(12, 2).train()
    before = {name: value.clone() for name, value in teacher.state_dict().items()}
    learner = Distillation(student, 3, 1e-3, teacher, beta=10.0)
    options = {"batch_size": 32, "threads": 1, "progress": False, "precision": "bf16-mixed"}
    result = fit(
        learner, windows(64, 1, 32), windows(32, 2, 32), epochs=2, directory=tmp_path, **options
    )
    assert not teacher.training
    assert all(torch.equal(before[name], value) for name, value in teacher.state_dict().items())
    assert all(parameter.grad is None for parameter in teacher.parameters())
    saved = torch.load(result.last_checkpoint, weights_only=True)["state_dict"]
    assert {name.removeprefix("model.") for name in saved} >= set(student.state_dict())
    assert sum(value.numel() for value in saved.values()) < 1.01 * sum(
        value.numel() for value in student.state_dict().values()
    )


class _Expert(nn.Module):
    """Knows the three classes from their moments, without any training."""

    def forward(self, x):
        _, second, fourth = moments(x).unbind(1)
        return 8 * torch.stack([second - 0.3, fourth - second, 0.6 - fourth], 1)


@pytest.mark.parametrize("relation", ["pearson", "divergence"])
def test_a_student_learns_from_the_teacher_alone(relation, tmp_path):
    learner = Distillation(
        *(Tiny(), 3, 0.05, _Expert()), alpha=0.0, similar=(), relation=relation, halve_after=None
    )
    data, validation = windows(600, 1, 128), windows(300, 2, 128)
    options = {"batch_size": 50, "epochs": 6, "threads": 1, "progress": False}
    fit(learner, data, validation, directory=tmp_path, **options)
    x, _ = validation[np.arange(300)]
    with torch.no_grad():
        agreed = (learner.model(x).argmax(1) == _Expert()(x).argmax(1)).float().mean().item()
    assert agreed > 0.8  # chance is a third


def test_a_network_without_the_features_to_compare_is_named():
    learner = Distillation(_small(8, 1), 3, 1e-3, build("afnet", ["a", "b", "c"]))
    message = "AFNet has no feature 'logits' to compare with another network's; has embedding"
    with pytest.raises(HertzianError, match=message):
        learner.training_loss(windows(4, 1, 32)[np.arange(4)])


def test_a_cold_temperature_is_refused():
    with pytest.raises(HertzianError, match="temperature is greater than 0"):
        Distillation(Tiny(), 3, 1e-3, Tiny(), temperature=0.0)
