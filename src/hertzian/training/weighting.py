"""Two-stage learning: a first network's confidence weights what a second one learns from.

Shi, Peng and Zhuang, An Improved Automatic Modulation Classification Scheme Based on Adaptive
Fusion Network, 2022, section III-B.
"""

import math

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from hertzian.signal import HertzianError
from hertzian.training.batches import Batch, BatchSource, Indices, batch_loader
from hertzian.training.plateau import Classifier


def confidence(probabilities: Tensor, k: int = 3) -> Tensor:
    """Return 1 - H_k / log k, H_k the entropy of the k largest probabilities renormalised.

    Eq. 8-10: 1 where one class has it all, 0 where k share it alike.

    Args:
        probabilities: float [n, classes]; rows sum to one.
        k: from 2 to the number of classes.

    Returns:
        Of the same type, [n], in 0..1.

    Raises:
        HertzianError: another k.
    """
    classes = probabilities.shape[1]
    if not 2 <= k <= classes:
        raise HertzianError(f"k is from 2 to {classes}, the number of classes, not {k}")
    largest = probabilities.topk(k, dim=1).values
    shares = largest / largest.sum(dim=1, keepdim=True)
    entropy = torch.special.entr(shares).sum(dim=1)
    found: Tensor = (1 - entropy / math.log(k)).clamp(0, 1)
    return found


def confidence_weights(
    model: nn.Module, data: BatchSource, *, k: int = 3, batch_size: int = 512
) -> npt.NDArray[np.float32]:
    """Return the confidence of a trained network in each example, in the data's order: [n].

    Args:
        model: float32 [batch, 2, samples] -> logits, on any device; put into evaluation mode.
        data: the training data of the second stage.
        k: see `confidence`.
        batch_size: examples at once.
    """
    model.eval()
    device = next(model.parameters()).device
    weights = []
    with torch.no_grad():
        for x, *_ in batch_loader(data, batch_size, None):
            probabilities = model(x.to(device)).double().softmax(dim=1)
            weights.append(confidence(probabilities, k).float().cpu().numpy())
    return np.concatenate(weights)


class WeightedDataset(Dataset[Batch]):
    """Windows, labels and one weight for each example, read a batch at a time.

    Args:
        data: windows and labels.
        weights: finite and not negative, [n].

    Raises:
        HertzianError: other weights.
    """

    def __init__(self, data: BatchSource, weights: npt.NDArray[np.floating]) -> None:
        if weights.shape != (len(data),) or not (np.isfinite(weights) & (weights >= 0)).all():
            raise HertzianError(
                f"weights: expected {len(data)} finite numbers of 0 or more, one for each example, "
                f"found {list(weights.shape)} from {weights.min():g} to {weights.max():g}"
            )
        self._data = data
        self._weights = np.asarray(weights, dtype=np.float32)

    def __len__(self) -> int:
        return len(self._data)

    def __getitem__(self, indices: Indices) -> Batch:
        """Read the examples at sorted `indices`: float32 [batch, 2, samples], int64, float32."""
        return *self._data[indices], torch.from_numpy(self._weights[indices])


class WeightedClassifier(Classifier):
    """A `Classifier` whose loss is the mean of weight times cross-entropy (eq. 11).

    The mean is over the examples, not over the weights: doubtful ones move the network less.
    Validation examples count alike. Its training data are a `WeightedDataset`.
    """

    def training_loss(self, batch: Batch) -> Tensor:
        """Return the weighted cross-entropy of (x, labels, weights)."""
        x, labels, weights = batch
        logits = self.train_forward(x).float()
        return (weights * nn.functional.cross_entropy(logits, labels, reduction="none")).mean()
