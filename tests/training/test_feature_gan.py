import numpy as np
import pytest
import torch

from hertzian.models.sigzslnet import FeatureGan
from hertzian.signal import HertzianError
from hertzian.training import fit
from hertzian.training.feature_gan import FeatureGanLearner, FeatureRows, gradient_penalty

VECTORS = torch.tensor([[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0], [1.0, 1.0, 0]])
CENTRES = np.array([[3, 0, 0, 1], [0, 3, 0, 1], [0, 0, 3, 1]], dtype=np.float32)


def rows(count, seed):
    """Three clouds of features; where a cloud lies is linear in the class's vector."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, count)
    features = CENTRES[labels] + 0.2 * rng.normal(size=(count, 4))
    return FeatureRows(features.astype(np.float32), labels, rng.random(count))


def gan(**options):
    torch.manual_seed(0)
    centre = torch.from_numpy(CENTRES.mean(axis=0))
    return FeatureGan(VECTORS, centre, 1.5, 0.1, **{"with_level": False, **options})


def learner(model, **options):
    means = model.normalised(torch.from_numpy(CENTRES))
    return FeatureGanLearner(model, 3, 1e-3, means, **options)


def test_features_are_generated_near_those_of_their_class(tmp_path):
    model = gan()
    options = {"batch_size": 32, "threads": 1, "progress": False}
    result = fit(
        learner(model), rows(1600, 1), rows(200, 2), epochs=25, directory=tmp_path, **options
    )
    assert result.epochs == 25
    assert result.best_accuracy > 0.9  # chance is a third
    labels = torch.arange(3).repeat_interleave(100)
    with torch.no_grad():
        found = model(labels, torch.zeros(300)).numpy()
    means = found.reshape(3, 100, 4).mean(axis=1)
    apart = np.linalg.norm(means[:, None] - CENTRES[None], axis=2)
    assert apart.argmin(axis=1).tolist() == [0, 1, 2]


def test_the_penalty_is_that_of_a_critic_whose_slope_is_known():
    model = gan()
    slope = torch.tensor([[2.0, 0, 0, 0, 0, 0, 0]])
    model.critic = torch.nn.Linear(7, 1, bias=False)
    model.critic.weight.data = slope
    told = (torch.zeros(5, dtype=torch.int64), torch.zeros(5))
    found = gradient_penalty(model, torch.randn(5, 4), torch.randn(5, 4), told)
    assert found.item() == pytest.approx((2 - 1) ** 2)


def test_the_critic_gains_by_what_is_real_and_the_generator_by_what_it_takes_for_real():
    model = gan()
    batch = rows(64, 3)[np.arange(64)]
    teacher = learner(model, penalty=0.0)
    with torch.no_grad():
        features, *told = batch
        torch.manual_seed(5)
        drawn = model.draw(*told)
        real, false = (model.judge(x, *told).mean() for x in (model.normalised(features), drawn))
    torch.manual_seed(5)
    assert teacher.training_loss(batch).item() == pytest.approx((false - real).item(), abs=1e-6)
    torch.manual_seed(5)
    assert teacher.generator_loss(batch).item() == pytest.approx(-false.item(), abs=1e-6)


def test_a_classifier_beside_it_is_asked_and_not_taught():
    model, head = gan(), torch.nn.Linear(4, 3)
    batch = rows(64, 3)[np.arange(64)]
    losses = []
    for weight in (0.0, 2.0):
        torch.manual_seed(5)
        losses.append(learner(model, head=head, head_weight=weight).generator_loss(batch))
    assert losses[0] != losses[1]
    losses[1].backward()
    assert head.weight.grad is None
    assert not any("head" in name for name in learner(model, head=head).state_dict())


def test_the_level_counts_only_where_it_is_told():
    for told in (False, True):
        model = gan(with_level=told)
        labels = torch.zeros(8, dtype=torch.int64)
        drawn = []
        for level in (0.0, 1.0):
            torch.manual_seed(5)
            drawn.append(model(labels, torch.full((8,), level)))
        assert torch.equal(*drawn) == (not told)


@pytest.mark.parametrize(
    "columns",
    [
        (np.zeros((3, 2, 4), np.float32), np.zeros(3, np.int64), np.zeros(3)),
        (np.zeros((3, 4), np.float32), np.zeros(2, np.int64), np.zeros(3)),
        (np.zeros((3, 4), np.float32), np.zeros(3, np.int64), np.zeros(2)),
    ],
)
def test_columns_that_do_not_belong_together_are_refused(columns):
    with pytest.raises(HertzianError, match="a label and a level"):
        FeatureRows(*columns)


def test_a_critic_without_steps_is_refused():
    with pytest.raises(HertzianError, match="one step or more"):
        learner(gan(), critic_steps=0)
