import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from hertzian.experiments.peers import keras
from hertzian.experiments.peers.keras import (
    ENVIRONMENT,
    TWINS,
    WAYS,
    measure_training,
    twin_parameters,
    twin_weights,
)
from hertzian.models.registry import build, count_parameters
from hertzian.workers.errors import WorkerError

STEPS, INPUTS, UNITS = 5, 3, 4


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def drawn(layer):
    """Give a layer weights none of which is zero."""
    for weight in layer.parameters():
        nn.init.normal_(weight)
    return layer.double()


def layer_arrays(layer):
    named = twin_weights(nn.Sequential(layer))
    return [named[f"0:{place}"] for place in range(len(named))]


def test_an_lstm_with_kerass_weights_computes_the_same():
    torch.manual_seed(1)
    layer = drawn(nn.LSTM(INPUTS, UNITS, batch_first=True))
    kernel, recurrent, bias = layer_arrays(layer)
    x = torch.randn(1, STEPS, INPUTS, dtype=torch.float64)
    h, c = np.zeros(UNITS), np.zeros(UNITS)
    for sample in x[0].numpy():
        # Keras: input, forget, cell, output
        i, f, g, o = np.split(sample @ kernel + h @ recurrent + bias, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
    np.testing.assert_allclose(h, layer(x)[0][0, -1].detach().numpy(), rtol=1e-10)


def test_a_gru_with_kerass_weights_computes_the_same():
    torch.manual_seed(1)
    layer = drawn(nn.GRU(INPUTS, UNITS, batch_first=True))
    kernel, recurrent, bias = layer_arrays(layer)
    x = torch.randn(1, STEPS, INPUTS, dtype=torch.float64)
    h = np.zeros(UNITS)
    for sample in x[0].numpy():
        # Keras with reset_after: update, reset, new
        x_z, x_r, x_n = np.split(sample @ kernel + bias[0], 3)
        h_z, h_r, h_n = np.split(h @ recurrent + bias[1], 3)
        z, r = sigmoid(x_z + h_z), sigmoid(x_r + h_r)
        h = z * h + (1 - z) * np.tanh(x_n + r * h_n)
    np.testing.assert_allclose(h, layer(x)[0][0, -1].detach().numpy(), rtol=1e-10)


def test_kernels_have_channels_last():
    layer = nn.Conv2d(3, 5, (2, 8))
    kernel, bias = layer_arrays(layer)
    assert kernel.shape == (2, 8, 3, 5)
    assert kernel[1, 7, 2, 4] == layer.weight[4, 2, 1, 7]
    np.testing.assert_array_equal(bias, layer.bias.detach())
    layer = nn.Linear(3, 5)
    assert layer_arrays(layer)[0][2, 4] == layer.weight[4, 2]


@pytest.mark.parametrize(
    "layer", [nn.BatchNorm1d(3), nn.LSTM(3, 4, num_layers=2), nn.GRU(3, 4, bias=False)]
)
def test_a_layer_without_a_twin_is_told(layer):
    with pytest.raises(WorkerError, match="Keras has no twin of the layer 0, "):
        twin_weights(nn.Sequential(layer))


@pytest.mark.parametrize(("name", "fewer"), [("crosstlnet", 3072), ("mcldnn", 1024)])
def test_twins_have_one_bias_vector_less_for_each_lstm(name, fewer):
    model = build(name)
    assert twin_parameters(model) == count_parameters(model) - fewer
    assert sum(array.size for array in twin_weights(model).values()) == twin_parameters(model)


def test_a_gru_has_both_bias_vectors_on_both_sides():
    model = build("pet-cgdnn")
    assert twin_parameters(model) == count_parameters(model) == 71_871
    assert sum(array.size for array in twin_weights(model).values()) == 71_871


def measured(model, **changed):
    arguments = {"class_count": 11, "samples": 128, "batch": 2, "learning_rate": 1e-4}
    arguments |= {"python": Path(sys.executable)} | changed
    return measure_training("pet-cgdnn", model, **arguments)


@pytest.fixture
def model():
    torch.manual_seed(1)
    return build("pet-cgdnn").eval()


@pytest.fixture
def answering(monkeypatch, model):
    """Lets Keras answer as it should, but for the members that are changed."""

    def answer(**changed):
        def ask(python, script, request, name, timeout_s, variables):
            assert variables["MALLOC_MMAP_MAX_"] == "0"
            with np.load(request["arrays"], allow_pickle=False) as arrays, torch.no_grad():
                logits = model(torch.from_numpy(arrays["windows"])).tolist()
            told = {"parameters": request["parameters"], "logits": logits}
            told |= {"speeds": dict.fromkeys(request["ways"], 100.0)}
            return json.loads(json.dumps(told | {"versions": {"keras": "3"}} | changed))

        monkeypatch.setattr(keras, "ask", ask)

    return answer


def test_what_keras_reached_is_told(answering, model):
    answering(speeds={"fit": 250, "train_on_batch": 200.0})
    twin = measured(model)
    assert twin.speeds == {"fit": 250.0, "train_on_batch": 200.0}
    assert (twin.parameters, twin.difference, twin.versions) == (71_871, 0.0, {"keras": "3"})
    assert measured(model, ways=["fit"]).speeds == {"fit": 250.0}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"parameters": 71_870}, "answered 71870 parameters, not 71871"),
        ({"logits": [[0.0] * 11] * 4}, "Keras' pet-cgdnn is not ours: logits differ by 1"),
        ({"logits": [[float("nan")] * 11] * 4}, "pet-cgdnn is not ours"),
        ({"logits": [[0.0] * 10] * 4}, r"answer with logits \[4, 11\]"),
        ({"logits": "none"}, "answer with logits"),
        ({"speeds": {"fit": 0, "train_on_batch": 1}}, "answered 0.0 examples per second by fit"),
        ({"speeds": {"fit": 1}}, "train_on_batch as a number"),
        ({"speeds": None}, "answer speeds by name"),
        ({"versions": "3"}, "answer versions by name"),
    ],
)
def test_an_answer_is_not_taken_on_trust(answering, model, changed, message):
    answering(**changed)
    with pytest.raises(WorkerError, match=message):
        measured(model)


@pytest.mark.parametrize(
    "changed", [{"ways": []}, {"ways": ["compile"]}, {"batch": 0}, {"threads": 0}, {"seconds": -1}]
)
def test_bad_arguments_are_refused_before_anything_starts(monkeypatch, model, changed):
    monkeypatch.setattr(keras, "ask", None)
    with pytest.raises(WorkerError):
        measured(model, **changed)
    with pytest.raises(WorkerError, match="Keras trains crosstlnet, mcldnn, pet-cgdnn by fit or"):
        measure_training("dae", model, class_count=11, samples=128, batch=1, learning_rate=1e-4)


def test_a_missing_keras_is_told(monkeypatch, model, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(WorkerError, match=r"with `python -m hertzian\.experiments\.peers\.keras"):
        measured(model, python=None)


@pytest.mark.parametrize("name", TWINS)
def test_keras_trains_the_same_network(name):
    try:
        place = os.environ.get("HERTZIAN_KERAS")
        python = ENVIRONMENT.find_python(Path(place) if place else None)
    except WorkerError as error:
        pytest.skip(str(error))
    torch.manual_seed(1)
    model = build(name)
    for weight in model.parameters():
        if weight.ndim == 1:  # first biases are zero, and would hide what is mixed up
            nn.init.normal_(weight, std=0.1)
    twin = measure_training(
        name,
        model,
        **{"class_count": 11, "samples": 128, "batch": 2, "learning_rate": 1e-4},
        **{"warm_up": 1, "steps": 1, "seconds": 0.0, "python": python},
    )
    assert twin.difference < 1e-5
    assert set(twin.speeds) == set(WAYS)
