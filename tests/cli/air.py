"""Recordings with known bursts in them, and a model whose answer is known."""

import json
from dataclasses import dataclass

import numpy as np

from hertzian.signal import CORE

RATE_HZ = 250e3
CLASSES = (*CORE, "unknown")


@dataclass(frozen=True)
class Burst:
    """Band-limited noise: start and count in samples, centre and bandwidth in cycles a sample."""

    start: int
    count: int
    center: float
    bandwidth: float
    snr_db: float = 20.0


BURSTS = (Burst(20_000, 30_000, 0.15, 0.08), Burst(70_000, 20_000, -0.2, 0.12))


def air(bursts=BURSTS, samples=120_000, seed=1):
    """Noise of unit power with bursts of known in-band SNR, complex64 [samples]."""
    rng = np.random.default_rng(seed)
    iq = rng.normal(size=(2, samples)) / np.sqrt(2)
    iq = iq[0] + 1j * iq[1]
    for burst in bursts:
        spectrum = np.zeros(burst.count, complex)
        half = round(burst.bandwidth * burst.count / 2)
        bins = np.arange(-half, half)
        spectrum[bins] = rng.normal(size=bins.size) + 1j * rng.normal(size=bins.size)
        x = np.fft.ifft(spectrum)
        x *= np.sqrt(10 ** (burst.snr_db / 10) * burst.bandwidth / np.mean(np.abs(x) ** 2))
        place = slice(burst.start, burst.start + burst.count)
        iq[place] += x * np.exp(2j * np.pi * burst.center * np.arange(burst.count))
    return iq.astype(np.complex64)


def as_cu8(iq):
    """The bytes of an 8-bit receiver, three steps of which span the noise."""
    parts = 127.5 + 3 * np.ascontiguousarray(iq, np.complex64).view(np.float32)
    return np.clip(np.rint(parts), 0, 255).astype(np.uint8).tobytes()


def write_answering(path, answer="QPSK", probability=0.8):
    """A model that says of everything: `answer`, with that probability."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    rest = (1 - probability) / (len(CLASSES) - 1)
    logits = np.log([probability if name == answer else rest for name in CLASSES])
    nodes = [
        helper.make_node("Flatten", ["x"], ["flat"]),
        helper.make_node("MatMul", ["flat", "nothing"], ["silent"]),
        helper.make_node("Add", ["silent", "answer"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "answering",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 2, 1024])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", len(CLASSES)])],
        [
            numpy_helper.from_array(np.zeros((2048, len(CLASSES)), np.float32), "nothing"),
            numpy_helper.from_array(logits.astype(np.float32)[None, :], "answer"),
        ],
    )
    proto = helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 18)])
    known = {
        **{"name": "answering", "version": "1", "classes": CLASSES, "samples": 1024},
        **{"occupied_share": 1 / 3, "parameters": 27, "macs": 0},
    }
    helper.set_model_props(proto, {"hertzian": json.dumps(known)})
    onnx.save(proto, path)
    return path
