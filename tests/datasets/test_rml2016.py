import numpy as np
import pytest

from hertzian.datasets import radcom_like, rml2016
from hertzian.datasets.overlaps import find_overlaps
from hertzian.datasets.presets import PRESETS
from hertzian.datasets.published import Kind
from hertzian.datasets.randomness import generator
from hertzian.signal import from_channels

COPIES = ["rml2016-10a", "rml2016-10b", "rml2016-04c"]


def parts(name, modulation, label=18.0, count=1000, seed=0):
    return PRESETS[name].maker.parts(seed, Kind(modulation), label, 0, count)


def power(x):
    return float(x.abs().square().mean())


@pytest.mark.parametrize(
    ("channel", "seed", "samples", "lower", "upper"),
    [
        (rml2016.CHANNEL, rml2016.CHANNEL_SEED, 80_000, 4.0, 5.0),
        (radcom_like.CHANNEL, radcom_like.CHANNEL_SEED, radcom_like.PASS_SAMPLES, 1.43, 3.43),
    ],
)
def test_the_channel_is_the_first_seed_that_the_rule_admits(channel, seed, samples, lower, upper):
    gains = [channel.draw(1, samples, generator(s)).mean_gain_db() for s in range(seed + 1)]
    admitted = [lower <= gain <= upper for gain in gains]
    assert admitted == [False] * seed + [True]


def test_the_copy_has_the_size_of_the_published_file():
    preset = PRESETS["rml2016-10a"]
    total = sum(preset.count(kind) for kind in preset.kinds) * len(preset.snr_db)
    assert total == 220_000
    preset = PRESETS["rml2016-04c"]
    # the generator's arithmetic gives nine more per label than the 8103 of the file
    assert sum(preset.count(kind) for kind in preset.kinds) == 8112


@pytest.mark.parametrize("label", [-20.0, 0.0, 18.0])
def test_the_noise_of_a_copy_has_the_label_as_deviation(label):
    made = parts("rml2016-10a", "QPSK", label)
    assert power(made.noise) == pytest.approx(10 ** (-2 * label / 10), rel=0.02)


def test_the_constellations_of_a_copy_are_not_normalised():
    unit = power(parts("rml2016-10a", "QPSK").signal)
    for name, ratio in (("PAM4", 5), ("QAM16", 10), ("QAM64", 42), ("8PSK", 1)):
        assert power(parts("rml2016-10a", name).signal) / unit == pytest.approx(ratio, rel=0.12)


def test_the_sideband_of_a_copy_is_noise_alone_and_the_corrected_one_is_none():
    assert not parts("rml2016-10a", "AM-SSB").signal.any()
    made = parts("rml2016-10a-corrected", "AM-SSB")
    assert power(made.signal) > 0


def test_windows_of_a_copy_are_divided_by_the_sum_of_their_magnitudes():
    cell = PRESETS["rml2016-10a"].maker.cell(0, Kind("BPSK"), 10.0, 50)
    np.testing.assert_allclose(np.hypot(cell.x[:, 0], cell.x[:, 1]).sum(axis=1), 1, rtol=1e-5)
    assert not cell.group.any()


def test_most_windows_of_wbfm_at_high_snr_are_a_bare_carrier():
    x = parts("rml2016-10a", "WBFM").signal
    steps = (x[:, 1:] * x[:, :-1].conj()).angle().abs().amax(dim=1)
    assert 0.5 < float((steps < 0.01).float().mean()) < 0.7


@pytest.mark.parametrize(
    ("name", "same"), [("rml2016-10a", True), ("rml2016-10a-corrected", False)]
)
def test_every_pass_of_a_copy_takes_one_course_and_every_corrected_pass_its_own(name, same):
    # bare carriers show the channel: their mean over the course is that of any other seed
    a, b = (parts(name, "AM-DSB", seed=seed).signal.mean(dim=1) for seed in (0, 1))
    distance = float((a.mean() - b.mean()).abs() / a.abs().mean())
    assert (distance < 0.05) == same


def test_a_pass_of_a_copy_begins_in_near_silence_and_a_corrected_one_does_not():
    lowest = {}
    for name in ("rml2016-10a", "rml2016-10a-corrected"):
        signal = parts(name, "QPSK").signal.abs().square().mean(dim=1)
        lowest[name] = float(signal.min() / signal.median())
    assert lowest["rml2016-10a"] < 0.01
    assert lowest["rml2016-10a-corrected"] > 0.01


def whole_stream(modulation, seed=0, label=10.0):
    preset = PRESETS["rml2016-04c"]
    kind = Kind(modulation)
    return preset.maker.cell(seed, kind, label, preset.count(kind))


def test_windows_of_04c_overlap_by_half_within_blocks():
    cell = whole_stream("QPSK")
    np.testing.assert_array_equal(cell.x[1:, :, :64], cell.x[:-1, :, 64:])
    assert set(cell.group) == set(range(-1, 10))
    # windows of two blocks never overlap
    kept = np.flatnonzero(cell.group >= 0)
    neighbours = np.diff(kept) == 1
    assert (np.diff(cell.group[kept])[neighbours] == 0).all()


def test_a_block_of_04c_is_the_same_time_in_every_class():
    long, short = whole_stream("BPSK").group, whole_stream("QAM64").group
    np.testing.assert_array_equal(long[:205], short[:205])
    assert set(long) == set(range(-1, 20))
    assert set(short) == {-1, 0, 1, 2, 3}
    # and the channel is: carriers of the same window number agree in phase, at any label
    a, b = (
        PRESETS["rml2016-04c"].maker.parts(seed, Kind("AM-DSB"), 18.0, 0, 706).signal.mean(dim=1)
        for seed in (0, 1)
    )
    assert float((a / b).angle().abs().max()) < 0.02


def test_fewer_windows_of_04c_begin_anywhere_in_the_stream():
    maker = PRESETS["rml2016-04c"].maker
    first = {int(maker.cell(seed, Kind("BPSK"), 10.0, 40).group.max()) for seed in range(8)}
    assert len(first) > 3


@pytest.mark.parametrize("name", COPIES)
def test_a_corrected_twin_keeps_classes_labels_and_length(name):
    copy, twin = PRESETS[name], PRESETS[f"{name}-corrected"]
    assert (copy.kinds, copy.snr_db, copy.samples) == (twin.kinds, twin.snr_db, twin.samples)
    assert copy.snr_definition != twin.snr_definition


def test_corrected_windows_share_no_sample():
    cell = PRESETS["rml2016-04c-corrected"].maker.cell(0, Kind("BPSK"), 10.0, 400)
    assert not find_overlaps(from_channels(cell.x)).first.size
    # of windows that overlap by half, scaled one by one, it finds them all
    copy = from_channels(whole_stream("BPSK").x[:400])
    scaled = copy / np.abs(copy).sum(axis=1, keepdims=True)
    assert len(find_overlaps(scaled.astype(np.complex64)).first) >= 399
