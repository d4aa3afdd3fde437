from dataclasses import replace

import numpy as np
import pytest

from hertzian.datasets.dataset import Dataset
from hertzian.deployment import DatasetIdentity, ModelMetadata
from hertzian.evaluation import EvaluationError, evaluate_windows, refuse_seen

pytestmark = pytest.mark.base


class FirstSample:
    """A predictor whose logits are the first I samples of the window."""

    def __init__(self, classes=("BPSK", "QPSK", "noise"), temperature=1.0):
        self.metadata = ModelMetadata(
            **{"name": "first", "version": "1", "classes": classes, "samples": 8},
            **{"occupied_share": 0.5, "parameters": 0, "macs": 0, "temperature": temperature},
        )

    def logits(self, windows):
        return windows[:, 0, : len(self.metadata.classes)]


def dataset(truth, said, names=("noise", "qpsk", "BPSK"), samples=8):
    """Windows that make `FirstSample` say `said` (its own indices) with a margin of 2."""
    x = np.zeros((len(truth), 2, samples), np.float32)
    x[np.arange(len(said)), 0, said] = 2
    return Dataset(
        x=x,
        modulation=np.asarray(truth),
        snr_db=np.array([-10.0, 10.0] * len(truth), np.float32)[: len(truth)],
        group=np.arange(len(truth)),
        modulations=names,
        **{
            "preset": "field",
            "seed": 7,
            "sample_rate_hz": 1.0,
            "snr_definition": "",
            "version": "1",
        },
    )


def test_names_in_another_order_are_matched():
    # the data's 0, 1, 2 are noise, QPSK, BPSK: the model's 2, 1, 0
    done = []
    block = evaluate_windows(
        FirstSample(), dataset([0, 1, 2, 0], [2, 1, 0, 0]), data="d.h5", advance=done.append
    )
    assert block["accuracy"] == 0.75
    assert block["recall"] == {"noise": 0.5, "QPSK": 1.0, "BPSK": 1.0}
    assert block["confusion"] == {
        "classes": ["noise", "QPSK", "BPSK"],
        "counts": [[1, 0, 1], [0, 1, 0], [0, 0, 1]],
    }
    assert block["accuracy_by_snr"] == {"-10": 1.0, "10": 0.5}
    assert (block["model"], block["data"], block["examples"]) == ("first", "d.h5", 4)
    assert sum(done) == 4


@pytest.mark.parametrize("temperature", [1.0, 0.5, 4.0])
def test_confidence_is_that_of_the_temperature(temperature):
    block = evaluate_windows(
        FirstSample(temperature=temperature), dataset([0, 1], [2, 1]), data="d", model="named"
    )
    top = np.exp(2 / temperature) / (np.exp(2 / temperature) + 2)
    assert block["ece"] == pytest.approx(1 - top)
    assert block["model"] == "named"


def test_common_drops_the_rest_of_both_sides():
    # the model knows no OFDM; the data no noise, so its column must not win
    data = dataset([0, 1, 2, 2], [2, 1, 2, 0], names=("OFDM", "QPSK", "BPSK"))
    with pytest.raises(EvaluationError, match="the model lacks OFDM; the data lacks noise"):
        evaluate_windows(FirstSample(), data, data="d")
    block = evaluate_windows(FirstSample(), data, data="d", common=True)
    assert block["examples"] == 3
    assert block["confusion"]["classes"] == ["QPSK", "BPSK"]
    # all logits left are equal for the third window, which goes to the first class
    assert block["confusion"]["counts"] == [[1, 0], [1, 1]]


def test_batches_do_not_change_the_result():
    random = np.random.default_rng(0)
    truth, said = random.integers(0, 3, 10_000), random.integers(0, 3, 10_000)
    block = evaluate_windows(FirstSample(), dataset(truth, said), data="d")
    assert block["accuracy"] == pytest.approx(np.mean(truth == 2 - said))


def test_windows_of_another_length_are_refused():
    with pytest.raises(EvaluationError, match="windows have 16 samples, but first takes 8"):
        evaluate_windows(FirstSample(), dataset([0], [0], samples=16), data="d")


def test_data_without_an_example_in_common_is_refused():
    data = dataset([0], [0], names=("OFDM", "QPSK", "BPSK"))
    with pytest.raises(EvaluationError, match="no example"):
        evaluate_windows(FirstSample(), data, data="d", common=True)


def test_data_seen_in_training_is_refused():
    data = dataset([0], [0])
    refuse_seen(data, [DatasetIdentity(preset="field", seed=8)], "d.h5")
    refuse_seen(data, [DatasetIdentity(preset="other", seed=7)], "d.h5")
    with pytest.raises(EvaluationError, match=r"d\.h5: the model was trained on this data"):
        refuse_seen(data, [DatasetIdentity(preset="field", seed=7)], "d.h5")


class TwoHeads(FirstSample):
    """The protocol's logits are the first Q samples; which protocol, the names say."""

    def __init__(self, protocols=("DAB", "GSM")):
        super().__init__()
        self.metadata = self.metadata.model_copy(
            update={"protocols": protocols, "protocol_temperature": 2.0}
        )

    def heads(self, windows):
        count = len(self.metadata.protocols)
        return {"modulation": self.logits(windows), "protocol": windows[:, 1, :count]}


def test_a_model_that_names_protocols_has_a_block_for_each_head():
    data = dataset([0, 1, 2, 0], [2, 1, 0, 0])
    said = np.array([0, 1, 1, 0])  # DAB, GSM, GSM, DAB by the model's names
    data.x.array[np.arange(4), 1, said] = 2
    labels = np.array([1, 0, 1, -1])  # the data's names are the other way round
    data = replace(data, protocol=labels, protocols=("GSM", "DAB"))
    found = evaluate_windows(TwoHeads(), data, data="d.h5")
    assert (found["model"], found["data"], found["examples"]) == ("first", "d.h5", 4)
    modulation, protocol = found["heads"]["modulation"], found["heads"]["protocol"]
    assert modulation == evaluate_windows(FirstSample(), data, data="d.h5")
    assert protocol["examples"] == 3
    assert protocol["confusion"] == {"classes": ["GSM", "DAB"], "counts": [[1, 0], [1, 1]]}
    assert protocol["ece"] == pytest.approx(abs(np.e / (np.e + 1) - 2 / 3))
    # biases in the model's order of names: DAB, GSM
    biased = TwoHeads()
    biased.metadata = biased.metadata.model_copy(update={"protocol_biases": (9.0, 0.0)})
    protocol = evaluate_windows(biased, data, data="d")["heads"]["protocol"]
    assert protocol["confusion"]["counts"] == [[0, 1], [0, 2]]


def test_protocols_are_compared_as_modulations_are():
    labels = np.array([0, 1, 2])
    data = replace(dataset([0, 1, 2], [2, 1, 0]), protocol=labels, protocols=("GSM", "DAB", "DECT"))
    with pytest.raises(EvaluationError, match="protocols: the model lacks DECT"):
        evaluate_windows(TwoHeads(), data, data="d")
    found = evaluate_windows(TwoHeads(), data, data="d", common=True)["heads"]
    assert (found["modulation"]["examples"], found["protocol"]["examples"]) == (3, 2)


def test_without_protocols_in_the_data_there_is_one_block():
    data = dataset([0, 1, 2], [2, 1, 0])
    assert evaluate_windows(TwoHeads(), data, data="d")["accuracy"] == 1.0


@pytest.mark.parametrize(
    ("protocol", "protocols"),
    [([0, 0, 0], ("DECT",)), ([-1, -1, -1], ()), ([2, 2, -1], ("DAB", "GSM", "DECT"))],
)
def test_with_no_protocol_in_common_modulations_are_left(protocol, protocols):
    data = replace(dataset([0, 1, 2], [2, 1, 0]), protocol=np.array(protocol), protocols=protocols)
    assert evaluate_windows(TwoHeads(), data, data="d", common=True)["accuracy"] == 1.0


def test_an_estimate_of_the_snr_has_a_block():
    class Estimates(FirstSample):
        def __init__(self):
            super().__init__()
            self.metadata = self.metadata.model_copy(update={"quantities": ("snr_db",)})

        def heads(self, windows):
            return {"modulation": self.logits(windows), "snr_db": np.full((len(windows), 1), 8.0)}

    heads = evaluate_windows(Estimates(), dataset([0, 1, 2], [2, 1, 0]), data="d")["heads"]
    assert heads["modulation"]["accuracy"] == 1.0
    # the labels are -10, 10, -10
    assert heads["snr_db"] == {
        **{"examples": 3, "relative": False, "median_error": 18.0},
        **{"rms_error": pytest.approx(np.sqrt((2 * 18**2 + 4) / 3)), "bias": pytest.approx(34 / 3)},
        **{"rms_error_snr_ge_0": 2.0, "median_error_snr_ge_0": 2.0},
        "rms_error_by_snr": {"-10": 18.0, "10": 2.0},
        "by_modulation": {
            "BPSK": {"examples": 1, "rms_error": 18.0, "median_error": 18.0, "bias": 18.0},
            "QPSK": {"examples": 1, "rms_error": 2.0, "median_error": 2.0, "bias": -2.0},
            "noise": {"examples": 1, "rms_error": 18.0, "median_error": 18.0, "bias": 18.0},
        },
    }


def test_the_error_of_a_bandwidth_is_a_share_of_it_where_it_is_known():
    class Estimates(FirstSample):
        def __init__(self):
            super().__init__()
            quantities = {"quantities": ("bandwidth_hz", "symbol_rate_hz")}
            self.metadata = self.metadata.model_copy(update=quantities)

        def heads(self, windows):
            said = np.full((len(windows), 1), 110e3)
            return {"modulation": self.logits(windows), "bandwidth_hz": said}

    known = np.array([100e3, np.nan, 137.5e3], np.float32)
    data = replace(dataset([0, 1, 2], [2, 1, 0]), bandwidth_hz=known)
    heads = evaluate_windows(Estimates(), data, data="d")["heads"]
    assert set(heads) == {"modulation", "bandwidth_hz"}
    block = heads["bandwidth_hz"]
    assert block["examples"] == 2
    assert block["relative"]
    assert block["bias"] == pytest.approx((0.1 - 0.2) / 2)
    assert block["rms_error"] == pytest.approx(np.sqrt((0.01 + 0.04) / 2))
