"""`hertzian evaluate likelihood`, which needs torch, unlike the rest of the verb."""

from tests.cli.test_evaluate import windows


def test_likelihoods_are_evaluated_like_models(hertzian, tmp_path):
    data = tmp_path / "possible.h5"
    assert hertzian("synth", "possible-6-64", data, "--per", 20, "--snr", "0,12").status == 0
    done = hertzian("evaluate", "likelihood", data, "--json")
    assert (done.status, done.err) == (0, "")
    assert done.document["model"] == "likelihood"
    assert done.document["accuracy_by_snr"]["12"] > 0.9 > done.document["accuracy_by_snr"]["0"]
    phase = hertzian("evaluate", "likelihood-phase", data, "--json").document
    assert phase["accuracy"] <= done.document["accuracy"]
    assert "accuracy at SNR >= 0 dB" in hertzian("evaluate", "likelihood", data).out
    wrong = hertzian("evaluate", "likelihood-timing", data)
    assert wrong.status == 1
    assert "known are likelihood, likelihood-snr" in wrong.err
    assert hertzian("evaluate", "likelihood", data, "--common").status == 2


def test_a_likelihood_wants_to_know_the_symbols(hertzian, tmp_path):
    data = windows(tmp_path / "d.h5", [0, 1], [0, 1], modulations=("BPSK", "QPSK"))
    done = hertzian("evaluate", "likelihood", data)
    assert done.status == 1
    assert "needs known timing and pulses" in done.err
