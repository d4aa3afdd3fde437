import numpy as np
import pytest
import torch
from tests.training.examples import windows

from hertzian.models.sigzslnet import DescriptionEncoder, JointEmbedding, SignalEncoder
from hertzian.signal.descriptions import CORRECTED
from hertzian.training import fit
from hertzian.training.joint_embedding import (
    JointEmbeddingClassifier,
    joint_embedding_loss,
    semantic_vectors,
)

CODES = torch.from_numpy(np.stack([CORRECTED[name].coded for name in ("BPSK", "QPSK", "64QAM")]))


def test_the_loss_is_that_of_the_equation_taken_word_by_word():
    rng = np.random.default_rng(0)
    labels = np.array([0, 0, 1, 2, 2, 2])
    scores = rng.normal(size=(6, 3))
    losses = []
    for n, own in enumerate(labels):
        others = [c for c in range(3) if c != own]
        told = [max(0, 1 + scores[n, c] - scores[n, own]) for c in others]
        heard = [max(0, 1 + scores[labels == c, own].mean() - scores[n, own]) for c in others]
        losses.append(np.mean(told) + np.mean(heard))
    found = joint_embedding_loss(torch.from_numpy(scores), torch.from_numpy(labels))
    assert found.item() == pytest.approx(np.mean(losses))


def test_a_class_that_a_batch_lacks_is_not_compared():
    scores = torch.tensor([[5.0, 0, 9.0], [0, 5.0, 0]])
    labels = torch.tensor([0, 1])
    # its description is: 1 + 9 - 5 of the two wrong ones of the first window
    assert joint_embedding_loss(scores, labels).item() == pytest.approx(5 / 2 / 2)


def test_layers_give_the_sizes_of_the_table():
    sizes = []
    for layer in (network := SignalEncoder()).layers:
        layer.register_forward_hook(lambda _, __, out: sizes.append(tuple(out.shape[1:])))
    network(torch.randn(2, 2, 1024))
    # 1020 where 1016 is printed
    long = [(64, n) for n in (1020, 204, 204, 200, 40, 40, 36, 8, 8, 4, 1, 1)]
    assert sizes == [*long, (64,), (64,), (64,), (64,)]
    assert DescriptionEncoder()(CODES).shape == (3, 64)


def test_windows_find_the_description_of_their_class(tmp_path):
    torch.manual_seed(0)
    model = JointEmbedding(CODES)
    result = fit(
        JointEmbeddingClassifier(model, 3, 2e-3),
        windows(900, 1),
        windows(150, 2),
        epochs=8,
        batch_size=32,
        directory=tmp_path,
        threads=1,
        progress=False,
    )
    assert result.best_accuracy > 0.6  # chance is a third
    vectors = semantic_vectors(model.descriptions, CODES)
    assert vectors.norm(dim=1) == pytest.approx(torch.ones(3))
