"""Training: one Lightning module per learning method, and the loop that runs them."""

from hertzian.training.augment import augment
from hertzian.training.batches import ArrayDataset, EpochBatches, batch_loader
from hertzian.training.drawing import DrawnBatches, PresetData
from hertzian.training.loop import FitResult, Precision, fit, history
from hertzian.training.supervised import Supervised

__all__ = [
    "ArrayDataset",
    "DrawnBatches",
    "EpochBatches",
    "FitResult",
    "Precision",
    "PresetData",
    "Supervised",
    "augment",
    "batch_loader",
    "fit",
    "history",
]
