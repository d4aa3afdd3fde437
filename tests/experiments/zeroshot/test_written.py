"""Modulations described in YAML."""

import numpy as np
import pytest

from hertzian.experiments import ExperimentError
from hertzian.experiments.zeroshot.written import read_descriptions
from hertzian.signal import alphabet_of, attributes_of

FORMS = """
QPSK: {points: [[1, 1], [1, -1], [-1, 1], [-1, -1]]}
12APSK:
  rings:
    - {points: 4, radius: 1, turn: 0.125}
    - {points: 8, radius: 2.414213562373095, turn: 0.0625}
4ASK: {levels: [0, 1, 2, 3]}
64QAM: {grid: [8, 8]}
OQPSK: {grid: [2, 2], offset: true}
PI4-DQPSK: {rings: [{points: 8, radius: 1}], alternating: true}
"""


def written(folder, text):
    path = folder / "new.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_form_gives_the_alphabet_of_the_table(tmp_path):
    found = read_descriptions(written(tmp_path, FORMS))
    assert list(found) == ["QPSK", "12APSK", "4ASK", "64QAM", "OQPSK", "PI4-DQPSK"]
    for name, alphabet in found.items():
        ours = alphabet_of(name)
        gaps = np.abs(alphabet.points[:, None] - ours.points[None, :])
        assert gaps.min(axis=1).max() < 1e-9
        assert len(alphabet.points) == attributes_of(name).order
        assert (alphabet.offset, alphabet.alternating) == (ours.offset, ours.alternating)
        assert alphabet.same_as(ours)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the document: expected a name, and points, rings"),
        ("new: [[1, 1]]", "new: expected a name, and points, rings"),
        ("new: {grid: 8}", "expected two numbers, such as"),
        ("{}", "descriptions of 1 to 100 modulations, found 0"),
        ("new: [1", "not a plain YAML document"),
        ("new: {levels: [0, 1], grid: [2, 2]}", "new: .*expected one of points, rings, levels, gr"),
        ("new: {offset: true}", "expected one of points"),
        ("new: {levels: [1, 1]}", "no point twice"),
        ("new: {levels: [1]}", "two or more finite points"),
        ("new: {levels: [0, .inf]}", "not a plain YAML document"),
        ("new: {grid: [4096, 4096]}", "more than 4096 points"),
        ("new: {rings: []}", r"new\.rings: List should have at least 1 item"),
        ("new: {rings: [{points: 0, radius: 1}]}", r"new\.rings\.0\.points: Input should be great"),
        ("new: {circles: 3}", r"new\.circles: there is no such key; an entry has points"),
        ("new: {rings: [{points: 4, radius: 1, turn: 1.0e+308}]}", "less than or equal to 1"),
        ("new: {levels: [1.0e-320, -1.0e-320]}", "new: an alphabet reaches between"),
        ("new: {points: [[1.7e+308, 1.7e+308], [0, 1]]}", "new: an alphabet reaches between"),
        ("new: {grid: ['4', 4]}", "valid integer"),
        ("unknown: {grid: [4, 4]}", "'unknown' is no name for a modulation"),
        ("' ': {grid: [4, 4]}", "is no name for a modulation"),
        ("2ASK: {levels: [0, 1]}\nOOK: {levels: [0, 1]}", "'OOK' is described twice"),
        ('"a\\e[31m": {levels: [1, 1]}', r"a.x1b.31m: an alphabet has no point twice"),
        ("new: &a {levels: [0, 1]}\nother: *a", "aliases"),
    ],
)
def test_what_describes_nothing_is_refused_by_name(tmp_path, text, said):
    path = written(tmp_path, text)
    with pytest.raises(ExperimentError, match=said) as refused:
        read_descriptions(path)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_missing_or_huge_or_no_text_is_refused(tmp_path):
    with pytest.raises(ExperimentError, match="expected descriptions in YAML"):
        read_descriptions(tmp_path / "none.yaml")
    path = tmp_path / "new.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ExperimentError, match="expected descriptions in YAML"):
        read_descriptions(path)
    path.write_bytes(b"#" * (1 << 21))
    with pytest.raises(ExperimentError, match="bytes at most"):
        read_descriptions(path)
