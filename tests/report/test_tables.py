import csv
import io
import os

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from hertzian.recordings import open_recording
from hertzian.report.entries import ReportEntry
from hertzian.report.tables import CSV_COLUMNS, DetectionsTable, write_csv
from hertzian.signal import summarise

pytestmark = pytest.mark.base


def entry_of(recording, *detections):
    return ReportEntry(recording, detections, summarise(detections, 0.8), "field")


def shown(entries, width=160):
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    console.print(DetectionsTable(entries))
    return console.file.getvalue()


def read_csv(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_columns_are_those_of_the_contract():
    assert ",".join(CSV_COLUMNS) == (
        "file,start,count,start_s,duration_s,center_hz,bandwidth_hz,snr_db,"
        "modulation,family,confidence,family_confidence,protocol,protocol_confidence,"
        "center_frequency_hz"
    )


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None
)
@given(
    start=st.integers(0, 2**40),
    count=st.integers(1, 2**40),
    reals=st.tuples(*[st.floats(-1e12, 1e12)] * 2, st.floats(-300, 300)),
    shares=st.tuples(*[st.floats(0, 1)] * 2),
)
def test_numbers_come_back_exactly(
    tmp_path, write_recording, make_detection, start, count, reals, shares
):
    detection = make_detection(
        start=start,
        count=count,
        center_hz=reals[0],
        bandwidth_hz=reals[1],
        snr_db=reals[2],
        confidence=shares[0],
        family_confidence=shares[1],
    )
    write_csv(tmp_path / "d.csv", [entry_of(write_recording(np.ones(64), 1e6), detection)])
    (row,) = read_csv(tmp_path / "d.csv")
    assert (int(row["start"]), int(row["count"])) == (start, count)
    assert (float(row["start_s"]), float(row["duration_s"])) == (start / 1e6, count / 1e6)
    names = ("center_hz", "bandwidth_hz", "snr_db", "confidence", "family_confidence")
    assert tuple(float(row[name]) for name in names) == (*reals, *shares)
    assert (row["modulation"], row["family"]) == ("OOK", "ask")


@pytest.mark.parametrize(
    "name", ["=cmd|' ' !A0.cf32", "+1.cf32", "-1.cf32", "@SUM(A1).cf32", "\t=1.cf32", "  =1.cf32"]
)
def test_no_cell_starts_a_formula(tmp_path, monkeypatch, make_detection, name):
    monkeypatch.chdir(tmp_path)
    np.ones(64, dtype=np.complex64).tofile(name)
    recording = open_recording(name, format="cf32", sample_rate_hz=1.0)
    write_csv(tmp_path / "d.csv", [entry_of(recording, make_detection(modulation="=1+1"))])
    (row,) = read_csv(tmp_path / "d.csv")
    assert row["file"][0] in "'\\"
    assert row["modulation"] == "'=1+1"


def test_awkward_names_are_one_cell_of_one_row(tmp_path, write_recording, make_detection):
    recording = write_recording(np.ones(64), name='a,"b"\r\nc.cf32')
    write_csv(tmp_path / "d.csv", [entry_of(recording, make_detection(), make_detection())])
    rows = read_csv(tmp_path / "d.csv")
    assert [row["file"].endswith(r'a,"b"\r\nc.cf32') for row in rows] == [True, True]


def test_undecodable_names_can_be_written(tmp_path, write_recording, make_detection):
    recording = write_recording(np.ones(64), name=os.fsdecode(b"\xff.cf32"))
    write_csv(tmp_path / "d.csv", [entry_of(recording, make_detection())])
    assert read_csv(tmp_path / "d.csv")[0]["file"].endswith(r"\udcff.cf32")


def test_failure_leaves_an_older_file_alone(tmp_path, write_recording, make_detection):
    def entries():
        yield entry_of(write_recording(np.ones(64)), make_detection())
        raise RuntimeError

    (tmp_path / "d.csv").write_text("before")
    with pytest.raises(RuntimeError):
        write_csv(tmp_path / "d.csv", entries())
    assert (tmp_path / "d.csv").read_text() == "before"


def test_table_shows_every_detection(write_recording, make_detection):
    recording = write_recording(np.ones(250_000), 250e3, 433.92e6)
    detections = (make_detection(), make_detection(modulation="2FSK", family="fsk"))
    text = shown([entry_of(recording, *detections)])
    assert text.count("433.9700 MHz") == 2
    assert "2FSK 90 %" in text
    assert "fsk 95 %" in text


def test_each_of_several_files_is_named_once_whole(write_recording, make_detection):
    first = write_recording(np.ones(250_000), 250e3, name=f"{'long' * 30}.cf32")
    second = write_recording(np.ones(250_000), 250e3, name="b.cf32")
    entries = [entry_of(first, make_detection(), make_detection()), entry_of(second)]
    text = "".join(shown(entries, 80).splitlines())
    assert text.count(f"{'long' * 30}.cf32") == 1
    assert text.count("b.cf32") == 1
    assert text.endswith("no signal")


@pytest.mark.parametrize("width", [60, 80, 100, 160])
def test_columns_that_have_no_room_are_named(write_recording, make_detection, width):
    recording = write_recording(np.ones(250_000), 250e3, 433.92e6)
    named = make_detection(
        modulation="DSSS-OQPSK", protocol="Airborne-detection", protocol_confidence=0.999
    )
    *lines, last = shown([entry_of(recording, named, make_detection())], width).splitlines()
    heads = lines[0].split()
    assert {"Centre", "Bandwidth", "Modulation", "Protocol"} <= set(heads)
    assert last.startswith("no room for ") == (width < 120)
    missing = {"Start", "Duration", "SNR", "Family"} - set(heads)
    assert missing == {name for name in ("Start", "Duration", "SNR", "Family") if name in last}
    if width >= 80:
        assert len(lines) == 3 - (width >= 120)
        assert all(len(line) <= width for line in lines)


def test_table_says_where_nothing_was_found(write_recording):
    assert "no signal" in shown([entry_of(write_recording(np.ones(64)))])


def test_names_neither_style_the_terminal_nor_control_it(write_recording, make_detection):
    recording = write_recording(np.ones(64), name="[red]a\x1b[2Jb.cf32")
    entry = entry_of(recording, make_detection(modulation="[bold]x\x07"))
    text = shown([entry, entry], 400)
    assert r"[red]a\x1b[2Jb.cf32" in text
    assert r"[bold]x\x07" in text
    assert "\x1b[2J" not in text
    assert "\x07" not in text


def test_protocols_are_told_where_there_are_any(tmp_path, write_recording, make_detection):
    named = make_detection(protocol="LoRa", protocol_confidence=0.75)
    recording = write_recording(np.ones(250_000), 250e3)
    with_one = entry_of(recording, named, make_detection())
    without = entry_of(recording, make_detection())
    assert "LoRa 75 %" in shown([with_one])
    assert "Protocol" not in shown([without])
    write_csv(tmp_path / "d.csv", [with_one])
    rows = read_csv(tmp_path / "d.csv")
    assert [row["protocol"] for row in rows] == ["LoRa", ""]
    assert [row["protocol_confidence"] for row in rows] == ["0.75", ""]
