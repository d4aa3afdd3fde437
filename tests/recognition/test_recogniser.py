from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.detection.scenes import (
    add,
    amplitude,
    band_noise,
    qpsk,
    qpsk_bandwidth,
    shuffled_chunks,
    tone,
    white,
)
from tests.recognition.fakes import ConstantPredictor, EnvelopePredictor
from tests.recognition.test_memory import ofdm

import hertzian
from hertzian.detection.detector import LONGEST_FRAMES
from hertzian.detection.frames import HOP, SLAB
from hertzian.recognition import WINDOWS_PER_PIECE, Recogniser, ReportRules
from hertzian.recordings import write_sigmf
from hertzian.signal import HertzianError

pytestmark = pytest.mark.base

RATE = 250e3
SLAB_SAMPLES = SLAB * HOP


def recogniser(**changes):
    return Recogniser(EnvelopePredictor(**changes), RATE, workers=1)


def scene():
    """A carrier, a wide and a narrow burst: CW at 0.31, QPSK at -0.2 and at 0.12."""
    x = white(400_123, seed=7)
    add(x, 30_000, tone(250_000, 0.31, 0.2))
    add(x, 60_000, qpsk(20_000, 8) * amplitude(20, qpsk_bandwidth(8)), -0.2)
    add(x, 320_000, qpsk(60_000, 32) * amplitude(18, qpsk_bandwidth(32)), 0.12)
    return x


def near(detections, frequency):
    return [
        d for d in detections if abs(d.center_hz - frequency * RATE) <= 0.6 * d.bandwidth_hz + 200
    ]


@cache
def recognised():
    x = scene()
    return x, [views_facts(v) for v in recogniser().views(x)]


def views_facts(view):
    return (view.detection.to_dict(), view.iq.tobytes(), view.sample_rate_hz)


def by_start(views):
    return sorted(views, key=lambda view: view.detection.start)


def test_a_recording_is_told_by_time_frequency_level_and_name():
    found = recogniser().recognise(scene())
    assert [d.start for d in found] == sorted(d.start for d in found)
    (carrier,), (wide,), (narrow,) = near(found, 0.31), near(found, -0.2), near(found, 0.12)
    assert (carrier.modulation, carrier.family) == ("CW", "carrier")
    # at baseband a carrier has few samples, so its edges are not sharp
    assert carrier.start == pytest.approx(30_000, abs=4096)
    assert carrier.stop == pytest.approx(280_000, abs=4096)
    for burst, start, count, sps in ((wide, 60_000, 20_000, 8), (narrow, 320_000, 60_000, 32)):
        assert (burst.modulation, burst.family, burst.protocol) == ("QPSK", "psk", None)
        assert burst.start == pytest.approx(start, abs=64 * sps)
        assert burst.count == pytest.approx(count, abs=128 * sps)
        assert burst.bandwidth_hz == pytest.approx(qpsk_bandwidth(sps) * RATE, rel=0.1)
        assert burst.confidence > 0.9
        assert sum(burst.scores.values()) == pytest.approx(1.0)
    assert wide.snr_db == pytest.approx(20, abs=2)


def test_the_view_is_the_signal_at_three_times_its_bandwidth():
    views = recogniser().views(scene())
    (view,) = [v for v in views if near([v.detection], -0.2)]
    assert view.sample_rate_hz == pytest.approx(3 * view.detection.bandwidth_hz, rel=0.05)
    seconds = view.iq.size / view.sample_rate_hz
    assert seconds == pytest.approx(view.detection.count / RATE, rel=0.01)


@pytest.mark.parametrize("chunk", [1000, 65_536])
def test_chunks_of_any_size_give_the_same_detections(chunk):
    x, whole = recognised()
    assert len(whole) >= 3
    chunks = [x[i : i + chunk] for i in range(0, x.size, chunk)]
    assert [views_facts(v) for v in by_start(recogniser().views_of(chunks, RATE))] == whole


@pytest.mark.parametrize("workers", [2, 3])
def test_any_number_of_threads_gives_the_same_detections(workers):
    x, whole = recognised()
    found = Recogniser(EnvelopePredictor(), RATE, workers=workers).views(x)
    assert [views_facts(v) for v in found] == whole


def test_a_predictor_that_fails_fails_the_recognition():
    class Broken(EnvelopePredictor):
        def logits(self, windows):
            raise RuntimeError("out of order")

    with pytest.raises(RuntimeError, match="out of order"):
        Recogniser(Broken(), RATE, workers=2).recognise(scene())


@settings(max_examples=4)
@given(st.integers(0, 2**32 - 1))
def test_so_do_chunks_of_changing_sizes(seed):
    x, whole = recognised()
    found = by_start(recogniser().views_of(shuffled_chunks(x, seed), RATE))
    assert [views_facts(v) for v in found] == whole


def test_a_live_stream_gives_what_the_recording_gives_and_can_start_again():
    x, whole = recognised()
    live = recogniser()
    for _ in range(2):
        found = [d for i in range(0, x.size, 50_000) for d in live.push(x[i : i + 50_000])]
        assert found, "something has ended before the end"
        found += live.finish()
        found.sort(key=lambda d: d.start)
        assert [d.to_dict() for d in found] == [facts for facts, _, _ in whole]


def test_recognising_in_between_leaves_the_live_stream_alone():
    x, whole = recognised()
    live = recogniser()
    found = live.push(x[:200_000])
    live.recognise(white(70_000))
    found += live.push(x[200_000:]) + live.finish()
    assert len(found) == len(whole)


def test_a_file_gives_what_its_samples_give(tmp_path):
    x, whole = recognised()
    write_sigmf(tmp_path / "air.sigmf-meta", [x], sample_rate_hz=RATE)
    found = Recogniser(EnvelopePredictor(), workers=1).recognise(tmp_path / "air.sigmf-meta")
    assert [d.to_dict() for d in found] == [facts for facts, _, _ in whole]


def test_frequencies_are_in_hertz_of_the_given_rate():
    x, whole = recognised()
    doubled = recogniser().recognise(x, sample_rate=2 * RATE)
    for one, (facts, _, _) in zip(doubled, whole, strict=True):
        assert one.center_hz == pytest.approx(2 * facts["center_hz"])
        assert one.bandwidth_hz == pytest.approx(2 * facts["bandwidth_hz"])
        assert one.snr_db == facts["snr_db"]
        assert one.start == facts["start"]


def test_the_level_of_the_samples_changes_nothing_that_is_told():
    x = scene()
    loud, quiet = recogniser().recognise(1e4 * x), recogniser().recognise(1e-4 * x)
    assert len(loud) == len(quiet) >= 3
    for one, other in zip(loud, quiet, strict=True):
        assert (one.modulation, one.start, one.count) == (
            other.modulation,
            other.start,
            other.count,
        )
        assert one.snr_db == pytest.approx(other.snr_db, abs=0.01)


def test_noise_and_zeros_hold_nothing():
    assert recogniser().recognise(white(1_000_000)) == []
    assert recogniser().recognise(np.zeros(100_000, dtype=np.complex64)) == []


def test_what_the_model_calls_noise_is_not_told():
    mute = Recogniser(ConstantPredictor([0.0, 0.0, 9.0]), RATE, workers=1)
    assert mute.recognise(scene()) == []


def test_a_model_that_knows_nothing_says_so():
    lost = ConstantPredictor([0.0, 5.0], classes=("QPSK", "unknown"))
    found = Recogniser(lost, RATE, workers=1).recognise(scene())
    assert {d.modulation for d in found} == {"unknown"}
    assert found[0].confidence == pytest.approx(1 / (1 + np.exp(-5)))


def test_the_rules_decide_what_is_told():
    strict = Recogniser(EnvelopePredictor(), RATE, ReportRules(min_snr_db=19.0), workers=1)
    found = strict.recognise(scene())
    assert all(d.snr_db >= 19.0 for d in found)
    assert not near(found, 0.12)


def test_evidence_of_a_long_signal_is_pooled_over_its_pieces():
    samples = (LONGEST_FRAMES + 500) * HOP
    x = white(samples)
    add(x, 0, qpsk(samples, 32) * amplitude(20, qpsk_bandwidth(32)), -0.15)
    predictor = EnvelopePredictor(temperature=50.0, evidence_exponent=0.5)
    (found,) = near(Recogniser(predictor, RATE, workers=1).recognise(x), -0.15)
    assert found.start < 2048
    assert found.stop > samples - 2048
    assert found.modulation == "QPSK"
    short = Recogniser(predictor, RATE, workers=1).recognise(x[:40_000])
    assert near(short, -0.15)[0].confidence < found.confidence
    assert predictor.seen >= 2 * WINDOWS_PER_PIECE


def filtered_noise(samples):
    """What a receiver's filter passes of the noise: 75% of the band, 20 dB over the rest."""
    return 0.1 * white(samples) + band_noise(samples, 0.75, seed=1) * np.float32(0.75**0.5)


def test_filtered_noise_is_not_a_signal():
    assert recogniser().recognise(filtered_noise(500_000)) == []


def test_what_stands_on_filtered_noise_is_told():
    x = filtered_noise(500_000)
    for start, frequency in ((100_000, 0.2), (300_000, -0.25)):
        add(x, start, qpsk(20_000, 16) * amplitude(20, qpsk_bandwidth(16)), frequency)
    found = recogniser().recognise(x)
    assert [(d.modulation, round(d.start, -3)) for d in found] == [
        ("QPSK", 100_000),
        ("QPSK", 300_000),
    ]


def test_a_signal_as_wide_as_the_band_swallows_what_seems_to_stand_on_it():
    samples = 500_000
    x = 0.1 * white(samples)
    # under a long ramp of the spectrum parts of one signal stand out
    one = qpsk(2 * samples, 2, roll_off=0.5)[:samples] * np.sqrt(np.float32(0.7))
    one[200_000:230_000] *= 3
    add(x, 0, one.astype(np.complex64))
    found = recogniser().recognise(x)
    assert len(found) == 1
    assert (found[0].start, found[0].count) == (0, samples)
    assert found[0].modulation == "QPSK"


def test_what_outlives_a_plateau_is_told_when_it_ends():
    x = white(16 * SLAB_SAMPLES)
    add(x, SLAB_SAMPLES, band_noise(3 * SLAB_SAMPLES, 0.65, seed=1) * amplitude(15, 0.65), 0.15)
    add(x, 2 * SLAB_SAMPLES, tone(5 * SLAB_SAMPLES, -0.4, 0.2))
    live = recogniser()
    assert near(live.push(x), -0.4), "it ended long before the stream does"


def test_of_two_continuous_carriers_both_are_told():
    samples = (LONGEST_FRAMES + 400) * HOP
    x = white(samples) + tone(samples, 0.1, 30.0) + tone(samples, -0.23, 3.0)
    found = recogniser().recognise(x)
    for frequency in (0.1, -0.23):
        longest = max(near(found, frequency), key=lambda d: d.count)
        assert longest.count > 0.99 * samples


def test_a_signal_at_the_centre_is_told_with_its_snr():
    x = white(400_000)
    add(x, 0, qpsk(400_000, 64) * amplitude(25, qpsk_bandwidth(64)))
    (found,) = near(recogniser().recognise(x), 0.0)
    assert found.snr_db == pytest.approx(25, abs=2)


def test_the_state_of_a_stream_does_not_grow():
    x = white(1 << 20)
    add(x, 0, tone(x.size, 0.25, 0.3))
    for start in range(0, 1_000_000, 50_000):
        add(x, start, qpsk(6000, 16) * amplitude(20, qpsk_bandwidth(16)), -0.2)
    live = recogniser()
    held = []
    for _ in range(8):
        live.push(x)
        stream = live._stream
        held.append(len(stream.evidence) + len(stream.snippets) + len(stream.waiting))
    assert max(held) <= 4


@pytest.mark.parametrize("bad", [np.nan, np.inf, complex(0, np.nan)])
def test_nan_and_infinity_are_refused_in_one_line(bad):
    x = white(5000).copy()
    x[77] = bad
    live = recogniser()
    for refused in (lambda: live.push(x), lambda: live.recognise(x)):
        with pytest.raises(HertzianError, match="NaN or infinity") as error:
            refused()
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("rate", [None, 0.0, -1.0, np.nan, np.inf])
def test_a_sampling_rate_is_asked_for(rate):
    without = Recogniser(EnvelopePredictor(), rate)
    for refused in (
        lambda: without.recognise(white(5000)),
        lambda: without.push(white(5000)),
    ):
        with pytest.raises(HertzianError, match="give it as sample_rate") as error:
            refused()
        assert "\n" not in str(error.value)
    assert without.recognise(white(5000), sample_rate=RATE) == []


def test_a_model_for_other_windows_is_refused():
    with pytest.raises(HertzianError, match="128 samples"):
        Recogniser(EnvelopePredictor(samples=128), RATE)


def test_a_model_that_is_not_there_gives_one_line(tmp_path):
    for missing in ("no-such-model", tmp_path / "model.onnx", str(tmp_path / "run")):
        with pytest.raises(HertzianError, match="no such model") as error:
            hertzian.load(missing)
        assert "\n" not in str(error.value)


def test_a_recording_that_is_not_there_gives_one_line(tmp_path):
    with pytest.raises(HertzianError, match="gone") as error:
        recogniser().recognise(tmp_path / "gone.sigmf-meta")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("iq", [np.ones((500, 2)), np.ones(500), np.ones(10, dtype=np.complex64)])
def test_what_is_no_row_of_complex_samples_is_refused(iq):
    with pytest.raises(HertzianError, match="64 complex numbers"):
        recogniser().recognise(iq)


def test_samples_beyond_any_scale_are_refused():
    with pytest.raises(HertzianError, match="full scale is 1"):
        recogniser().push(white(5000) * np.float32(1e15))


def undecided(signal, **changes):
    """What is told of a signal of a third of the band that the model thinks may be OFDM."""
    classes, known = ("OFDM", "AM-SSB", "noise"), ((1, 0.01),)
    predictor = ConstantPredictor([1.0, 0.0, -9.0], classes=classes, prefix_missed=known, **changes)
    x = white(signal.size + 60_000)
    add(x, 30_000, signal * amplitude(20, 1 / 3) / np.sqrt(np.mean(np.abs(signal) ** 2)), 0.1)
    (found,) = Recogniser(predictor, RATE, workers=1).recognise(x)
    return found


@pytest.mark.parametrize("prefix", [4, 16])
def test_what_shows_a_prefix_stays_ofdm(prefix):
    found = undecided(ofdm(prefix)[:20_000])
    assert found.modulation == "OFDM"
    assert found.scores["OFDM"] == pytest.approx(1 / (1 + np.exp(-1.0)), abs=1e-3)


def test_what_shows_none_is_ofdm_as_seldom_as_such_a_search_fails():
    found = undecided(band_noise(20_000, 1 / 3, seed=3))
    assert found.modulation == "AM-SSB"
    assert found.scores["OFDM"] == pytest.approx(0.01 * np.e / (0.01 * np.e + 1), abs=1e-3)


def test_what_is_taken_for_noise_and_repeats_itself_is_ofdm():
    classes, known = ("OFDM", "AM-SSB", "noise"), {"OFDM": 0.3, "AM-SSB": 0.1, "noise": 0.05}
    predictor = ConstantPredictor([0.0, -9.0, 9.0], classes=classes, repeating=known)
    x = white(200_000)
    # every other sample: two thirds of the band
    wide = ofdm(16)[::2]
    add(x, 60_000, wide * amplitude(20, 2 / 3) / np.sqrt(np.mean(np.abs(wide) ** 2)))
    (found,) = Recogniser(predictor, RATE, workers=1).recognise(x)
    assert found.modulation == "OFDM"
    plain = band_noise(wide.size, 2 / 3, seed=1) * amplitude(20, 2 / 3)
    add(x, 60_000, plain - wide * amplitude(20, 2 / 3) / np.sqrt(np.mean(np.abs(wide) ** 2)))
    assert Recogniser(predictor, RATE, workers=1).recognise(x) == []
