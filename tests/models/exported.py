"""A network through its ONNX file, beside the network itself."""

import numpy as np
import torch

from hertzian.deployment import ModelMetadata, OnnxPredictor
from hertzian.deployment.export import export_onnx


def largest_difference(model, classes, samples, path):
    """Return the largest |logit of the ONNX file - logit of torch|, edge cases included."""
    metadata = ModelMetadata(
        **{"name": "exported", "version": "1", "classes": classes, "samples": samples},
        **{"occupied_share": 0.5, "parameters": 0, "macs": 0},
    )
    export_onnx(model, metadata, path)
    x = np.random.default_rng(0).normal(size=(5, 2, samples)).astype(np.float32)
    x[1] *= 1e6
    x[2] = 0
    x[3, 1] = 0  # phases of 0 and pi only
    x[4, 0] = 0
    model.eval()
    with torch.no_grad():
        expected = model(torch.from_numpy(x)).numpy()
    assert np.isfinite(expected).all()
    predictor = OnnxPredictor(path)
    single = predictor.logits(x[:1])
    return max(
        float(np.abs(predictor.logits(x) - expected).max()),
        float(np.abs(single - expected[:1]).max()),
    )
