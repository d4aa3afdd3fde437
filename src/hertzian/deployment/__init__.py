"""Running models, and the way from a trained network to a file that runs without torch."""

from hertzian.deployment.runtime import (
    SHIPPED,
    DatasetIdentity,
    ModelMetadata,
    OnnxPredictor,
    Predictor,
    find_model,
    load_predictor,
    shipped_names,
)

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
