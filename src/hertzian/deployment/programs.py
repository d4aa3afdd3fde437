"""Programs for ExecuTorch: a network lowered to XNNPACK's kernels, quick on small networks.

A program NAME.pte has its description beside it, as NAME.pte.json. All this needs
`hertzian[train,executorch]`.
"""

import os
import weakref
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import nn

from hertzian.deployment.cards import card_of, read_described
from hertzian.deployment.export import ExportError, InOrder, write_card
from hertzian.deployment.metadata import ModelError, ModelMetadata
from hertzian.deployment.quiet import no_lines_of_libraries, quiet
from hertzian.deployment.runtime import FilePredictor, Float32, check_size
from hertzian.recordings.atomic import atomic_path
from hertzian.training.imitation import without_randomness

LARGEST_BATCH = 64
"""Windows of a call: a program keeps room for so many."""


MOST_PLANNED_BYTES = 1_000_000_000
"""Memory of a program for what its layers answer."""


def has_executorch() -> bool:
    """Tell whether ExecuTorch is installed."""
    return find_spec("executorch") is not None


def require_program(network: nn.Module, name: str) -> None:
    """Check that a network can become a program.

    Raises:
        ExportError: ExecuTorch isn't installed, or the network has recurrent layers, which it would
            unroll step by step.
    """
    _require_executorch()
    recurrent = {type(one).__name__ for one in network.modules() if isinstance(one, nn.RNNBase)}
    if recurrent:
        raise ExportError(
            f"{name}: has {', '.join(sorted(recurrent))}, and ExecuTorch no kernels for recurrent "
            f"layers; write an .onnx file"
        )


def _require_executorch() -> None:
    if not has_executorch():
        raise ExportError(
            "programs (.pte) need executorch: pip install 'hertzian[train,executorch]'"
        )


def export_program(network: nn.Module, metadata: ModelMetadata, path: Path) -> None:
    """Write a network in floats as a program, and its description beside it.

    Args:
        network: float32 [batch, 2, samples] -> logits, or a dict of heads; it is left as it is.
        metadata: its description.
        path: NAME.pte.

    Raises:
        ExportError: ExecuTorch is not installed, or can't do this network.
    """
    require_program(network, metadata.name)
    plain = InOrder(without_randomness(network).eval(), list(metadata.heads()))
    write_program(plain, metadata, path)


def write_program(module: nn.Module, metadata: ModelMetadata, path: Path) -> None:
    """Write a network that gives a tuple of its heads as a program, and its description.

    Raises:
        ExportError: ExecuTorch can't do this network.
    """
    try:
        with quiet():
            program = _lowered(module, metadata.samples)
    except Exception as error:  # its errors have no base class of their own
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
        raise ExportError(f"{metadata.name}: ExecuTorch can't do this network ({reason})") from None
    write_card(metadata, card_of(path))
    with atomic_path(path) as partial:
        partial.write_bytes(program)


def _lowered(module: nn.Module, samples: int) -> bytes:
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower

    # the batch of the example is the largest that the program has room for
    example = torch.zeros(LARGEST_BATCH, 2, samples)
    batch = torch.export.Dim("batch", min=1, max=LARGEST_BATCH)
    exported = torch.export.export(module, (example,), dynamic_shapes=({0: batch},))
    lowered = to_edge_transform_and_lower(exported, partitioner=[XnnpackPartitioner()])
    return bytes(lowered.to_executorch().buffer)


class ProgramPredictor(FilePredictor):
    """A program, run by ExecuTorch on the processor.

    Args:
        path: NAME.pte, beside NAME.pte.json.
        threads: see `open_program`; None leaves it to ExecuTorch.

    Raises:
        HertzianError: files are missing or damaged, or ExecuTorch is not installed.
    """

    batch = LARGEST_BATCH

    def __init__(self, path: Path, threads: int | None = None) -> None:
        _require_executorch()
        super().__init__(path, read_described(path))
        self._method = open_program(path, threads)

    def _run(self, batch: Float32, count: int) -> list[Float32]:
        try:
            answers = self._method.execute([torch.from_numpy(batch)])
        except (RuntimeError, MemoryError) as error:
            raise ModelError(f"{self.path}: the program failed ({error})") from None
        if len(answers) < count or not all(isinstance(one, torch.Tensor) for one in answers):
            raise ModelError(f"{self.path}: the program answered with {len(answers)} tensors")
        # the next call writes over them
        return [one.float().numpy().copy() for one in answers[:count]]


def _check_memory(path: Path) -> None:
    """Check what a program plans to take, before it does."""
    from executorch.exir._serialize._program import deserialize_pte_binary

    try:
        plans = deserialize_pte_binary(path.read_bytes()).program.execution_plan
        # a negative size is a huge one to the runtime
        planned = sum(size % (1 << 64) for plan in plans for size in plan.non_const_buffer_sizes)
    except Exception as error:  # whatever its parser raises of what is damaged
        raise ModelError(f"{path}: not a usable program ({error})") from None
    if planned > MOST_PLANNED_BYTES:
        raise ModelError(
            f"{path}: plans {planned / 1e6:,.0f} MB of memory, but a program may have "
            f"{MOST_PLANNED_BYTES / 1e6:,.0f}"
        )


_open: "weakref.WeakSet[Any]" = weakref.WeakSet()
"""Methods of this process: they share one pool of threads, which none survives the change of."""


def open_program(path: Path, threads: int | None) -> Any:
    """Return what runs a program: `execute([windows])`, [batch, 2, samples], batch <= 64.

    Args:
        path: NAME.pte.
        threads: of all programs of this process; while another is in use, theirs.

    Raises:
        ModelError: the file is damaged, larger than 200 MB, or plans more memory than 1 GB; or
            there are fewer threads than one.
    """
    if threads is not None and threads < 1:
        raise ModelError(f"threads must be 1 or more, not {threads}")
    check_size(path)
    with quiet(), no_lines_of_libraries():
        from executorch.extension.pybindings import portable_lib
        from executorch.runtime import Runtime, Verification

        if threads is not None and not _open:
            portable_lib._unsafe_reset_threadpool(threads)
        try:
            checked = Verification.InternalConsistency
            program = Runtime.get().load_program(os.fspath(path), verification=checked)
            _check_memory(path)
            method = program.load_method("forward")
        except (RuntimeError, ValueError, MemoryError) as error:
            raise ModelError(f"{path}: not a usable program ({error})") from None
    _open.add(method)
    return method
