"""A moving average of a network's weights, which is what is validated and kept."""

import lightning
import torch
from lightning.pytorch.callbacks import WeightAveraging
from torch import Tensor

from hertzian.signal import HertzianError

# Share of the steps so far that the average reaches back over at first.
_YOUNG = 1 / 9


class MovingAverage(WeightAveraging):
    """Average the weights and batch-norm statistics over the last steps; train on without it.

    Each validation, and the checkpoint of the best epoch, have the average (Polyak and Juditsky,
    Acceleration of Stochastic Approximation by Averaging, 1992; exponential, as in Tarvainen and
    Valpola, Mean Teachers, 2017). The loss of the validation no longer jumps from one epoch to the
    next, and a rate is lowered by what was learnt rather than by the last steps' noise. One is for
    one run.

    Args:
        epochs: the average's time constant, in epochs. In the first ones it is shorter, a ninth of
            the steps so far: what the network knew at its start is soon forgotten.
        device: where the average is kept; the network's, or each step moves all of it.

    Raises:
        HertzianError: it is not above zero.
    """

    def __init__(self, epochs: float, device: torch.device | str = "cpu") -> None:
        if not epochs > 0:
            raise HertzianError(f"weights are averaged over more than 0 epochs, not {epochs:g}")
        super().__init__(device=device, avg_fn=self._mix)
        self.epochs = epochs
        self._steps = epochs  # of one step until the length of an epoch is known

    def on_train_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Take the number of steps in an epoch."""
        self._steps = self.epochs * trainer.num_training_batches

    def _mix(self, average: Tensor, current: Tensor, count: Tensor) -> Tensor:
        if not average.is_floating_point():
            return current  # counters and masks
        steps = (1 + _YOUNG * count).clamp(max=max(self._steps, 1.0))
        # equal ones may be infinite
        return torch.where(average == current, average, average + (current - average) / steps)
