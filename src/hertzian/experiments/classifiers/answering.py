"""A network that a stage left, asked head by head: in torch, or as a file in integers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hertzian.deployment import OnnxPredictor
from hertzian.experiments.classifiers.data import split_data
from hertzian.experiments.classifiers.tested import logits, size_of
from hertzian.experiments.classifiers.train import INTEGERS, network_settings, source_of, trained
from hertzian.experiments.stages import StageContext
from hertzian.models import MultiHead, outputs_of
from hertzian.training import BatchSource, batch_loader

Answers = npt.NDArray[np.float32]
_BATCH = 1024


@dataclass(frozen=True)
class Answering:
    """What can be asked.

    Attributes:
        heads: how many numbers each head gives, by name.
        size: parameters, MACs, and the bytes of a file.
        ask: what a head says of windows, [n, numbers], in their order.
    """

    heads: Mapping[str, int]
    size: Mapping[str, int]
    ask: Callable[[BatchSource, str], Answers]


def answering(context: StageContext, name: str) -> Answering:
    """Return the network of an earlier stage.

    Raises:
        ExperimentError: it leaves none.
    """
    if network_settings(context, name).in_integers:
        return _in_integers(OnnxPredictor(context.output(name) / INTEGERS))
    data = split_data(context, source_of(context, name).data)
    model = trained(context, name)

    def ask(windows: BatchSource, head: str) -> Answers:
        return logits(model, windows, head if isinstance(model, MultiHead) else None)

    return Answering(outputs_of(model, len(data.classes)), size_of(model, data.samples), ask)


def _in_integers(predictor: OnnxPredictor) -> Answering:
    def ask(windows: BatchSource, head: str) -> Answers:
        batches = batch_loader(windows, _BATCH, None)
        return np.concatenate([predictor.heads(x.numpy())[head] for x, *_ in batches])

    metadata = predictor.metadata
    size = {"parameters": metadata.parameters, "macs": metadata.macs}
    return Answering(metadata.heads(), size, ask)
