"""Measures how fast TorchSig makes narrowband examples.

A script for the environment that has TorchSig 2.2: `python -I torchsig_worker.py REQUEST`. REQUEST
is one JSON document, `{"examples", "warm_up", "samples", "impairment_level", "seed", "threads"}`;
the last line of stdout is another, with the figures or with `{"failed": why}`.

-I matters: without it the script's own folder, where a module called torchsig lies, comes first.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from types import ModuleType
from typing import Any


def replace_native_torchaudio() -> None:
    """Let torchaudio be imported without its native library, which asks for CUDA.

    TorchSig needs its spectrogram alone, which is written in Python.
    """

    def unchanged(function: Callable[..., Any]) -> Callable[..., Any]:
        return function

    extension = ModuleType("torchaudio._extension")
    vars(extension).update(
        _IS_TORCHAUDIO_EXT_AVAILABLE=False, _IS_ALIGN_AVAILABLE=False, fail_if_no_align=unchanged
    )
    sys.modules[extension.__name__] = extension


def examples(request: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    """Return TorchSig's endless dataset: one signal of all its classes in a short capture."""
    from torchsig.datasets.datasets import (  # type: ignore[import-not-found]
        TorchSigIterableDataset,
    )
    from torchsig.transforms.impairments import Impairments  # type: ignore[import-not-found]
    from torchsig.utils.defaults import TorchSigDefaults  # type: ignore[import-not-found]

    samples = request["samples"]
    metadata = TorchSigDefaults().default_dataset_metadata
    # the shares of the capture that the defaults give a signal, and a transform that fits in
    metadata.update(
        num_iq_samples_dataset=samples,
        signal_duration_in_samples_min=0.8 * samples,
        signal_duration_in_samples_max=samples,
        fft_size=min(64, samples),
        fft_stride=min(64, samples),
    )
    transforms = {}
    if request["impairment_level"] is not None:
        impairments = Impairments(request["impairment_level"])
        transforms = {
            "transforms": [impairments.dataset_transforms],
            "component_transforms": [impairments.signal_transforms],
        }
    dataset = TorchSigIterableDataset(
        metadata=metadata, target_labels=["class_name"], seed=request["seed"], **transforms
    )
    return iter(dataset)


def measure(request: dict[str, Any]) -> dict[str, Any]:
    """Time the examples after the warm-up."""
    replace_native_torchaudio()
    import torch

    torch.set_num_threads(request["threads"])
    source = examples(request)
    for _ in range(request["warm_up"]):
        next(source)
    shapes = set()
    began = time.perf_counter()
    for _ in range(request["examples"]):
        iq, _ = next(source)
        shapes.add(iq.shape)
    seconds = time.perf_counter() - began
    if shapes != {(request["samples"],)}:
        raise ValueError(f"examples have the shapes {shapes}")
    return {"seconds": seconds, "torchsig": version("torchsig"), "torch": torch.__version__}


def main(text: str) -> int:
    """Answer one request; return the exit status."""
    try:
        answer = measure(json.loads(text))
    except Exception as error:  # whatever it is, the caller has to hear of it
        answer = {"failed": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
    return int("failed" in answer)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
