"""Deep embedded clustering, a baseline: an autoencoder, then centres of clusters in its code.

Equation numbers are those of Xie, Girshick and Farhadi, Unsupervised deep embedding for clustering
analysis, 2016.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from hertzian.models.layers import Normalise
from hertzian.training.batches import Batch
from hertzian.training.plateau import Classifier
from hertzian.training.settling import Clustering, Settling

UNITS = (500, 500, 2000, 10)
"""Of the encoder's layers (section 4.3)."""


class Autoencoder(nn.Module):
    """Dense layers from a window down to its code, and up again; ReLU between them.

    The layers are trained at once; the paper trains one after the other first.

    Args:
        samples: length of a window.
        units: of the encoder's layers, the code's last; the decoder has them the other way round.
    """

    def __init__(self, samples: int, units: Sequence[int] = UNITS) -> None:
        super().__init__()
        sizes = (2 * samples, *units)
        self.normalise = Normalise()
        self.encoder = _dense(sizes)
        self.decoder = _dense(sizes[::-1])

    def window(self, x: Tensor) -> Tensor:
        """Return what is coded and decoded, [batch, 2 samples], of float32 [batch, 2, samples]."""
        flat: Tensor = self.normalise(x).flatten(1)
        return flat

    def encode(self, x: Tensor) -> Tensor:
        """Return the code [batch, units] of float32 [batch, 2, samples]."""
        code: Tensor = self.encoder(self.window(x))
        return code

    def forward(self, x: Tensor) -> Tensor:
        """Return the decoded window, [batch, 2 samples]."""
        decoded: Tensor = self.decoder(self.encode(x))
        return decoded


def _dense(sizes: Sequence[int]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class Autoencoding(Classifier):
    """Teach an autoencoder to give windows back; labels are not looked at.

    Loss: the mean squared error, windows having unit power. The accuracy of the validation is the
    share of that power which is given back.

    Args:
        model: what learns.
        learning_rate: of the first epochs.
        stop_after: epochs without a better validation loss.
    """

    measured = "given back"

    def __init__(
        self, model: Autoencoder, learning_rate: float, *, stop_after: int | None = 5
    ) -> None:
        super().__init__(model, 2, learning_rate, stop_after=stop_after)
        self._coder = model

    def training_loss(self, batch: Batch) -> Tensor:
        """Return the error of a batch's windows."""
        wanted = self._coder.window(batch[0])
        return nn.functional.mse_loss(self.train_forward(batch[0]).float(), wanted)

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        """Add the error of one batch."""
        wanted, size = self._coder.window(batch[0]), len(batch[0])
        loss = nn.functional.mse_loss(self.model(batch[0]).float(), wanted)
        self.log("validation_loss", loss, batch_size=size)
        power = wanted.square().mean().clamp(min=torch.finfo(torch.float32).tiny)
        self.log("validation_accuracy", 1 - loss / power, prog_bar=True, batch_size=size)


class EmbeddedClusters(nn.Module):
    """An encoder and the centres of clusters in its code (eq. 1, with alpha = 1).

    Args:
        coder: whose encoder is taken.
        centres: float32 [clusters, units], where they begin.
    """

    def __init__(self, coder: Autoencoder, centres: Tensor) -> None:
        super().__init__()
        self.coder = coder
        self.centres = nn.Parameter(centres.clone())

    def forward(self, x: Tensor) -> Tensor:
        """Return log(1 / (1 + d^2)) [batch, clusters]: its softmax is q of eq. 1."""
        code = self.coder.encode(x).float()
        return -torch.log1p((code[:, None] - self.centres[None]).square().sum(dim=2))


class EmbeddedClustering(Clustering):
    """Sharpen clusters: KL(P || Q), P being Q squared over the frequencies of clusters (eq. 2-3).

    The frequencies are those of the last look at all windows, at first those of the batch.

    Args:
        model: as `EmbeddedClusters`.
        clusters: their number.
        learning_rate: of Adam.
        settling: when it ends; the paper's rule is 99.9%, once.
    """

    def __init__(
        self, model: nn.Module, clusters: int, learning_rate: float, settling: Settling
    ) -> None:
        super().__init__(model, clusters, learning_rate, settling)
        self.frequencies: Tensor
        self.register_buffer("frequencies", torch.zeros(clusters))

    def look_at(self, logits: Tensor) -> None:
        """Count the frequencies of the clusters."""
        self.frequencies.copy_(logits.softmax(dim=1).mean(dim=0))

    def clustering_loss(self, logits: Tensor) -> Tensor:
        """Return the divergence of the answers to a batch from their sharpened selves."""
        logs = logits.log_softmax(dim=1)
        with torch.no_grad():
            shares = logs.exp()
            known = self.frequencies.any()
            frequencies = torch.where(known, self.frequencies, shares.mean(dim=0))
            sharp = shares.square() / frequencies.clamp(min=torch.finfo(torch.float32).tiny)
            wanted = sharp / sharp.sum(dim=1, keepdim=True)
        return nn.functional.kl_div(logs, wanted, reduction="batchmean")
