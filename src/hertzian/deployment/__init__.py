"""Running models, and the way from a trained network to a file that runs without torch."""

from hertzian.deployment.finding import SHIPPED, find_model, load_predictor, shipped_names
from hertzian.deployment.metadata import DatasetIdentity, ModelMetadata
from hertzian.deployment.runtime import OnnxPredictor, Predictor

__all__ = [
    "SHIPPED",
    "DatasetIdentity",
    "ModelMetadata",
    "OnnxPredictor",
    "Predictor",
    "find_model",
    "load_predictor",
    "shipped_names",
]
