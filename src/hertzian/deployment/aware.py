"""Quantisation-aware training: a network that rounds as its 8-bit file will, while it learns.

Weights become signed bytes with one scale a channel, activations unsigned bytes; gradients pass
the rounding as if it were not there (Jacob et al., Quantization and training of neural networks
for efficient integer-arithmetic-only inference, 2018).
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from hertzian.deployment.export import ExportError, InOrder, trace, write_onnx
from hertzian.deployment.finding import PROGRAM
from hertzian.deployment.integers import quantise_biases, round_early
from hertzian.deployment.metadata import DatasetIdentity, ModelMetadata
from hertzian.deployment.programs import LARGEST_BATCH, require_program, write_program
from hertzian.deployment.quantization import quantise_recurrent
from hertzian.deployment.quiet import quiet
from hertzian.training.batches import BatchSource, shape_of
from hertzian.training.imitation import ImitationPlan, imitate, without_randomness
from hertzian.training.loop import FitResult


class RoundingNetwork(nn.Module):
    """A network whose convolutions and dense layers round as integers of 8 bits do.

    Batch norm is folded into the convolutions and keeps its statistics; nothing is dropped. The
    ranges of the activations are moving averages over the batches seen in training mode.

    Args:
        network: float32 [batch, 2, samples] -> logits, or a dict of heads; it is left as it is.
        samples: length of its windows.
        heads: names of its heads.
        program: round as XNNPACK does, for a program of ExecuTorch, and not as onnxruntime.
    """

    def __init__(
        self, network: nn.Module, samples: int, heads: Sequence[str], *, program: bool = False
    ) -> None:
        super().__init__()
        self._heads = list(heads)
        self._program = program
        self._example = torch.zeros(2, 2, samples)
        with quiet():
            from torchao.quantization.pt2e.quantize_pt2e import prepare_pt2e

            from hertzian.deployment.rounding import LayerQuantizer

            plain = InOrder(without_randomness(network).eval(), self._heads)
            batch = torch.export.Dim("batch", min=1)
            exported = torch.export.export(plain, (self._example,), dynamic_shapes=({0: batch},))
            kind = torch.int8 if program else torch.uint8
            self.graph: Any = prepare_pt2e(exported.module(), LayerQuantizer(kind, answers=program))

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

    def write(self, metadata: ModelMetadata, out: Path) -> None:
        """Write the network in integers; it can't be trained afterwards.

        Raises:
            HertzianError: it can't be written.
        """
        with quiet():
            from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e

            converted = convert_pt2e(self.graph)
        if self._program:
            write_program(converted, metadata, out)
            return
        model = trace(converted, self._example, self._heads)
        round_early(model)
        quantise_biases(model)
        write_onnx(quantise_recurrent(model), metadata, out)


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
        out: the file to write: .onnx, or .pte for ExecuTorch.
        directory: of the training, which goes on from what it finds there (see `training.fit`).
        plan: of the training.
        seen: the datasets that these windows are of, which the file then says it has seen.

    Raises:
        HertzianError: no layer of it is quantised so, or the directory has another training.
    """
    for part in windows:
        metadata.require_windows(shape_of(part))
    copied = _rounding(network, metadata, out)
    result = imitate(copied, network, metadata.heads(), windows, directory, plan)
    copied.write(metadata.having_seen(seen), out)
    return result


def quantize_program(
    network: nn.Module,
    metadata: ModelMetadata,
    windows: npt.NDArray[np.float32],
    out: Path,
    seen: Iterable[DatasetIdentity] = (),
) -> None:
    """Write a program of ExecuTorch with weights and activations of 8 bits, after training.

    Args:
        network: float32 [batch, 2, samples] -> logits, or a dict of heads; it is left as it is.
        metadata: its description.
        windows: float32 [n, 2, samples], whose activations set the scales.
        out: the .pte file to write.
        seen: the datasets that these windows are of, which the file then says it has seen.

    Raises:
        HertzianError: no layer of it is quantised so, ExecuTorch can't do it or isn't installed.
    """
    metadata.require_windows(windows.shape)
    if not len(windows):
        raise ExportError(f"{metadata.name}: the scales of 8 bits need one window or more")
    copied = _rounding(network, metadata, out).train()
    with torch.no_grad():
        for first in range(0, len(windows), LARGEST_BATCH):
            copied(torch.from_numpy(windows[first : first + LARGEST_BATCH]))
    copied.train(False).write(metadata.having_seen(seen), out)


def _rounding(network: nn.Module, metadata: ModelMetadata, out: Path) -> RoundingNetwork:
    heads, program = list(metadata.heads()), out.suffix.lower() == PROGRAM
    if program:
        require_program(network, metadata.name)
    copied = RoundingNetwork(network, metadata.samples, heads, program=program)
    if not copied.rounds:
        raise ExportError(
            f"{metadata.name}: it is convolutions and dense layers that learn to be in integers, "
            f"and here are none; quantise it after training"
        )
    return copied
