"""Name the modulation of each window of a recording, without Hertzian.

Usage: python infer.py MODEL.onnx RECORDING (complex float32, at the rate that the model expects).
"""

import json
import sys

import numpy as np
import onnxruntime

if len(sys.argv) != 3:
    sys.exit(__doc__)
session = onnxruntime.InferenceSession(sys.argv[1])
model = json.loads(session.get_modelmeta().custom_metadata_map["hertzian"])
iq = np.fromfile(sys.argv[2], dtype=np.complex64)
windows = iq[: len(iq) - len(iq) % model["samples"]].reshape(-1, model["samples"])
(logits,) = session.run(["logits"], {"x": np.stack([windows.real, windows.imag], axis=1)})
scores = logits / model["temperature"] + (model["biases"] or 0.0)
probabilities = np.exp(scores - scores.max(axis=1, keepdims=True))
probabilities /= probabilities.sum(axis=1, keepdims=True)
for best, row in zip(probabilities.argmax(axis=1), probabilities, strict=True):
    print(f"{model['classes'][best]} {row[best]:.3f}")
