"""Training: one Lightning module per learning method, and the loop that runs them."""

from hertzian.training.augment import augment
from hertzian.training.batches import (
    KEPT_BYTES,
    ArrayDataset,
    BatchSource,
    DatasetRows,
    EpochBatches,
    Mixed,
    batch_loader,
    rows_of,
    steps_per_epoch,
)
from hertzian.training.clustering import PairClassifier, PairClustering
from hertzian.training.distillation import (
    Distillation,
    divergence_loss,
    pearson_distance,
    relation_loss,
    similarity_loss,
)
from hertzian.training.drawing import DrawnBatches, PresetData
from hertzian.training.imitation import Imitation, ImitationPlan, imitate, without_randomness
from hertzian.training.learner import Learner
from hertzian.training.loop import FitResult, fit, history
from hertzian.training.multitask import MultiTask, TaskDataset
from hertzian.training.plateau import Classifier
from hertzian.training.processor import Accelerator, Precision, can_compile, fast_precision
from hertzian.training.reconstruction import Reconstruction
from hertzian.training.settling import Clustering, Settling
from hertzian.training.supervised import Supervised
from hertzian.training.teaching import TaughtDataset, taught_bytes
from hertzian.training.weighting import (
    WeightedClassifier,
    WeightedDataset,
    confidence,
    confidence_weights,
)

__all__ = [
    "KEPT_BYTES",
    "Accelerator",
    "ArrayDataset",
    "BatchSource",
    "Classifier",
    "Clustering",
    "DatasetRows",
    "Distillation",
    "DrawnBatches",
    "EpochBatches",
    "FitResult",
    "Imitation",
    "ImitationPlan",
    "Learner",
    "Mixed",
    "MultiTask",
    "PairClassifier",
    "PairClustering",
    "Precision",
    "PresetData",
    "Reconstruction",
    "Settling",
    "Supervised",
    "TaskDataset",
    "TaughtDataset",
    "WeightedClassifier",
    "WeightedDataset",
    "augment",
    "batch_loader",
    "can_compile",
    "confidence",
    "confidence_weights",
    "divergence_loss",
    "fast_precision",
    "fit",
    "history",
    "imitate",
    "pearson_distance",
    "relation_loss",
    "rows_of",
    "similarity_loss",
    "steps_per_epoch",
    "taught_bytes",
    "without_randomness",
]
