"""Networks for LiteRT: torch's exported program, converted in an environment of its own.

`python -m hertzian.deployment.litert_conversion [FOLDER]` makes that environment; its compiler
can't share ours. What comes out runs without it, see `litert`.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor, nn

from hertzian.deployment.cards import card_of
from hertzian.deployment.export import ExportError, InOrder, write_card
from hertzian.deployment.metadata import ModelMetadata
from hertzian.deployment.quiet import quiet
from hertzian.recordings.atomic import atomic_path
from hertzian.training.imitation import without_randomness
from hertzian.workers.environment import Environment
from hertzian.workers.errors import WorkerError
from hertzian.workers.process import ask

ENVIRONMENT = Environment(
    name="LiteRT's converter",
    module="hertzian.deployment.litert_conversion",
    requirements=("torch==2.13.0", "litert-torch==0.10.0"),
    imports=("torch", "litert_torch"),
)

_WORKER = Path(__file__).with_name("litert_worker.py")
_TIMEOUT_S = 3600.0


class ByName(nn.Module):
    """A network that answers with a dict of its heads, of which the converter keeps the names."""

    def __init__(self, module: nn.Module, heads: list[str]) -> None:
        super().__init__()
        self.module = InOrder(module, heads)
        self.heads = heads

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Return each head's answer to [batch, 2, samples]."""
        return dict(zip(self.heads, self.module(x), strict=True))


def export_litert(
    network: nn.Module, metadata: ModelMetadata, path: Path, python: Path | None = None
) -> None:
    """Write a network in floats as a model for LiteRT, and its description beside it.

    Args:
        network: float32 [batch, 2, samples] -> logits, or a dict of heads; it is left as it is.
        metadata: its description.
        path: NAME.tflite; the file takes one window at a time.
        python: interpreter of the environment; None looks in the default folder.

    Raises:
        WorkerError: the environment is missing, or its converter can't do this network.
        ExportError: torch can't export it.
    """
    python = python or ENVIRONMENT.find_python()
    named = ByName(without_randomness(network).eval(), list(metadata.heads()))
    with TemporaryDirectory(prefix="hertzian-litert-") as folder:
        program, converted = Path(folder) / "network.pt2", Path(folder) / "network.tflite"
        try:
            with quiet():
                example = (torch.zeros(1, 2, metadata.samples),)
                torch.export.save(torch.export.export(named, example), program)
        except Exception as error:  # its errors have no base class of their own
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
            raise ExportError(f"{metadata.name}: torch can't export it ({reason})") from None
        request = {"program": str(program), "out": str(converted)}
        ask(python, _WORKER, request, ENVIRONMENT.name, _TIMEOUT_S)
        if not converted.is_file():
            raise WorkerError(f"{ENVIRONMENT.name} left no file")
        write_card(metadata, card_of(path))
        with atomic_path(path) as partial:
            partial.write_bytes(converted.read_bytes())


if __name__ == "__main__":
    sys.exit(ENVIRONMENT.main(sys.argv[1:]))
