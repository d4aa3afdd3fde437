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


def test_foreign_symbols_are_known_by_their_rate():
    x = to_channels(make("QPSK", samples_per_symbol=2.0).generate(3, 64, torch.Generator()).numpy())
    ours = dataset(x, ("QPSK", "16QAM"), symbol_rate_hz=np.full(3, 2e3, np.float32))
    assert keyed(ours, "mine.h5") == Keyed(by_window=True)
    block = evaluate_likelihood("likelihood", ours, data="mine.h5")
    assert block["examples"] == 3


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
    short = dataset(np.ones((2, 2, 32), np.float32), ("QPSK", "16QAM"), preset="sigzsl-7")
    with pytest.raises(EvaluationError, match="too short"):
        evaluate_likelihood("likelihood", short, data="d.h5")
    with pytest.raises(EvaluationError, match="an unknown SNR"):
        evaluate_likelihood("likelihood-snr", short, data="d.h5")
    silent = dataset(
        np.ones((2, 2, 64), np.float32),
        ("QPSK", "16QAM"),
        preset="possible-6-64",
        snr_db=np.full(2, np.nan, np.float32),
    )
    with pytest.raises(EvaluationError, match="no SNR"):
        evaluate_likelihood("likelihood", silent, data="d.h5")
