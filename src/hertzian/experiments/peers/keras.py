"""The same networks in Keras, trained in an environment of its own that has TensorFlow.

`python -m hertzian.experiments.peers.keras [FOLDER]` makes that environment; nothing else installs
it. A twin is compared with ours before it is timed: by its number of parameters, and by its logits
with our weights.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hertzian.models.registry import count_parameters
from hertzian.training.memory import ENVIRONMENT as MALLOC
from hertzian.workers.environment import Environment
from hertzian.workers.errors import WorkerError
from hertzian.workers.process import ask, number

ENVIRONMENT = Environment(
    name="Keras",
    module="hertzian.experiments.peers.keras",
    requirements=("tensorflow-cpu==2.21.0", "keras==3.15.1"),
    imports=("tensorflow", "keras"),
)

TWINS = ("crosstlnet", "mcldnn", "pet-cgdnn")
"""Networks that have one."""

WAYS = ("fit", "train_on_batch")
"""How Keras can train: on a `tf.data.Dataset` in memory, or a call for each step."""

TOLERANCE = 1e-3
"""Logits differ by no more than this, of the largest one."""

_NAME = ENVIRONMENT.name
_WORKER = Path(__file__).with_name("keras_worker.py")
_WINDOWS = 4
_BATCHES = 16

Arrays = list[NDArray[np.float32]]


@dataclass(frozen=True)
class Twin:
    """What Keras reached with a network.

    Attributes:
        parameters: of the twin: those of ours less one bias vector of each LSTM.
        difference: of its logits from ours, of the largest one.
        speeds: examples per second in each way.
        versions: of TensorFlow and Keras.
    """

    parameters: int
    difference: float
    speeds: dict[str, float]
    versions: dict[str, str]


def twin_parameters(model: nn.Module) -> int:
    """Return the number of parameters of a network's twin: Keras' LSTM has one bias vector."""
    lstms = [module for module in model.modules() if isinstance(module, nn.LSTM)]
    return count_parameters(model) - sum(4 * lstm.hidden_size for lstm in lstms)


def twin_weights(model: nn.Module) -> dict[str, NDArray[np.float32]]:
    """Return a network's weights as Keras has them, called `layer:0`, `layer:1`, ...

    Raises:
        WorkerError: a layer is of a kind that no twin has.
    """
    return {
        f"{name}:{place}": array
        for name, module in model.named_modules()
        if next(module.parameters(recurse=False), None) is not None
        for place, array in enumerate(_layer_weights(name, module))
    }


def _layer_weights(name: str, module: nn.Module) -> Arrays:
    if isinstance(module, nn.Conv1d | nn.Conv2d):
        kernel, bias = _array(module.weight), _array(module.bias)
        return [kernel.transpose(*range(2, kernel.ndim), 1, 0), bias]
    if isinstance(module, nn.Linear):
        return [_array(module.weight).T, _array(module.bias)]
    if isinstance(module, nn.LayerNorm):
        return [_array(module.weight), _array(module.bias)]
    if isinstance(module, nn.LSTM | nn.GRU) and module.num_layers == 1 and module.bias:
        return _recurrent_weights(module)
    raise WorkerError(f"{_NAME} has no twin of the layer {name}, {type(module).__name__}")


def _recurrent_weights(module: nn.LSTM | nn.GRU) -> Arrays:
    named = {name: _array(weight) for name, weight in module.named_parameters()}
    weights = [named["weight_ih_l0"].T, named["weight_hh_l0"].T]
    biases = [named["bias_ih_l0"], named["bias_hh_l0"]]
    if isinstance(module, nn.LSTM):
        return [*weights, biases[0] + biases[1]]
    # torch has the gates in the order reset, update, new; Keras has the update first
    return [_swapped(array) for array in (*weights, np.stack(biases))]


def _swapped(array: NDArray[np.float32]) -> NDArray[np.float32]:
    reset, update, new = np.split(array, 3, axis=1)
    return np.concatenate([update, reset, new], axis=1)


def _array(tensor: Tensor | None) -> NDArray[np.float32]:
    assert tensor is not None
    return tensor.detach().numpy()


def measure_training(
    network: str,
    model: nn.Module,
    *,
    class_count: int,
    samples: int,
    batch: int,
    learning_rate: float,
    ways: Sequence[str] = WAYS,
    warm_up: int = 3,
    steps: int = 3,
    seconds: float = 10.0,
    threads: int = 1,
    seed: int = 1,
    python: Path | None = None,
    timeout_s: float = 3600.0,
) -> Twin:
    """Compare a network with its twin, and time the twin's training in float32.

    Adam, cross-entropy, normally distributed windows, XLA off (it is slower for these on a CPU).

    Args:
        network: one of `TWINS`.
        model: ours, on the CPU; left in evaluation mode.
        class_count: length of the logits.
        samples: of a window.
        batch: examples in a step.
        learning_rate: of Adam.
        ways: some of `WAYS`.
        warm_up: steps before; the first one builds the graph.
        steps: to time at least.
        seconds: to time at least.
        threads: that TensorFlow may use within an operation, and for operations at once.
        seed: of the windows.
        python: the interpreter; None looks in the default folder.
        timeout_s: the longest that the whole may take.

    Raises:
        WorkerError: bad arguments, Keras is missing or failed, or the twin is none.
    """
    if network not in TWINS or not ways or not set(ways) <= set(WAYS):
        raise WorkerError(f"{_NAME} trains {', '.join(TWINS)} by {' or '.join(WAYS)}")
    if min(batch, threads, steps, class_count, samples) < 1 or min(warm_up, seed, seconds) < 0:
        raise WorkerError("batch, threads and steps are at least 1, warm_up, seed and seconds 0")
    python = python or ENVIRONMENT.find_python()
    windows = np.random.default_rng(seed).standard_normal((_WINDOWS, 2, samples), dtype=np.float32)
    with torch.no_grad():
        ours = model.eval()(torch.from_numpy(windows)).numpy()
    expected = twin_parameters(model)
    with TemporaryDirectory(prefix="hertzian-keras-") as folder:
        arrays = Path(folder) / "arrays.npz"
        np.savez(arrays, allow_pickle=False, windows=windows, **twin_weights(model))
        request = {
            **{"network": network, "classes": class_count, "samples": samples, "batch": batch},
            **{"learning_rate": learning_rate, "ways": list(ways), "warm_up": warm_up},
            **{"steps": steps, "seconds": seconds, "threads": threads, "seed": seed},
            **{"parameters": expected, "arrays": str(arrays), "batches": _BATCHES},
        }
        # what `training.fit` does for ours
        answer = ask(python, _WORKER, request, _NAME, timeout_s, MALLOC)
    if number(answer, "parameters", _NAME) != expected:
        raise WorkerError(f"{_NAME} answered {answer['parameters']} parameters, not {expected}")
    return Twin(
        parameters=expected,
        difference=_difference(network, answer, ours),
        speeds=_speeds(answer, ways),
        versions={key: str(value) for key, value in _members(answer, "versions").items()},
    )


def _difference(network: str, answer: Mapping[str, Any], ours: NDArray[np.float32]) -> float:
    """Return how far the twin's logits lie from ours; refuse what is not the same function."""
    try:
        theirs = np.asarray(answer.get("logits"), dtype=np.float64)
    except (TypeError, ValueError):
        theirs = np.empty(0)
    if theirs.shape != ours.shape:
        raise WorkerError(f"{_NAME} was to answer with logits {list(ours.shape)} of {network}")
    difference = float(np.abs(theirs - ours).max() / np.abs(ours).max())
    if not difference <= TOLERANCE:
        raise WorkerError(f"{_NAME}' {network} is not ours: logits differ by {difference:.2g}")
    return difference


def _speeds(answer: Mapping[str, Any], ways: Sequence[str]) -> dict[str, float]:
    told = _members(answer, "speeds")
    speeds = {way: number(told, way, _NAME) for way in ways}
    for way, speed in speeds.items():
        if not speed > 0:
            raise WorkerError(f"{_NAME} answered {speed} examples per second by {way}")
    return speeds


def _members(answer: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = answer.get(key)
    if not isinstance(value, dict):
        raise WorkerError(f"{_NAME} was to answer {key} by name, not {value!r}")
    return value


if __name__ == "__main__":
    sys.exit(ENVIRONMENT.main(sys.argv[1:]))
