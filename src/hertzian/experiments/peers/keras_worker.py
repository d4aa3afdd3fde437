"""Trains the Keras twins of three networks and measures how fast.

A script for the environment that has TensorFlow: `python -I keras_worker.py REQUEST`. REQUEST is
one JSON document; `hertzian.experiments.peers.keras` writes it and names its members. The last line
of stdout is another, with the figures or with `{"failed": why}`.

The twins have the layers of Hertzian's networks in Keras' own words: channels last, and one bias
vector in an LSTM where torch has two. A layer bears the name of the one it is the twin of.

-I matters: without it the script's own folder, where a module called keras lies, comes first.
"""

import json
import math
import os
import sys
import time
from collections.abc import Callable
from typing import Any

# before TensorFlow is imported: it writes its notes to stderr, where errors are looked for
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras  # type: ignore[import-not-found]
import numpy as np
import tensorflow as tf  # type: ignore[import-untyped, import-not-found, unused-ignore]
from keras import layers, ops

EPSILON = 1e-5  # of the layer norms: torch's
DILATIONS = (2, 4, 8, 16, 32)
BRANCHES = ("iq", "ap")


def unit_power(x: Any) -> Any:
    """Scale windows [batch, 2, samples] to unit mean power; zeros stay zeros."""
    peak = ops.max(ops.abs(x), axis=(1, 2), keepdims=True)
    x = x / ops.where(ops.greater(peak, 0.0), peak, ops.ones_like(peak))
    power = ops.mean(ops.sum(ops.square(x), axis=1, keepdims=True), axis=2, keepdims=True)
    return x * ops.rsqrt(ops.where(ops.greater(power, 0.0), power, ops.ones_like(power)))


def crosstlnet(x: Any, class_count: int) -> Any:
    """Return the logits of CrossTLNet with 256 and 128 units."""
    units, embedding = 256, 128
    x = unit_power(x)
    amplitude = ops.sqrt(ops.sum(ops.square(x), axis=1))
    phase = ops.arctan2(x[:, 1], x[:, 0])
    views = {"iq": ops.transpose(x, (0, 2, 1)), "ap": ops.stack([amplitude, phase], axis=2)}
    sequences = {}
    for name in BRANCHES:
        y = layers.Dropout(0.5)(temporal_convolutions(views[name], units, f"tcn.{name}"))
        y = layers.LSTM(units, return_sequences=True, name=f"first.{name}")(y)
        sequences[name] = layers.Dropout(0.5)(y)
    last = []
    for name, y in zip(BRANCHES, cross_attention(sequences, units), strict=True):
        y = layers.Dropout(0.5)(y)
        y = layers.LSTM(embedding, name=f"second.{name}")(y)
        last.append(layers.Dropout(0.5)(y))
    product = ops.expand_dims(last[0], 2) * ops.expand_dims(last[1], 1)
    return layers.Dense(class_count, name="head")(layers.Flatten()(product))


def temporal_convolutions(x: Any, units: int, name: str) -> Any:
    """Convolve [batch, samples, 2] by the stem and five residual blocks, each with its norm."""

    def convolve(x: Any, dilation: int, name: str) -> Any:
        return layers.Conv1D(units, 3, padding="causal", dilation_rate=dilation, name=name)(x)

    def norm_windows(x: Any, name: str) -> Any:
        return layers.LayerNormalization(axis=(1, 2), epsilon=EPSILON, name=name)(x)

    x = norm_windows(convolve(x, 1, f"{name}.0"), f"{name}.1")
    for block, dilation in enumerate(DILATIONS, 1):
        y = x
        for part in ("first", "second"):
            part = f"{name}.{2 * block}.{part}"
            y = convolve(y, dilation, part)
            y = layers.ReLU()(layers.LayerNormalization(epsilon=EPSILON, name=f"{part}_norm")(y))
        x = norm_windows(x + y, f"{name}.{2 * block + 1}")
    return x


def cross_attention(sequences: dict[str, Any], units: int) -> tuple[Any, Any]:
    """Let the two branches [batch, samples, units] attend to each other."""

    def dense(kind: str, branch: int, x: Any) -> Any:
        return layers.Dense(units, name=f"attention.{kind}.{branch}")(x)

    iq, ap = (sequences[name] for name in BRANCHES)
    query, key = dense("query_key", 0, iq) / math.sqrt(units), dense("query_key", 1, ap)
    alike = ops.matmul(query, ops.transpose(key, (0, 2, 1)))
    from_ap = ops.matmul(ops.softmax(alike, axis=2), dense("value", 1, ap))
    turned = ops.softmax(ops.transpose(alike, (0, 2, 1)), axis=2)
    from_iq = ops.matmul(turned, dense("value", 0, iq))
    return dense("output", 0, from_ap), dense("output", 1, from_iq)


def mcldnn(x: Any, class_count: int) -> Any:
    """Return the logits of MCLDNN."""
    x = unit_power(x)
    both = layers.Conv2D(50, (2, 8), padding="same", activation="relu", name="both.0")(
        ops.expand_dims(x, 3)
    )
    alone = [
        layers.Conv1D(50, 8, padding="causal", activation="relu", name=f"{name}.1")(
            ops.expand_dims(x[:, row], 2)
        )
        for row, name in enumerate(("inphase", "quadrature"))
    ]
    pair = layers.Conv2D(50, (1, 8), padding="same", activation="relu", name="pair.0")(
        ops.stack(alone, axis=1)
    )
    y = layers.Concatenate()([both, pair])
    y = layers.Conv2D(100, (2, 5), activation="relu", name="fuse.0")(y)
    y = layers.LSTM(128, return_sequences=True, name="first")(y[:, 0])
    y = layers.LSTM(128, name="second")(y)
    for place in (0, 3):
        y = layers.Dense(128, activation="selu", name=f"embed.{place}")(y)
        y = layers.Dropout(0.5)(y)
    return layers.Dense(class_count, name="head.1")(y)


def pet_cgdnn(x: Any, class_count: int) -> Any:
    """Return the logits of PET-CGDNN."""
    x = unit_power(x)
    phase = layers.Dense(1, name="estimate.1")(layers.Flatten()(x))
    cosine, sine = ops.cos(phase), ops.sin(phase)
    inphase, quadrature = x[:, 0], x[:, 1]
    y = ops.stack(
        [inphase * cosine + quadrature * sine, quadrature * cosine - inphase * sine], axis=1
    )
    y = layers.Conv2D(75, (2, 8), activation="relu", name="convolutions.0")(ops.expand_dims(y, 3))
    y = layers.Conv2D(25, (1, 5), activation="relu", name="convolutions.2")(y)
    y = layers.GRU(128, reset_after=True, name="recurrent")(y[:, 0])
    return layers.Dense(class_count, name="head")(y)


NETWORKS: dict[str, Callable[[Any, int], Any]] = {
    "crosstlnet": crosstlnet,
    "mcldnn": mcldnn,
    "pet-cgdnn": pet_cgdnn,
}


def build(request: dict[str, Any]) -> Any:
    """Return the twin, ready to train, after its number of parameters has been checked."""
    x = keras.Input((2, request["samples"]))
    model = keras.Model(x, NETWORKS[request["network"]](x, request["classes"]))
    count = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    if count != request["parameters"]:
        raise ValueError(f"the twin has {count} parameters, not {request['parameters']}")
    # XLA and unrolled loops take longer for each step of all three, on a CPU
    model.compile(
        optimizer=keras.optimizers.Adam(request["learning_rate"]),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    return model


def copied_logits(model: Any, path: str) -> list[list[float]]:
    """Give the twin the weights in an `.npz` file, and return its logits of the windows there.

    Arrays are called `layer:0`, `layer:1`, ... in the order in which Keras has them.
    """
    with np.load(path, allow_pickle=False) as arrays:
        named = {layer.name: layer for layer in model.layers if layer.weights}
        given = {key.rpartition(":")[0] for key in arrays.files} - {""}
        if given != set(named):
            raise ValueError(f"only one side has the layers {sorted(given ^ set(named))}")
        for name, layer in named.items():
            # a convolution along time has one axis fewer than one of one row
            shapes = [tuple(weight.shape) for weight in layer.weights]
            layer.set_weights(
                [arrays[f"{name}:{i}"].reshape(shape) for i, shape in enumerate(shapes)]
            )
        logits = model(arrays["windows"], training=False)
    return np.asarray(logits).tolist()  # type: ignore[no-any-return]


class Stopwatch(keras.callbacks.Callback):  # type: ignore[misc]
    """Times steps after a warm-up, until enough of them have taken long enough."""

    def __init__(self, request: dict[str, Any]) -> None:
        super().__init__()
        self.least: int = request["steps"]
        self.seconds: float = request["seconds"]
        self.steps: int = -request["warm_up"]
        self.began = self.passed = 0.0

    def step(self) -> bool:
        """Count a step that has ended; tell whether it was the last."""
        self.steps += 1
        now = time.perf_counter()
        if self.steps <= 0:
            self.began = now
        self.passed = now - self.began
        return self.steps >= self.least and self.passed >= self.seconds

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Count the step of `fit`."""
        if self.step():
            self.model.stop_training = True


def by_fit(model: Any, x: Any, y: Any, request: dict[str, Any]) -> Stopwatch:
    """Train with `fit` on a shuffled dataset in memory."""
    data = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(len(x)).repeat()
    data = data.batch(request["batch"], drop_remainder=True).prefetch(tf.data.AUTOTUNE)
    stopwatch = Stopwatch(request)
    model.fit(data, epochs=1, callbacks=[stopwatch], verbose=0)
    return stopwatch


def by_train_on_batch(model: Any, x: Any, y: Any, request: dict[str, Any]) -> Stopwatch:
    """Train with one call of `train_on_batch` a step."""
    stopwatch, batch = Stopwatch(request), request["batch"]
    first = 0
    while True:
        model.train_on_batch(x[first : first + batch], y[first : first + batch])
        first = (first + batch) % len(x)
        if stopwatch.step():
            return stopwatch


WAYS = {"fit": by_fit, "train_on_batch": by_train_on_batch}


def measure(request: dict[str, Any]) -> dict[str, Any]:
    """Check the twin, and time its training in each of the ways that are asked for."""
    tf.config.set_visible_devices([], "GPU")
    tf.config.threading.set_intra_op_parallelism_threads(request["threads"])
    tf.config.threading.set_inter_op_parallelism_threads(request["threads"])
    model = build(request)
    answer = {
        "parameters": model.count_params(),
        "logits": copied_logits(model, request["arrays"]),
        "versions": {"tensorflow": tf.__version__, "keras": keras.__version__},
        "speeds": {},
    }
    random = np.random.default_rng(request["seed"])
    count = request["batch"] * request["batches"]
    x = random.standard_normal((count, 2, request["samples"]), dtype=np.float32)
    y = random.integers(0, request["classes"], count)
    for way in request["ways"]:
        timed = WAYS[way](model, x, y, request)
        answer["speeds"][way] = timed.steps * request["batch"] / timed.passed
    return answer


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
