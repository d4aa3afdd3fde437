import json

import pytest

from hertzian.cli import models, output

CARD = {
    **{"name": "tiny", "version": "1", "classes": ["BPSK", "QAM16"], "samples": 128},
    **{"occupied_share": 0.5, "parameters": 12345, "macs": 67890, "paper": "Nobody, 1900"},
    **{"temperature": 1.5, "evidence_exponent": 0.25, "licence": "Apache-2.0"},
    "published_parameters": 12300,
    "measured": {"accuracy": 0.5, "on": ["a", "b"]},
}


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A folder of shipped models: `tiny` with weights, `bare` with a card alone."""
    monkeypatch.setattr(models, "SHIPPED", tmp_path)
    (tmp_path / "tiny.json").write_text(json.dumps(CARD))
    (tmp_path / "tiny.onnx").touch()
    bare = CARD | {"name": "bare", "paper": None, "published_parameters": None}
    (tmp_path / "bare.json").write_text(json.dumps(bare))
    return tmp_path


@pytest.fixture
def base_install(monkeypatch):
    monkeypatch.setattr(output, "has_train_extra", lambda: False)


TINY = {
    **{"name": "tiny", "parameters": 12345, "macs": 67890, "samples": 128},
    **{"classes": ["BPSK", "16QAM"], "protocols": [], "weights": True, "paper": "Nobody, 1900"},
    "published_parameters": 12300,
}


@pytest.mark.base
def test_the_list_is_that_of_the_cards(hertzian, shipped, base_install):
    done = hertzian("models", "--json")
    assert done.status == 0
    bare = {"name": "bare", "weights": False, "paper": None, "published_parameters": None}
    assert done.document == [TINY | bare, TINY]
    assert hertzian("models", "tiny", "--json").document == [TINY]


@pytest.mark.base
def test_no_model_is_an_empty_list(hertzian, tmp_path, monkeypatch, base_install):
    monkeypatch.setattr(models, "SHIPPED", tmp_path / "absent")
    assert hertzian("models", "--json").document == []


@pytest.mark.base
def test_tables_tell_the_same(hertzian, shipped, base_install):
    lines = hertzian("models").out.splitlines()
    (row,) = (line.split() for line in lines if "tiny" in line)
    assert row == ["tiny", "12,345", "12,300", "67,890", "128", "2", "shipped", "Nobody,", "1900"]
    card = hertzian("models", "tiny").out
    for text in ("12,345", "BPSK, 16QAM", "Apache-2.0", "evidence exponent", "accuracy: 0.5"):
        assert text in card


@pytest.mark.base
def test_a_card_shows_no_long_list_and_no_more_digits_than_matter(hertzian, shipped, base_install):
    long = {"curve": [0.125] * 500, "repeating": {str(n): n for n in range(99)}}
    few = {"share": 1 / 3, "names": ["a", "b"], "missed": [[1500, 2 / 3]]}
    told = CARD | {"quantities": [], "measured": long | few}
    (shipped / "tiny.json").write_text(json.dumps(told))
    card = hertzian("models", "tiny").out
    for text in (
        *("curve: a list of 500", "repeating: a table of 99", "quantities            none"),
        *("share: 0.3333 ", "names: a, b", "1500, 0.6667 "),
    ):
        assert text in card
    assert "0.125" not in card


@pytest.mark.base
def test_texts_and_whole_numbers_of_a_card_are_as_they_are(hertzian, shipped, base_install):
    told = {"note": 'say "x" at C:\\x', "center_hz": 433920000.0, "inner": {"path": 'a"b'}}
    (shipped / "tiny.json").write_text(json.dumps(CARD | {"measured": told}))
    card = hertzian("models", "tiny").out
    for text in ('note: say "x" at C:\\x', "center_hz: 433920000.0", "inner:", '  path: a"b'):
        assert text in card


@pytest.mark.base
def test_an_unknown_name_lists_those_known(hertzian, shipped, base_install):
    done = hertzian("models", "absent")
    assert (done.status, done.out) == (1, "")
    assert done.err == "error: no model called 'absent'; known here are bare, tiny\n"


@pytest.mark.base
@pytest.mark.parametrize("content", ["[]", "{", "{}", json.dumps(CARD | {"samples": "many"}), "3"])
def test_a_damaged_card_is_named(hertzian, shipped, base_install, content):
    (shipped / "tiny.json").write_text(content)
    done = hertzian("models")
    assert done.status == 1
    assert done.err.startswith(f"error: {shipped / 'tiny.json'}: not a model card")


def test_registered_networks_are_added_where_torch_is_installed(hertzian, shipped):
    torch = pytest.importorskip("torch")
    from hertzian.models import build, spec

    found = {entry["name"]: entry for entry in hertzian("models", "--json").document}
    assert found["tiny"] == TINY
    field = found["field"]
    assert not field["weights"]
    assert field["parameters"] == sum(p.numel() for p in build("field").parameters())
    assert tuple(field["classes"]) == spec("field").classes
    with torch.no_grad():
        logits = build("field").eval()(torch.zeros(1, 2, field["samples"]))
    assert logits.shape == (1, len(field["classes"]))
    assert (len(found["mtl"]["classes"]), len(found["mtl"]["protocols"])) == (6, 8)
    (row,) = (line for line in hertzian("models").out.splitlines() if line.split()[:1] == ["mtl"])
    assert "6 + 8" in row
    assert "Radar-Altimeter" in hertzian("models", "mtl").out
