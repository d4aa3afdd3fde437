import numpy as np
import pytest
import torch
from scipy.signal import welch

from hertzian.datasets.emitters import CARRIER_BANDWIDTH, EMITTED, FURTHER, draw_emitter
from hertzian.signal import CORE, occupied_bandwidth

DIGITAL = (
    *("4PAM", "BPSK", "QPSK", "8PSK", "OQPSK", "16QAM", "64QAM", "16APSK", "DSSS-BPSK", "OFDM"),
    *("PI4-DQPSK", "DSSS-CCK", "DSSS-OQPSK"),
)
# Measured 99% bandwidth over the stated one. Of keyed amplitude the data decide how much lies in
# the lines, short sweeps reach beyond theirs, and an analog message need not fill its band.
TOLERANCES = {
    **dict.fromkeys(DIGITAL, (0.95, 1.05)),
    **dict.fromkeys(("2FSK", "4FSK", "GFSK", "GMSK"), (0.92, 1.12)),
    **dict.fromkeys(("OOK", "4ASK", "PPM"), (0.5, 2.0)),
    "CSS": (0.95, 1.25),
    "LFM": (0.95, 1.6),
    "FMCW": (0.95, 1.6),
    "PCW": (0.9, 1.1),
    **dict.fromkeys(("NBFM", "WBFM"), (0.2, 1.3)),
    **dict.fromkeys(("AM-DSB", "AM-SSB"), (0.03, 1.1)),
}


def drawn(label, seed):
    rng = np.random.default_rng([5, seed])
    bandwidth = float(np.exp(rng.uniform(np.log(0.02), np.log(0.6))))
    return draw_emitter(label, bandwidth, rng), bandwidth


def spectrum(emitter, seed):
    samples = int(np.clip(150 * emitter.unit_samples, 16_384, 100_000))
    x = emitter.waveform.generate(1, samples, torch.Generator().manual_seed(seed))[0].numpy()
    f, psd = welch(x, nperseg=min(samples, 8192), return_onesided=False, detrend=False)
    order = np.argsort(f)
    return psd[order], f[order]


def test_every_core_signal_is_emitted():
    assert set(EMITTED) == set(CORE) - {"noise"}


@pytest.mark.parametrize("label", TOLERANCES)
def test_the_bandwidth_is_the_measured_one(label):
    ratios = []
    for seed in range(4):
        emitter, _ = drawn(label, seed)
        assert emitter.waveform.label == label
        lower, upper = occupied_bandwidth(*spectrum(emitter, seed))
        ratios.append((upper - lower) / emitter.reference_bandwidth)
    least, most = TOLERANCES[label]
    assert least <= min(ratios)
    assert max(ratios) <= most


@pytest.mark.parametrize("label", DIGITAL)
def test_it_is_about_as_wide_as_asked_for(label):
    for seed in range(4):
        emitter, asked = drawn(label, seed)
        assert emitter.reference_bandwidth == pytest.approx(asked, rel=0.1)


def test_a_carrier_is_given_a_bandwidth_of_two_bins():
    assert drawn("CW", 0)[0].reference_bandwidth == CARRIER_BANDWIDTH == 2 / 1024


@pytest.mark.parametrize("label", [*EMITTED, *FURTHER])
def test_the_same_draw_gives_the_same_emitter_and_another_one_another(label):
    assert drawn(label, 1) == drawn(label, 1)
    if label != "CW":
        assert len({drawn(label, seed)[0] for seed in range(4)}) == 4
