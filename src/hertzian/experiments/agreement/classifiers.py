"""Two classifiers of different kinds that try to tell the sides apart."""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits
from torch import Tensor, nn

from hertzian.experiments.agreement.features import features

Scores = Callable[[NDArray[np.complex64]], NDArray[np.float64]]
"""Windows complex64 [n, samples] -> score float64 [n]: above zero means ours."""

_BATCH = 256
_READ = 2048


@dataclass(frozen=True)
class Labelled:
    """Windows of both sides.

    Attributes:
        iq: complex64 [n, samples].
        ours: bool [n].
    """

    iq: NDArray[np.complex64]
    ours: NDArray[np.bool_]


def fit_trees(training: Labelled, validation: Labelled, seed: int) -> Scores:
    """Boost trees on `features`, and stop when the validation loss does not fall any more."""
    trees = HistGradientBoostingClassifier(
        max_iter=300,
        learning_rate=0.05,
        max_leaf_nodes=15,
        min_samples_leaf=40,
        l2_regularization=1.0,
        early_stopping=True,
        n_iter_no_change=20,
        random_state=seed,
    )
    with threadpool_limits(1):
        trees.fit(
            features(training.iq),
            training.ours,
            X_val=features(validation.iq),
            y_val=validation.ours,
        )

    def scores(iq: NDArray[np.complex64]) -> NDArray[np.float64]:
        with threadpool_limits(1):
            found: NDArray[np.float64] = trees.decision_function(features(iq))
        return found

    return scores


def network() -> nn.Module:
    """Return a convolutional network for windows [n, 2, samples], which answers [n, 1]."""

    def layer(inputs: int, outputs: int, kernel: int, stride: int) -> list[nn.Module]:
        convolution = nn.Conv1d(
            inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False
        )
        return [convolution, nn.BatchNorm1d(outputs), nn.ReLU()]

    return nn.Sequential(
        *layer(2, 32, 9, 1),
        *layer(32, 48, 5, 2),
        *layer(48, 64, 5, 2),
        *layer(64, 64, 3, 2),
        nn.AdaptiveAvgPool1d(4),
        nn.Flatten(),
        nn.Dropout(0.3),
        nn.Linear(256, 64),
        nn.ReLU(),
        nn.Linear(64, 1),
    )


def fit_network(
    training: Labelled, validation: Labelled, seed: int, epochs: int, patience: int = 4
) -> Scores:
    """Train `network`, and keep the epoch of the least validation loss.

    Every window of a batch is turned by a random phase, which the channel leaves uniform on both
    sides. Training ends after `patience` epochs without a lower loss.
    """
    torch.manual_seed(seed)
    model = network()
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-2)
    x, y = _planes(training.iq), torch.from_numpy(training.ours).float()
    held, held_y = _planes(validation.iq), torch.from_numpy(validation.ours).float()
    best, waited = math.inf, 0
    weights = copy.deepcopy(model.state_dict())
    for _ in range(epochs):
        model.train()
        for batch in torch.split(torch.randperm(len(x)), _BATCH):
            loss = _loss(model(_turned(x[batch]))[:, 0], y[batch])
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
        found = float(_loss(_answers(model, held), held_y))
        if found < best:
            best, waited, weights = found, 0, copy.deepcopy(model.state_dict())
        else:
            waited += 1
            if waited == patience:
                break
    model.load_state_dict(weights)
    return lambda iq: _answers(model, _planes(iq)).double().numpy()


_loss = nn.functional.binary_cross_entropy_with_logits


def _planes(iq: NDArray[np.complex64]) -> Tensor:
    """Return float32 [n, 2, samples] of a mean modulus of one."""
    x = torch.from_numpy(iq * np.float32(iq.shape[1]))
    return torch.view_as_real(x).movedim(-1, 1).contiguous()


def _turned(x: Tensor) -> Tensor:
    angle = 2 * math.pi * torch.rand(len(x), 1)
    cosine, sine = torch.cos(angle), torch.sin(angle)
    i, q = x[:, 0], x[:, 1]
    return torch.stack([cosine * i - sine * q, sine * i + cosine * q], dim=1)


@torch.no_grad()
def _answers(model: nn.Module, x: Tensor) -> Tensor:
    model.eval()
    return torch.cat([model(part)[:, 0] for part in torch.split(x, _READ)])
