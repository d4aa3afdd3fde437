"""Classification beside reconstruction, as an autoencoder that also classifies learns."""

from typing import Any

from torch import Tensor, nn

from hertzian.signal import HertzianError
from hertzian.training.batches import Batch
from hertzian.training.plateau import Classifier


class Reconstruction(Classifier):
    """A `Classifier` that also has to give its input back.

    Loss: (1 - share) cross-entropy + share mean square of `reconstruction` - `input`, both of the
    network's `features`. Ke and Vikalo 2022, section III; the benchmark of Zhang et al. 2022 takes
    a share of 0.9. The validation loss is the cross-entropy alone.

    Args:
        model: its `features` give `input`, `reconstruction` and `embedding`, its `head` logits.
        class_count: number of classes.
        learning_rate: of the first epochs.
        share: of the reconstruction in the loss, 0..1.
        options: see `Classifier`.

    Raises:
        HertzianError: another share, or a network that reconstructs nothing.
    """

    def __init__(
        self,
        model: nn.Module,
        class_count: int,
        learning_rate: float,
        share: float = 0.9,
        **options: Any,
    ) -> None:
        super().__init__(model, class_count, learning_rate, **options)
        if not 0 <= share <= 1:
            raise HertzianError(f"a share of the loss is from 0 to 1, not {share}")
        self.share = share

    def training_loss(self, batch: Batch) -> Tensor:
        """Return both losses of (x, labels), weighted and added."""
        x, labels = batch
        model: Any = self.model
        found = model.features(x)
        if "reconstruction" not in found:
            raise HertzianError(f"{type(model).__name__} gives no reconstruction to learn from")
        error = nn.functional.mse_loss(found["reconstruction"].float(), found["input"].float())
        named = nn.functional.cross_entropy(model.head(found["embedding"]).float(), labels)
        return (1 - self.share) * named + self.share * error
