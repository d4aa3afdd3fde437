import json

import pytest

from hertzian.experiments import ExperimentError
from hertzian.experiments.unlabelled.naming import (
    BEFORE,
    NAMES,
    ClusterName,
    name_clusters_of,
    read_names,
    write_template,
)


def test_names_are_read(tmp_path):
    path = tmp_path / "n.json"
    path.write_text(
        json.dumps({"1": "2ask", "3": {"protocol": "doorbell"}, "4": {"modulation": "FM"}})
    )
    assert read_names(path, 4) == [
        ClusterName(modulation="OOK"),
        ClusterName(),
        ClusterName(protocol="doorbell"),
        ClusterName(modulation="WBFM"),
    ]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ('{"5": "OOK"}', "no cluster '5'; they are 1 to 4"),
        ('{"1": "doorbell"}', "cluster 1 is called 'doorbell', which is no modulation"),
        ('{"1": {"name": "x"}}', r'expected \{"1": "2FSK", ...\}'),
        ("[1, 2]", "expected"),
        ("{", "expected"),
        ('{"1": null}', "names no cluster"),
        ('{"2": {"protocol": "none"}}', "'none' is no name of a protocol"),
        ('{"2": {"protocol": ""}}', "expected"),
    ],
)
def test_wrong_names_are_told(tmp_path, given, message):
    path = tmp_path / "n.json"
    path.write_text(given)
    with pytest.raises(ExperimentError, match=message) as told:
        read_names(path, 4)
    assert str(told.value).startswith(str(path))


def test_missing_and_large_files_are_told(tmp_path):
    with pytest.raises(ExperimentError, match="cannot be read"):
        read_names(tmp_path / "n.json", 4)
    (tmp_path / "n.json").write_bytes(b" " * 1_000_001)
    with pytest.raises(ExperimentError, match="up to 1 MB"):
        read_names(tmp_path / "n.json", 4)


def test_a_template_has_a_place_for_each_and_keeps_earlier_names(tmp_path):
    write_template(tmp_path, 3)
    assert json.loads((tmp_path / NAMES).read_text()) == {"1": None, "2": None, "3": None}
    (tmp_path / NAMES).write_text('{"1": "OOK"}')
    for _ in range(2):  # an empty template is no names
        write_template(tmp_path, 3)
    assert json.loads((tmp_path / NAMES).read_text()) == {"1": None, "2": None, "3": None}
    assert (tmp_path / BEFORE).read_text() == '{"1": "OOK"}'


def test_a_run_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ExperimentError, match="holds no finished run of `hertzian cluster`"):
        name_clusters_of(tmp_path, tmp_path / "n.json")
