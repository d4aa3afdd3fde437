import json

import numpy as np
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from hertzian.cli.inputs import Given, hertz, open_sources

pytestmark = pytest.mark.base


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("250000", 250e3),
        ("250k", 250e3),
        ("1M6", 1.6e6),
        ("2.4e6", 2.4e6),
        ("2.4M", 2.4e6),
        ("433.92M", 433_920_000.0),
        ("1G09", 1.09e9),
        ("48kHz", 48e3),
        ("2.4Msps", 2.4e6),
        ("-1", -1.0),
        ("-250k", -250e3),
        (".5M", 0.5e6),
    ],
)
def test_hertz_are_read_as_people_write_them(text, number):
    assert hertz(text) == number


@pytest.mark.parametrize("text", ["", "fast", "1m", "nan", "inf", "1e9999", "0x10", "1_0", "1M6M"])
def test_what_is_no_number_of_hertz_is_wrong_use(text):
    with pytest.raises(typer.BadParameter, match="no number of hertz"):
        hertz(text)


@given(st.integers(0, 10**12), st.sampled_from(["", "k", "M", "G"]))
def test_prefixes_are_powers_of_a_thousand(number, prefix):
    assert hertz(f"{number}{prefix}") == number * 1000.0 ** " kMG".index(prefix or " ")


def test_what_the_user_says_against_a_recording_is_told_once(tmp_path, capsys):
    np.ones(100, np.complex64).tofile(tmp_path / "a.sigmf-data")
    said = {"global": {"core:datatype": "cf32_le", "core:sample_rate": 1e6}}
    (tmp_path / "a.sigmf-meta").write_text(json.dumps(said))
    pair = [tmp_path / "a.sigmf-data", tmp_path / "a.sigmf-meta"]
    (source,), errors = open_sources(pair, Given(sample_rate_hz=2e6))
    assert (source.recording.sample_rate_hz, errors) == (2e6, [])
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("warning: ")
    assert line.endswith("2,000,000 Hz is taken as given; the recording itself says 1,000,000 Hz")


def test_a_recording_named_twice_is_opened_once(tmp_path):
    (tmp_path / "deep").mkdir()
    for name in ("a.cu8", "deep/b.cu8"):
        (tmp_path / name).write_bytes(bytes(range(256)))
    named = [tmp_path / "a.cu8", tmp_path, tmp_path / "none.cu8"]
    sources, errors = open_sources(named, Given(sample_rate_hz=1e3))
    assert [str(source.name) for source in sources] == ["a.cu8", "deep/b.cu8"]
    assert [str(error) for error in errors] == [f"{tmp_path / 'none.cu8'} does not exist"]
