import numpy as np
import pytest
import torch

from hertzian.datasets.dataset import Dataset
from hertzian.datasets.keyed import Keyed
from hertzian.datasets.opening import open_dataset
from hertzian.datasets.synthesis import synthesise
from hertzian.evaluation import EvaluationError
from hertzian.evaluation.bound import BOUNDS, evaluate_likelihood, keyed, received_of
from hertzian.signal import alphabet_of, to_channels
from hertzian.waveforms import make


@pytest.fixture(scope="module")
def possible(tmp_path_factory):
    path = tmp_path_factory.mktemp("possible") / "d.h5"
    synthesise("possible-6-64", path, per=60, seed=3, snr_db=[-6.0, 0.0, 6.0, 14.0])
    return open_dataset(path)


def dataset(x, names, **changes):
    count = len(x)
    parts = {
        **{"x": x, "modulation": np.zeros(count, np.int64), "group": np.arange(count)},
        **{"snr_db": np.full(count, 10.0, np.float32), "modulations": names, "preset": ""},
        **{"seed": 0, "sample_rate_hz": 2e3, "snr_definition": "of the window", "version": "1"},
    }
    return Dataset(**(parts | changes))


def test_the_likelihood_of_possible_6_is_a_probability_of_being_right(possible):
    block = evaluate_likelihood("likelihood", possible, data="d.h5")
    assert (block["model"], block["data"], block["examples"]) == ("likelihood", "d.h5", 1440)
    assert block["accuracy_by_snr"]["-6"] < 0.5 < 0.75 < block["accuracy_by_snr"]["6"]
    assert block["accuracy_by_snr"]["14"] > 0.98
    # its probabilities are those of being right, by Bayes' rule
    assert block["ece"] < 0.04


@pytest.mark.parametrize("name", [name for name in BOUNDS if name != "likelihood"])
def test_who_knows_less_is_right_less_often(possible, name):
    least, most = (
        evaluate_likelihood(one, possible, data="d.h5")["accuracy"] for one in (name, "likelihood")
    )
    assert most - 0.08 < least < most + 0.004


@pytest.mark.parametrize("label", ["QPSK", "64QAM", "OQPSK", "4ASK"])
def test_symbols_are_found_behind_the_matched_filter(label):
    wave = make(label, samples_per_symbol=8.0, pulse="rrc", roll_off=0.35, timing=0.0)
    x = wave.generate(20, 1024, torch.Generator().manual_seed(1))
    found = received_of(to_channels(x.numpy()), np.full(20, 60.0), Keyed(8))
    assert found.symbols.shape == (20, 124)
    points = alphabet_of(label).points
    if label == "OQPSK":
        assert found.early is not None
        z = torch.complex(found.early.real, found.symbols.imag)
    else:
        z = found.symbols
    apart = np.abs(z.numpy()[..., None] - points).min(axis=-1)
    assert np.median(apart) < 0.02
    # at the ends a part of a pulse is missing
    assert apart.max() < 0.12


def test_noise_behind_the_filter_is_that_of_the_bandwidth():
    random = np.random.default_rng(0)
    white = random.normal(size=(50, 2, 1024)).astype(np.float32) / np.sqrt(2)
    found = received_of(white, np.zeros(50), Keyed(8, by_window=True))
    # of the power 1 of these windows half is noise by their SNR; an eighth of that is in a symbol
    assert found.noise.numpy() == pytest.approx(np.full(50, 0.5 / 8), rel=0.1)
    assert float(found.symbols[:, 4:-4].abs().square().mean()) == pytest.approx(1 / 8, rel=0.03)


def test_windows_of_the_zero_shot_set_are_recognised(tmp_path):
    path = tmp_path / "seven.h5"
    synthesise("sigzsl-7", path, per=25, seed=1, snr_db=[0.0, 10.0])
    block = evaluate_likelihood("likelihood", open_dataset(path), data="seven.h5")
    assert block["accuracy_by_snr"]["10"] > 0.99
    assert block["recall"]["QPSK"] == 1


def foreign(scale, names=("QPSK", "16QAM"), windows=50):
    """Symbols in noise of 10 dB against each window, at a scale of somebody's own."""
    random, parts = np.random.default_rng(4), []
    for name in names:
        points = alphabet_of(name).points
        z = points[random.integers(len(points), size=(windows, 128))]
        power = 0.1 * np.mean(np.abs(z) ** 2, axis=1, keepdims=True)
        noise = random.normal(size=(windows, 128, 2)) @ [1, 1j] * np.sqrt(power / 2)
        parts.append(scale * (z + noise))
    x = to_channels(np.concatenate(parts))
    return dataset(
        x,
        names,
        symbol_rate_hz=np.full(len(x), 2e3, np.float32),
        modulation=np.repeat(np.arange(len(names)), windows),
    )


@pytest.mark.parametrize("scale", [1.0, 1e-3, 40.0])
def test_foreign_symbols_are_known_by_their_rate_at_any_scale(scale):
    ours = foreign(scale)
    assert keyed(ours, "mine.h5") == Keyed(by_window=True, known_gain=False)
    for name in ("likelihood", "likelihood-gain", "likelihood-phase"):
        assert evaluate_likelihood(name, ours, data="mine.h5")["accuracy"] > 0.97
    with pytest.raises(EvaluationError, match="gain of these windows isn't known"):
        evaluate_likelihood("likelihood-snr", ours, data="mine.h5")


def test_silence_is_as_likely_of_any_modulation():
    x = np.zeros((2, 2, 1024), np.float32)
    silent = dataset(x, ("QPSK", "OOK", "16QAM"), preset="sigzsl-7")
    block = evaluate_likelihood("likelihood", silent, data="mine.h5")
    assert block["ece"] == pytest.approx(abs(1 / 3 - block["accuracy"]), abs=1e-3)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, "needs known timing"),
        ({"preset": "rml2016-10a"}, "needs known timing"),
        ({"modulations": ("QPSK", "GFSK")}, "GFSK has no alphabet"),
        ({"modulations": ("QPSK", "home-made")}, "home-made has no alphabet"),
    ],
)
def test_data_that_dont_tell_enough_are_refused(changes, says):
    ours = dataset(np.ones((2, 2, 64), np.float32), ("QPSK", "16QAM"), **changes)
    with pytest.raises(EvaluationError, match=says):
        evaluate_likelihood("likelihood", ours, data="mine.h5")


def test_classifiers_say_what_they_lack(possible):
    with pytest.raises(EvaluationError, match="known are likelihood, likelihood-snr"):
        evaluate_likelihood("likelihood-timing", possible, data="d.h5")
    with pytest.raises(EvaluationError, match="too short"):
        received_of(np.ones((2, 2, 32), np.float32), np.zeros(2), Keyed(8))
    whole = dataset(np.ones((2, 2, 1024), np.float32), ("QPSK", "16QAM"), preset="sigzsl-7")
    with pytest.raises(EvaluationError, match="an unknown SNR"):
        evaluate_likelihood("likelihood-snr", whole, data="d.h5")
    thinned = dataset(np.ones((2, 2, 512), np.float32), ("QPSK", "16QAM"), preset="sigzsl-7")
    with pytest.raises(EvaluationError, match="have lost their symbols' timing"):
        evaluate_likelihood("likelihood", thinned, data="d.h5")
    nothing = dataset(np.ones((0, 2, 64), np.float32), ("QPSK", "BPSK"), preset="possible-6-64")
    with pytest.raises(EvaluationError, match="holds no example"):
        evaluate_likelihood("likelihood", nothing, data="d.h5")
    silent = dataset(
        np.ones((2, 2, 64), np.float32),
        ("QPSK", "16QAM"),
        preset="possible-6-64",
        snr_db=np.full(2, np.nan, np.float32),
    )
    with pytest.raises(EvaluationError, match="every window needs an SNR from -100 to 100 dB"):
        evaluate_likelihood("likelihood", silent, data="d.h5")
