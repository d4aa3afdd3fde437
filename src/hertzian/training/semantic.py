"""SCAN, a baseline: contrast without labels, then clusters that neighbours share.

Equation numbers are those of Van Gansbeke et al., SCAN: Learning to classify images without labels,
2020; its third step, learning from one's own labels, is left out. Its pretext is SimCLR (Chen et
al., A simple framework for contrastive learning of visual representations, 2020); views of a window
are as `augment` makes them, and in noise of their own.
"""

import numpy as np
import numpy.typing as npt
import torch
from sklearn.neighbors import NearestNeighbors
from torch import Tensor, nn
from torch.utils.data import Dataset

from hertzian.signal import HertzianError
from hertzian.training.augment import augment
from hertzian.training.batches import Batch, BatchSource, Indices
from hertzian.training.plateau import Classifier
from hertzian.training.settling import Clustering, Settling

_NOISE = 0.1
"""Deviation of a view's noise, as a share of the window's own: 20 dB."""


def contrast_loss(first: Tensor, second: Tensor, temperature: float) -> Tensor:
    """Return the normalised temperature-scaled cross-entropy of two views (Chen et al., eq. 1).

    Args:
        first: embeddings of a batch, [batch, features].
        second: those of another view of the same windows.
        temperature: of the similarities.
    """
    both = torch.cat([first, second])
    alike = _cosines(both, both) / temperature
    alike.fill_diagonal_(-torch.inf)
    count = len(first)
    partners = torch.arange(2 * count, device=first.device).roll(count)
    return nn.functional.cross_entropy(alike, partners)


def _cosines(first: Tensor, second: Tensor) -> Tensor:
    # half precision would leave little of what a temperature enlarges
    with torch.autocast(first.device.type, enabled=False):
        ours, theirs = (nn.functional.normalize(one.float(), dim=1) for one in (first, second))
        return ours @ theirs.T


class Contrast(Classifier):
    """The pretext: two views of a window are alike, and unlike all other windows of the batch.

    The accuracy of the validation is the share of windows that are nearer to their second view than
    to any other window of the batch.

    Args:
        model: whose answers are embeddings, float32 [batch, 2, samples] -> [batch, features].
        learning_rate: of the first epochs.
        temperature: of the similarities.
        stop_after: epochs without a better validation loss.
        seed: of the views.
    """

    measured = "found their other view"

    def __init__(
        self,
        model: nn.Module,
        learning_rate: float,
        *,
        temperature: float = 0.1,
        stop_after: int | None = 5,
        seed: int = 0,
    ) -> None:
        super().__init__(model, 2, learning_rate, stop_after=stop_after)
        self.temperature = temperature
        self.seed = seed

    def training_loss(self, batch: Batch) -> Tensor:
        """Return the loss of two views of a batch's windows, drawn by the step."""
        generator = torch.Generator().manual_seed((self.seed << 32) + self.global_step)
        first, second = (self.train_forward(_view(batch[0], generator)) for _ in range(2))
        return contrast_loss(first, second, self.temperature)

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        """Add one batch, of which the views are the same in every epoch."""
        generator = torch.Generator().manual_seed(batch_index)
        first, second = (self.model(_view(batch[0], generator)) for _ in range(2))
        size = len(first)
        self.log("validation_loss", contrast_loss(first, second, self.temperature), batch_size=size)
        nearest = _cosines(first, second).argmax(dim=1)
        found = (nearest == torch.arange(size, device=nearest.device)).float().mean()
        self.log("validation_accuracy", found, prog_bar=True, batch_size=size)


def _view(x: Tensor, generator: torch.Generator) -> Tensor:
    """Return a window turned, shifted and scaled, in a little noise of its own."""
    seen = augment(x, generator)
    level = seen.square().mean(dim=(1, 2), keepdim=True).sqrt()
    noise = torch.randn(seen.shape, generator=generator).to(seen.device)
    return seen + _NOISE * level * noise


def nearest_neighbours(points: npt.NDArray[np.float32], count: int) -> Indices:
    """Return the numbers of the nearest points of each, by cosine, itself left out: [n, count].

    Raises:
        HertzianError: as many neighbours as points, or none.
    """
    if not 1 <= count < len(points):
        raise HertzianError(f"{count} neighbours of {len(points)} points are not possible")
    found = NearestNeighbors(n_neighbors=count + 1, metric="cosine").fit(points)
    places = found.kneighbors(points, return_distance=False).astype(np.int64)
    # of equal points any may come first
    own = places == np.arange(len(points))[:, None]
    own[~own.any(axis=1), -1] = True
    others: Indices = places[~own].reshape(len(points), count)
    return others


class Neighbours(Dataset[Batch]):
    """Windows, each with one of its neighbours; in another batch it is another one.

    Args:
        windows: all of them.
        neighbours: numbers of each window's, int64 [n, count].
    """

    def __init__(self, windows: BatchSource, neighbours: Indices) -> None:
        self._windows = windows
        self._neighbours = neighbours

    def __len__(self) -> int:
        return len(self._windows)

    def __getitem__(self, indices: Indices) -> Batch:
        """Read the windows at sorted `indices`, their labels, and as many neighbours."""
        x, labels, *_ = self._windows[indices]
        # drawn by the batch, so that a resumed run draws what an uninterrupted one would
        random = np.random.default_rng(indices)
        wanted = self._neighbours[indices, random.integers(self._neighbours.shape[1], size=len(x))]
        order = np.argsort(wanted, kind="stable")
        near = torch.empty_like(x)
        near[torch.from_numpy(order)] = self._windows[wanted[order]][0]
        return x, labels, near


class SemanticClustering(Clustering):
    """Clusters that neighbours share and that all are used: eq. 2.

    Args:
        model: float32 [batch, 2, samples] -> logits [batch, clusters].
        clusters: their number.
        learning_rate: of Adam.
        settling: when it ends.
        entropy: lambda, the weight of the entropy of the clusters' mean.
    """

    def __init__(
        self,
        model: nn.Module,
        clusters: int,
        learning_rate: float,
        settling: Settling,
        entropy: float = 5.0,
    ) -> None:
        super().__init__(model, clusters, learning_rate, settling)
        self.entropy = entropy

    def training_loss(self, batch: Batch) -> Tensor:
        """Return the loss of windows and their neighbours."""
        x, _, near = batch
        both = self.train_forward(torch.cat([x, near])).float()
        return self._loss(*both.log_softmax(dim=1).chunk(2))

    def clustering_loss(self, logits: Tensor) -> Tensor:
        """Return the loss of windows that are their own neighbours."""
        logs = logits.log_softmax(dim=1)
        return self._loss(logs, logs)

    def _loss(self, ours: Tensor, theirs: Tensor) -> Tensor:
        alike = -torch.logsumexp(ours + theirs, dim=1).mean()
        mean = ours.exp().mean(dim=0)
        spread = -torch.special.entr(mean).sum()
        loss: Tensor = alike + self.entropy * spread
        return loss
