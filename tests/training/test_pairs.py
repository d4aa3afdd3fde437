import numpy as np
import pytest
import torch

from hertzian.training.pairs import confident_pairs, labelled_pairs, pair_loss, similarities


def exact(logits):
    """Return S and 1 - S of logits, in double precision and as the equations have it."""
    z = logits.double().numpy()
    p = np.exp(z - z.max(axis=1, keepdims=True))
    f = p / np.linalg.norm(p, axis=1, keepdims=True)
    return f @ f.T, np.square(f[:, None] - f[None]).sum(axis=2) / 2


@pytest.fixture
def logits():
    return 3 * torch.randn(40, 7, generator=torch.Generator().manual_seed(1))


def test_similarities_are_the_cosines_of_probabilities(logits):
    found, (alike, different) = similarities(logits), exact(logits)
    np.testing.assert_allclose(found.values, alike, rtol=1e-5)
    off = ~np.eye(40, dtype=bool)
    np.testing.assert_allclose(found.log_distances.exp()[off], different[off], rtol=1e-4)


def test_neither_end_loses_its_digits():
    # one-hot answers of two classes, and two that differ in the fourth digit of a logit
    far = torch.tensor([[60.0, 0.0], [0.0, 60.0]])
    near = torch.tensor([[2.0, 0.0], [2.0001, 0.0]]) * 10
    assert similarities(far).logs[0, 1].item() == pytest.approx(-60 + np.log(2), rel=1e-5)
    off = torch.tensor([[2.0, 0.0], [2.5, 0.0]])
    expected = np.log(exact(off)[1][0, 1])
    assert similarities(off).log_distances[0, 1].item() == pytest.approx(expected, rel=1e-4)
    for extreme in (far, near, 1e4 * far, torch.zeros(3, 2)):
        extreme = extreme.clone().requires_grad_()
        found = similarities(extreme)
        (found.logs.sum() + found.log_distances.sum()).backward()
        assert torch.isfinite(found.logs).all()
        assert torch.isfinite(found.log_distances).all()
        assert torch.isfinite(extreme.grad).all()


def test_the_loss_is_equation_5(logits):
    labels = torch.arange(40) % 3
    alike, different = exact(logits)
    same = (labels[:, None] == labels[None]).numpy()
    expected = np.where(same, -np.log(alike), -0.1 * np.log(np.maximum(different, 1e-7))).mean()
    loss = pair_loss(similarities(logits), *labelled_pairs(labels), 0.1)
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_pairs_between_the_thresholds_count_nothing(logits):
    found = similarities(logits.requires_grad_())
    together, apart = confident_pairs(found, 0.95, 0.7)
    alike = exact(logits.detach())[0]
    np.testing.assert_array_equal(together, alike >= 0.95)
    np.testing.assert_array_equal(apart, alike <= 0.7)
    assert together.diagonal().all()
    assert (~(together | apart)).any()
    nothing = torch.zeros_like(together)
    assert pair_loss(found, nothing, nothing, 100.0).item() == 0


def test_gradients_draw_together_and_push_apart():
    logits = torch.tensor([[1.0, 0.0], [0.0, 1.0]], requires_grad=True)
    found = similarities(logits)
    both, none = torch.ones(2, 2, dtype=torch.bool), torch.zeros(2, 2, dtype=torch.bool)
    (together,) = torch.autograd.grad(pair_loss(found, both, none, 1.0), logits, retain_graph=True)
    (apart,) = torch.autograd.grad(pair_loss(found, none, ~torch.eye(2).bool(), 1.0), logits)
    assert together[0, 0] > 0 > together[0, 1]
    assert apart[0, 0] < 0 < apart[0, 1]
