"""Learn to generate features of a class from its vector: a Wasserstein GAN (SigZSLNet, eq. 4).

With the loss of a classifier of the seen classes beside it this is f-CLSWGAN (Xian et al., Feature
generating networks for zero-shot learning, 2018, eq. 3-4).
"""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from hertzian.models.sigzslnet import FeatureGan
from hertzian.signal import HertzianError
from hertzian.training.batches import Batch, Indices
from hertzian.training.learner import Learner

_EPOCHS = "epochs_before"


class FeatureRows(Dataset[Batch]):
    """Features, their labels, and, where it is given, a level between 0 and 1 of each.

    Args:
        features: float32 [n, features].
        labels: [n].
        level: [n], such as the SNR on a scale of 0 to 1; None for what a classifier learns from.

    Raises:
        HertzianError: they don't belong together.
    """

    def __init__(
        self,
        features: npt.NDArray[np.float32],
        labels: npt.NDArray[np.integer[Any]],
        level: npt.NDArray[np.floating[Any]] | None = None,
    ) -> None:
        told = [labels] if level is None else [labels, level]
        if features.ndim != 2 or any(column.shape != features.shape[:1] for column in told):
            raise HertzianError(
                f"expected features [n, length] with a label and a level each, found "
                f"{list(features.shape)} and {', '.join(str(list(one.shape)) for one in told)}"
            )
        self._columns: Batch = (
            torch.from_numpy(np.ascontiguousarray(features, dtype=np.float32)),
            torch.from_numpy(labels.astype(np.int64)),
        )
        if level is not None:
            self._columns = (*self._columns, torch.from_numpy(level.astype(np.float32)))

    def __len__(self) -> int:
        return len(self._columns[0])

    def __getitem__(self, indices: Indices) -> Batch:
        """Read the rows at `indices`."""
        rows = torch.from_numpy(indices)
        return tuple(column[rows] for column in self._columns)


def gradient_penalty(
    model: FeatureGan, real: Tensor, drawn: Tensor, told: Sequence[Tensor]
) -> Tensor:
    """Return the mean of (|grad D| - 1)^2 between real and drawn features (Gulrajani et al. 2017).

    Args:
        model: whose critic it is.
        real: normalised features [batch, features].
        drawn: generated ones of the same classes.
        told: labels and levels of both.
    """
    share = torch.rand(len(real), 1, device=real.device)
    between = (share * real + (1 - share) * drawn).detach().requires_grad_(True)
    verdict = model.judge(between, *told)
    (slope,) = torch.autograd.grad(verdict.sum(), between, create_graph=True)
    penalty: Tensor = (slope.norm(dim=1) - 1).square().mean()
    return penalty


class FeatureGanLearner(Learner):
    """Teach a generator of features and its critic by turns, on seen classes alone.

    A batch is (features, labels, level). The last epoch counts: no figure without the unseen
    classes tells a better one. The accuracy of the validation is the share of generated features
    whose nearest mean of real ones is that of their own class, which tells whether it has learnt.

    Args:
        model: what learns.
        class_count: number of seen classes, the first of the model's vectors.
        learning_rate: of both Adams.
        means: of the normalised features of each seen class, float32 [class_count, features].
        penalty: lambda of eq. 4.
        critic_steps: steps of the critic for one of the generator (Gulrajani et al. 2017: 5).
        head: features -> logits of the seen classes, for the loss of f-CLSWGAN; not taught here.
        head_weight: beta of that loss (Xian et al. 2018: 0.01).
    """

    measured = "generated rightly"
    monitor = _EPOCHS
    mode = "max"

    def __init__(
        self,
        model: FeatureGan,
        class_count: int,
        learning_rate: float,
        means: Tensor,
        *,
        penalty: float = 10.0,
        critic_steps: int = 5,
        head: nn.Module | None = None,
        head_weight: float = 0.0,
    ) -> None:
        super().__init__(model, class_count)
        if critic_steps < 1:
            raise HertzianError(f"a critic takes one step or more, not {critic_steps}")
        self.automatic_optimization = False
        self.gan = model
        self.learning_rate, self.penalty, self.critic_steps = learning_rate, penalty, critic_steps
        self.head_weight = head_weight
        # in a list it is no part of what is taught and written
        self._head = [] if head is None else [head.eval().requires_grad_(False)]
        self.means: Tensor
        self.register_buffer("means", means.float(), persistent=False)

    def training_loss(self, batch: Batch) -> Tensor:
        """Return the critic's loss of a batch (eq. 4, maximised by D)."""
        features, *told = batch
        real = self.gan.normalised(features)
        with torch.no_grad():
            drawn = self.gan.draw(*told)
        apart = self.gan.judge(drawn, *told).mean() - self.gan.judge(real, *told).mean()
        return apart + self.penalty * gradient_penalty(self.gan, real, drawn, told)

    def generator_loss(self, batch: Batch) -> Tensor:
        """Return the generator's loss of the labels of a batch (eq. 4, minimised by G)."""
        _, labels, level = batch
        drawn = self.gan.draw(labels, level)
        loss = -self.gan.judge(drawn, labels, level).mean()
        for head in self._head:
            head.to(drawn.device)
            features = drawn * self.gan.scale + self.gan.centre
            loss = loss + self.head_weight * nn.functional.cross_entropy(head(features), labels)
        return loss

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """Let the critic take a step, and every so many the generator."""
        critic, generator = cast(list[Any], self.optimizers())  # there are two
        loss = self._step(critic, self.training_loss(batch))
        if (batch_index + 1) % self.critic_steps == 0:
            told = self._step(generator, self.generator_loss(batch))
            self.log("generator_loss", told, on_epoch=True, on_step=False, batch_size=len(batch[0]))
        size = len(batch[0])
        self.log("train_loss", loss, on_step=False, on_epoch=True, prog_bar=True, batch_size=size)
        return loss

    def _step(self, optimizer: Any, loss: Tensor) -> Tensor:
        optimizer.zero_grad()
        self.manual_backward(loss)
        optimizer.step()
        return loss.detach()

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        """Generate features of the labels of a batch, and find their nearest means."""
        features, labels, level = batch
        torch.manual_seed(batch_index)
        drawn, real = self.gan.draw(labels, level), self.gan.normalised(features)
        told = (labels, level)
        apart = self.gan.judge(real, *told).mean() - self.gan.judge(drawn, *told).mean()
        self.log("validation_loss", apart, batch_size=len(labels))
        self.validation_accuracy.update(-torch.cdist(drawn, self.means), labels)
        self.log("validation_accuracy", self.validation_accuracy, batch_size=len(labels))

    def on_validation_epoch_end(self) -> None:
        """Count the epoch, so that the last one is kept."""
        self.log(_EPOCHS, float(self.current_epoch))

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        """Return Adam of the critic and of the generator, with Gulrajani's betas."""
        parts = (self.gan.critic, self.gan.generator)
        return [
            torch.optim.Adam(part.parameters(), lr=self.learning_rate, betas=(0.5, 0.9))
            for part in parts
        ]
