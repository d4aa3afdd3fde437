"""Knowledge distillation: a small network learns from a large one beside the labels.

Equation numbers are those of Gao et al., CrossTLNet, Electronics 12(22), 2023, section 2.5.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from hertzian.signal import HertzianError
from hertzian.training.batches import Batch
from hertzian.training.plateau import Classifier
from hertzian.training.teaching import LOGITS, outputs

Norm = Literal["batch", "example"]
Relation = Literal["pearson", "divergence"]

_TINY = 1e-12


def similarity_loss(student: Tensor, teacher: Tensor, norm: Norm = "batch") -> Tensor:
    """Return how differently two networks find the examples of a batch alike (eq. 6-7).

    |G_t - G_s|^2 / b^2, G = F F^T over its norm, F [b, features]. After Tung and Mori (2019).

    Args:
        student: float [b, ...]; all but the first axis are one example's features.
        teacher: likewise; it may have another number of features.
        norm: "batch" divides by the Frobenius norm of F F^T, as eq. 6 is printed; "example"
            divides each row by its own length, as Tung and Mori do, which makes the loss about b
            times as large.
    """
    difference = _similarities(teacher, norm) - _similarities(student, norm)
    return difference.square().sum() / len(student) ** 2


def _similarities(features: Tensor, norm: Norm) -> Tensor:
    # The two differ little: half precision would leave nothing of the difference.
    with torch.autocast(features.device.type, enabled=False):
        flat = features.float().flatten(1)
        product = flat @ flat.T
        axes = (0, 1) if norm == "batch" else (1,)
        length = torch.linalg.vector_norm(product, dim=axes, keepdim=True)
        similarities: Tensor = product / length.clamp(min=_TINY)
        return similarities


def pearson_distance(first: Tensor, second: Tensor, dim: int) -> Tensor:
    """Return 1 - the Pearson correlation along an axis (eq. 9); 1 where one of them is constant."""
    first = first - first.mean(dim=dim, keepdim=True)
    second = second - second.mean(dim=dim, keepdim=True)
    lengths = torch.linalg.vector_norm(first, dim=dim) * torch.linalg.vector_norm(second, dim=dim)
    correlation: Tensor = (first * second).sum(dim=dim) / lengths.clamp(min=_TINY)
    return 1 - correlation


def relation_loss(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """Return the sum of inter-class and intra-class distances of softened outputs (eq. 8-10).

    Inter-class: the mean over examples of the Pearson distance along the classes. Intra-class:
    the mean over classes of that along the batch. After Huang et al. (2022).

    Args:
        student: logits, float [batch, classes].
        teacher: likewise.
        temperature: divides both.
    """
    ours = (student / temperature).softmax(dim=1)
    theirs = (teacher / temperature).softmax(dim=1)
    inter = pearson_distance(ours, theirs, dim=1).mean()
    return inter + pearson_distance(ours, theirs, dim=0).mean()


def divergence_loss(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """Return T^2 KL(teacher || student) of softened outputs, averaged over examples.

    Hinton, Vinyals and Dean (2015), section 2: the classic that `relation_loss` takes the place
    of; T^2 keeps its gradients as large at any temperature.

    Args:
        student: logits, float [batch, classes].
        teacher: likewise.
        temperature: T, divides both.
    """
    ours = (student / temperature).log_softmax(dim=1)
    theirs = (teacher / temperature).log_softmax(dim=1)
    divergence = nn.functional.kl_div(ours, theirs, reduction="batchmean", log_target=True)
    return temperature**2 * divergence


class Distillation(Classifier):
    """Teach a student its labels, a teacher's features and the teacher's outputs at once.

    Loss (eq. 11): alpha cross-entropy + beta sum of similarity losses + gamma logits loss. The
    defaults are the paper's. As `similarity_loss` is a mean over pairs of a batch, beta belongs
    to the batch size: the paper's is 32. The validation loss is the cross-entropy alone. Trained on
    a `TaughtDataset` it costs what the student alone does.

    Args:
        student: where `similar` names any, its `features` give these, and `logits`.
        class_count: number of classes.
        learning_rate: of the first epochs.
        teacher: likewise; a trained network. It is put into evaluation mode, never changed, and
            no part of the checkpoints.
        alpha, beta, gamma: weights of the three parts.
        temperature: of the softened outputs.
        similar: features compared; for none, any two networks of equal classes will do.
        norm: see `similarity_loss`.
        relation: what compares the outputs: `relation_loss` or `divergence_loss`.
        halve_after, stop_after, averaged, weight_decay: see `Classifier`; the paper takes 10 and 50
            of the first two.

    Raises:
        HertzianError: a temperature of 0 or less, or a patience of less than one epoch; in
            training, a network without one of the features.
    """

    def __init__(
        self,
        student: nn.Module,
        class_count: int,
        learning_rate: float,
        teacher: nn.Module,
        *,
        alpha: float = 1.0,
        beta: float = 9e5,
        gamma: float = 1.0,
        temperature: float = 1.5,
        similar: Sequence[str] = ("tcn_iq", "tcn_ap"),
        norm: Norm = "batch",
        relation: Relation = "pearson",
        halve_after: int | None = 10,
        stop_after: int | None = 50,
        averaged: float | None = None,
        weight_decay: float | None = None,
    ) -> None:
        super().__init__(
            student,
            class_count,
            learning_rate,
            halve_after=halve_after,
            stop_after=stop_after,
            averaged=averaged,
            weight_decay=weight_decay,
        )
        if temperature <= 0:
            raise HertzianError(f"a temperature is greater than 0, not {temperature}")
        # Inside a tuple it is no submodule: not trained, not switched to training, not saved.
        self._frozen = (teacher.eval(),)
        self.alpha, self.beta, self.gamma = alpha, beta, gamma
        self.temperature = temperature
        self.similar = tuple(similar)
        self.norm: Norm = norm
        self._logits_loss = relation_loss if relation == "pearson" else divergence_loss

    @property
    def teacher(self) -> nn.Module:
        """The network that teaches."""
        return self._frozen[0]

    def on_fit_start(self) -> None:
        """Bring the teacher to where the student is."""
        self.teacher.to(self.device)

    def training_loss(self, batch: Batch) -> Tensor:
        """Return the three losses of (x, labels), weighted and added.

        Of a `TaughtDataset` the batch has what the teacher says too, in the order of `outputs`.
        """
        x, labels, *told = batch
        theirs = dict(zip((LOGITS, *self.similar), told, strict=True)) if told else self._ask(x)
        ours = outputs(self.model, x, self.similar)
        student, teacher = ours["logits"].float(), theirs["logits"].float()
        loss = self.alpha * nn.functional.cross_entropy(student, labels)
        for name in self.similar:
            loss = loss + self.beta * similarity_loss(ours[name], theirs[name], self.norm)
        return loss + self.gamma * self._logits_loss(student, teacher, self.temperature)

    def _ask(self, x: Tensor) -> dict[str, Tensor]:
        with torch.no_grad():
            return outputs(self.teacher, x, self.similar)
