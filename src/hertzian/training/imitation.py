"""A smaller copy of a network learns to answer as the network does; labels have no part in it.

Hinton, Vinyals and Dean, Distilling the knowledge in a neural network, 2015, at temperature 1.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from hertzian.models.heads import MultiHead, Quantity
from hertzian.models.keras import GaussianDropout, GaussianNoise
from hertzian.signal import MODULATION
from hertzian.training.batches import Batch, BatchSource
from hertzian.training.loop import FitResult, fit
from hertzian.training.plateau import Classifier

_RANDOM = (nn.modules.dropout._DropoutNd, GaussianNoise, GaussianDropout)


def without_randomness(network: nn.Module) -> nn.Module:
    """Return a copy of a network that drops nothing and adds no noise; its weights' names stay."""
    copied = copy.deepcopy(network)
    for name, layer in list(copied.named_modules()):
        if isinstance(layer, _RANDOM):
            copied.set_submodule(name, nn.Identity())
        elif isinstance(layer, nn.RNNBase):
            layer.dropout = 0.0
    return copied


@dataclass(frozen=True)
class ImitationPlan:
    """How long and how fast a copy learns; see `fit` and `Classifier`."""

    epochs: int
    learning_rate: float
    batch_size: int = 128
    halve_after: int | None = 1
    stop_after: int | None = 3
    seed: int = 0
    threads: int | None = None


def imitate(
    learner: nn.Module,
    original: nn.Module,
    heads: Mapping[str, int],
    windows: tuple[BatchSource, BatchSource],
    directory: Path,
    plan: ImitationPlan,
) -> FitResult:
    """Train a copy by `Imitation`; it is left with the weights of its best epoch.

    Args:
        learner: the copy, see `Imitation`.
        original: that which it imitates.
        heads: see `Imitation`.
        windows: to train on, and to choose the best epoch by; labels have no part in it.
        directory: of the training, which goes on from what it finds there.
        plan: of the training.

    Raises:
        HertzianError: the directory has the training of another network.
    """
    return fit(
        Imitation(
            learner,
            original,
            heads,
            plan.learning_rate,
            halve_after=plan.halve_after,
            stop_after=plan.stop_after,
        ),
        *windows,
        epochs=plan.epochs,
        batch_size=plan.batch_size,
        directory=directory,
        # what rounds by itself is not to be rounded to half precision as well
        precision="32-true",
        seed=plan.seed,
        threads=plan.threads,
    )


class Imitation(Classifier):
    """Bring a copy's answers to those of the network that it was made from.

    The loss is the sum over heads: of classes KL(network || copy), of a quantity the Huber loss of
    the difference in standard deviations. Batch norms keep their statistics. The validation loss is
    the same sum, `validation_accuracy` the share of windows with the same modulation.

    Args:
        learner: the copy, best `without_randomness`: float32 [batch, 2, samples] -> logits [batch,
            classes], or a dict of heads.
        original: likewise, of the same heads; put into evaluation mode, never changed, and no part
            of the checkpoints.
        heads: how many numbers each head gives, by name; `modulation` is among them.
        learning_rate: of the first epochs.
        halve_after, stop_after: see `Classifier`.

    Raises:
        HertzianError: a patience of less than one epoch.
    """

    measured = "same answer"

    def __init__(
        self,
        learner: nn.Module,
        original: nn.Module,
        heads: Mapping[str, int],
        learning_rate: float,
        *,
        halve_after: int | None = 1,
        stop_after: int | None = 3,
    ) -> None:
        super().__init__(
            learner,
            heads[MODULATION],
            learning_rate,
            halve_after=halve_after,
            stop_after=stop_after,
        )
        # Inside a tuple it is no submodule: not trained, not switched to training, not saved.
        self._frozen = (original.eval(),)
        self._quantities = _quantities(original)

    def train(self, mode: bool = True) -> "Imitation":
        """Switch to training; batch norms keep the statistics that the original was trained with.

        Moving averages take thousands of steps to follow, more than a copy needs to learn.
        """
        super().train(mode)
        for layer in self.model.modules():
            if isinstance(layer, nn.modules.batchnorm._BatchNorm):
                layer.eval()
        return self

    def on_validation_model_train(self) -> None:
        """Go on after a validation: Lightning would restore flags, and call nothing."""
        self.train()

    def on_fit_start(self) -> None:
        """Bring the original to where the copy is."""
        self._frozen[0].to(self.device)

    def training_loss(self, batch: Batch) -> Tensor:
        """Return the sum over heads of the copy's difference from the original."""
        return self._difference(self._by_head(self.model, batch[0]), self._wanted(batch[0]))

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        """Add one batch to the validation's difference, and count the same answers."""
        said, wanted = self._by_head(self.model, batch[0]), self._wanted(batch[0])
        size = len(batch[0])
        self.validation_accuracy.update(said[MODULATION], wanted[MODULATION].argmax(dim=1))
        self.log("validation_loss", self._difference(said, wanted), batch_size=size)
        self.log("validation_accuracy", self.validation_accuracy, prog_bar=True, batch_size=size)

    def _wanted(self, x: Tensor) -> dict[str, Tensor]:
        with torch.no_grad():
            return self._by_head(self._frozen[0], x)

    @staticmethod
    def _by_head(network: nn.Module, x: Tensor) -> dict[str, Tensor]:
        answer: Tensor | dict[str, Tensor] = network(x)
        by_head = answer if isinstance(answer, dict) else {MODULATION: answer}
        return {head: value.float() for head, value in by_head.items()}

    def _difference(self, said: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> Tensor:
        losses = []
        for head, theirs in wanted.items():
            if head in self._quantities:
                errors = self._quantities[head].errors(said[head], theirs)
                losses.append(nn.functional.huber_loss(errors, torch.zeros_like(errors)))
            else:
                ours, soft = said[head].log_softmax(dim=1), theirs.log_softmax(dim=1)
                losses.append(
                    nn.functional.kl_div(ours, soft, reduction="batchmean", log_target=True)
                )
        return torch.stack(losses).sum()


def _quantities(network: nn.Module) -> dict[str, Quantity]:
    """Return the heads that give one number each."""
    heads = network.heads.items() if isinstance(network, MultiHead) else ()
    return {name: head for name, head in heads if isinstance(head, Quantity)}
