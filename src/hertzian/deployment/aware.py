"""Quantisation-aware training: a network that rounds as its 8-bit file will, while it learns.

Weights become signed bytes with one scale a channel, activations unsigned bytes; gradients pass
the rounding as if it were not there (Jacob et al., Quantization and training of neural networks
for efficient integer-arithmetic-only inference, 2018).
"""

import contextlib
import logging
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import Tensor, nn

from hertzian.deployment.export import ExportError, InOrder, trace, write_onnx
from hertzian.deployment.integers import quantise_biases, round_early
from hertzian.deployment.quantization import quantise_recurrent
from hertzian.deployment.runtime import DatasetIdentity, ModelMetadata
from hertzian.training.batches import BatchSource
from hertzian.training.imitation import ImitationPlan, imitate, without_randomness
from hertzian.training.loop import FitResult


class RoundingNetwork(nn.Module):
    """A network whose 2-D convolutions and dense layers round as integers of 8 bits do.

    Batch norm is folded into the convolutions and keeps its statistics; nothing is dropped. The
    ranges of the activations are moving averages over the batches seen in training mode.

    Args:
        network: float32 [batch, 2, samples] -> logits, or a dict of heads; it is left as it is.
        samples: length of its windows.
        heads: names of its heads.
    """

    def __init__(self, network: nn.Module, samples: int, heads: Sequence[str]) -> None:
        super().__init__()
        self._heads = list(heads)
        self._example = torch.zeros(2, 2, samples)
        with _quiet():
            from torchao.quantization.pt2e.quantize_pt2e import prepare_pt2e

            from hertzian.deployment.rounding import LayerQuantizer

            plain = InOrder(without_randomness(network).eval(), self._heads)
            batch = torch.export.Dim("batch", min=1)
            program = torch.export.export(plain, (self._example,), dynamic_shapes=({0: batch},))
            self.graph: Any = prepare_pt2e(program.module(), LayerQuantizer())

    @property
    def rounds(self) -> bool:
        """Whether any layer rounds."""
        return any(hasattr(layer, "enable_observer") for layer in self.graph.modules())

    def train(self, mode: bool = True) -> "RoundingNetwork":
        """Let the ranges of the activations move, or stay."""
        self.training = mode
        for layer in self.graph.modules():
            if hasattr(layer, "enable_observer"):
                layer.enable_observer(mode)
        return self

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Return what each head says of float32 [batch, 2, samples]."""
        return dict(zip(self._heads, self.graph(x), strict=True))

    def in_integers(self) -> onnx.ModelProto:
        """Return the network as an ONNX graph of integers; it can't be trained afterwards."""
        with _quiet():
            from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e

            converted = convert_pt2e(self.graph)
            model = trace(converted, self._example, self._heads)
        round_early(model)
        quantise_biases(model)
        return quantise_recurrent(model)


def quantize_with_training(
    network: nn.Module,
    metadata: ModelMetadata,
    windows: tuple[BatchSource, BatchSource],
    out: Path,
    *,
    directory: Path,
    plan: ImitationPlan,
    seen: Iterable[DatasetIdentity] = (),
) -> FitResult:
    """Write a model with weights and activations of 8 bits, trained to answer as before.

    Args:
        network: float32 [batch, 2, samples] -> logits, or a dict of heads; it is left as it is.
        metadata: its description.
        windows: to train on, and to choose the best epoch by; labels have no part in it.
        out: the .onnx file to write.
        directory: of the training, which goes on from what it finds there (see `training.fit`).
        plan: of the training.
        seen: the datasets that these windows are of, which the file then says it has seen.

    Raises:
        HertzianError: no layer of it is quantised so, or the directory has another training.
    """
    copied = RoundingNetwork(network, metadata.samples, list(metadata.heads()))
    if not copied.rounds:
        raise ExportError(
            f"{metadata.name}: quantisation-aware training reaches 2-D convolutions and dense "
            f"layers, and here are none; quantise it after training"
        )
    result = imitate(copied, network, metadata.heads(), windows, directory, plan)
    write_onnx(copied.in_integers(), metadata.having_seen(seen), out)
    return result


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep from the user what torch and torchao say of themselves."""
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
