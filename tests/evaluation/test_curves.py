import json

import numpy as np
import pytest

from hertzian.evaluation import (
    CURVES,
    EvaluationError,
    accuracy_by_snr,
    evaluation_block,
    evaluation_curves,
)

pytestmark = pytest.mark.base

CLASSES = ("A", "B", "C")
# truth, prediction, its probability, SNR
EXAMPLES = [
    (0, 0, 0.9, 10),
    (0, 1, 0.5, 10),
    (0, 0, 0.7, -4),
    (1, 1, 0.6, 10),
    (1, 0, 0.8, -0.4),
    (1, 0, 0.4, 0.2),
    (1, 1, 1.0, np.nan),
]


def inputs():
    """Return the keyword arguments of EXAMPLES; what is left of 1 is shared by the other two."""
    truth, predicted, sure, snr = (np.array(column) for column in zip(*EXAMPLES, strict=True))
    probabilities = np.repeat(((1 - sure) / 2)[:, None], 3, axis=1)
    probabilities[np.arange(len(truth)), predicted.astype(int)] = sure
    return {"classes": CLASSES, "probabilities": probabilities, "truth": truth, "snr_db": snr}


def test_curves_are_those_counted_by_hand():
    curves = evaluation_curves(**inputs(), confusion_at=(10, 0, 30))
    assert curves["recall_by_snr"] == {"A": {"-4": 1.0, "10": 0.5}, "B": {"0": 0.0, "10": 1.0}}
    assert curves["confusion_at"] == {
        "0": {"classes": ["A", "B", "C"], "counts": [[0, 0, 0], [2, 0, 0], [0, 0, 0]]},
        "10": {"classes": ["A", "B", "C"], "counts": [[1, 1, 0], [0, 1, 0], [0, 0, 0]]},
    }
    assert curves["confidence_by_snr"] == pytest.approx({"-4": 0.7, "0": 0.6, "10": 2 / 3})
    assert curves["confidence_by_class"] == pytest.approx({"A": 0.7, "B": 0.7})
    # the example at -0.4 dB rounds to 0 but is below it
    assert curves["taken_for"] == {
        "A": {"A": 0.5, "B": 0.5, "C": 0.0},
        "B": {"A": 0.5, "B": 0.5, "C": 0.0},
    }
    assert list(curves["recall_by_snr"]["A"]) == ["-4", "10"]
    json.dumps(curves, allow_nan=False)


def test_weights_are_averaged_beside_the_confidence():
    weights = [0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0]
    curves = evaluation_curves(**inputs(), weights=weights)
    assert curves["weight_by_snr"] == pytest.approx({"-4": 0.3, "0": 0.6, "10": 0.7 / 3})
    assert curves["weight_by_class"] == pytest.approx({"A": 0.2, "B": 0.65})
    assert curves["confusion_at"] == {}
    assert "weight_by_snr" not in evaluation_curves(**inputs())


def test_curves_agree_with_the_block_and_share_no_key_with_it():
    random = np.random.default_rng(5)
    truth, snr = random.integers(0, 4, 3000), random.choice(np.arange(-20, 20, 2), 3000)
    probabilities = random.dirichlet(np.ones(4), 3000)
    given = {"classes": list("abcd"), "probabilities": probabilities, "truth": truth, "snr_db": snr}
    block = evaluation_block(model="m", data="d", **given)
    curves = evaluation_curves(**given, confusion_at=range(-20, 20, 2), weights=snr)
    assert set(curves) == CURVES
    assert not set(block) & CURVES
    total = sum(np.array(at["counts"]) for at in curves["confusion_at"].values())
    np.testing.assert_array_equal(total, block["confusion"]["counts"])
    for level, at in curves["confusion_at"].items():
        counts = np.array(at["counts"])
        assert block["accuracy_by_snr"][level] == pytest.approx(counts.trace() / counts.sum())
        for row, name in enumerate("abcd"):
            share = counts[row, row] / counts[row].sum()
            assert curves["recall_by_snr"][name][level] == pytest.approx(share)
    assert curves["weight_by_snr"] == {level: float(level) for level in block["accuracy_by_snr"]}
    audible = snr >= 0
    expected = accuracy_by_snr(truth[audible], probabilities[audible].argmax(1), truth[audible])
    assert [curves["taken_for"][name][name] for name in "abcd"] == pytest.approx(
        [*expected.values()]
    )


def test_half_precision_is_averaged_in_double():
    probabilities = np.full((100_000, 2), 0.5, dtype=np.float16)
    probabilities[:, 0] = 0.75
    zeros = np.zeros(100_000, dtype=np.int64)
    curves = evaluation_curves(classes="ab", probabilities=probabilities, truth=zeros, snr_db=zeros)
    assert curves["confidence_by_snr"] == {"0": 0.75}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"truth": []}, "at least one example"),
        ({"classes": ("A", "B")}, "do not belong together for 2 classes"),
        ({"snr_db": np.zeros(6)}, r"SNR \[6\] do not"),
        ({"weights": np.zeros(3)}, r"weights \[3\] do not"),
        ({"truth": np.full(7, 3)}, r"labels lie in \[0, 3\), not in \[3, 3\]"),
        ({"truth": np.full(7, -1)}, r"not in \[-1, -1\]"),
    ],
)
def test_what_does_not_fit_is_refused(changes, message):
    with pytest.raises(EvaluationError, match=message):
        evaluation_curves(**{**inputs(), **changes})
