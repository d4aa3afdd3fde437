import numpy as np
import pytest
import torch

from hertzian.datasets.rml2016 import TRANSMITTERS
from hertzian.experiments.agreement.sides import audio_of, our_side, peer_side
from hertzian.experiments.stages import ExperimentError

LABELS = (10.0, 18.0)


def test_ours_are_whole_passes_of_so_many_windows():
    side = our_side("BPSK", 60, 8, LABELS, 0)
    assert side.iq.shape == (960, 128)
    np.testing.assert_array_equal(side.number, np.repeat(np.arange(120), 8))
    np.testing.assert_array_equal(side.label, np.repeat(LABELS, 480))
    np.testing.assert_allclose(np.abs(side.iq).sum(axis=1), 1, rtol=1e-5)
    assert len(np.unique(side.iq[:, 0])) == 960


def test_a_pass_has_one_channel_and_another_pass_another():
    side = our_side("AM-DSB", 40, 8, (100.0,), 0)
    # a silent window is a bare carrier: its phase is the channel's
    silent = np.abs(side.iq).std(axis=1) < 1e-5
    turned = np.angle(side.iq.sum(axis=1))
    spread, means = [], []
    for number in range(40):
        phases = np.exp(1j * turned[silent & (side.number == number)])
        if len(phases) > 2:
            means.append(phases.mean() / abs(phases.mean()))
            spread.append(abs(phases.mean()))
    assert len(means) > 20
    assert abs(np.mean(means)) < 0.5
    assert np.median(spread) > 0.5


def test_the_same_seed_gives_the_same_windows():
    a, b, c = (our_side("GFSK", 5, 2, LABELS, seed).iq for seed in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)


def test_parts_of_a_side_share_no_pass_and_have_all_labels():
    side = our_side("QPSK", 10, 3, LABELS, 0)
    parts = [side.of_passes(*shares) for shares in ((0, 0.6), (0.6, 0.8), (0.8, 1))]
    assert [len(part.iq) for part in parts] == [36, 12, 12]
    assert sum(len(set(part.number)) for part in parts) == len(set(side.number)) == 20
    for part in parts:
        assert set(part.label) == set(LABELS)


def test_files_of_an_earlier_run_are_taken_as_they_are(tmp_path):
    for place, label in enumerate(("10", "18")):
        iq = np.full((6, 128), place + 1, np.complex64)
        np.savez(tmp_path / f"BPSK-{label}.npz", iq=iq, number=np.repeat([0, 1], 3))
    side = peer_side("BPSK", 2, 3, LABELS, 0, tmp_path)
    np.testing.assert_array_equal(side.number, np.repeat([0, 1, 2, 3], 3))
    np.testing.assert_array_equal(side.iq[:, 0], np.repeat([1, 2], 6))


def test_a_broken_file_is_named(tmp_path):
    (tmp_path / "BPSK-10.npz").write_bytes(b"PK\x03\x04 broken")
    with pytest.raises(ExperimentError, match=r"BPSK-10\.npz: no windows can be read.*delete it"):
        peer_side("BPSK", 2, 3, LABELS, 0, tmp_path)


def test_audio_is_what_both_sides_send():
    audio = audio_of("WBFM")
    assert audio.shape == (10_000,)
    ours = TRANSMITTERS["WBFM"].audio(1, torch.Generator())
    np.testing.assert_array_equal(audio, ours[0])
    with pytest.raises(ExperimentError, match="BPSK sends no audio"):
        audio_of("BPSK")
