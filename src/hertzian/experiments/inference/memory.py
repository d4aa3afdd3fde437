"""The most memory that a network's activations take at once."""

import weakref
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


def peak_activation_bytes(model: nn.Module, samples: int) -> int:
    """Return the bytes of all tensors alive at once while one window goes through a network.

    Weights, buffers and the window itself don't count; what an operator takes inside, such as a
    convolution's scratch memory, is not seen.

    Args:
        model: float32 [batch, 2, samples] -> logits or a dict of heads; put into evaluation mode.
        samples: length of the window.
    """
    x = torch.zeros(1, 2, samples)
    model.eval()
    watch = _Watch([x, *model.parameters(), *model.buffers()])
    with torch.no_grad(), watch:
        model(x)
    return watch.peak


class _Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the storages that operators make, for as long as anything holds them.

    Args:
        known: tensors that are there already.
    """

    def __init__(self, known: Sequence[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._sizes = {_key(tensor): 0 for tensor in known}
        self._kept = list(known)
        self.now = self.peak = 0

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        made = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(made):
            if isinstance(tensor, Tensor):
                self._see(tensor)
        return made

    def _see(self, tensor: Tensor) -> None:
        key, storage = _key(tensor), tensor.untyped_storage()
        if key in self._sizes:
            return
        self._sizes[key] = storage.nbytes()
        self.now += storage.nbytes()
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._forget, key)

    def _forget(self, key: int) -> None:
        self.now -= self._sizes.pop(key, 0)


def _key(tensor: Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)
