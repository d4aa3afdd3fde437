import pytest
from tests.datasets.captures import CENTER_HZ, RATE_HZ, capture, change

from hertzian.datasets.dataset import DatasetError
from hertzian.datasets.labelled import folder_digest, read_labelled, sample_digest
from hertzian.recordings import annotate_sigmf, detections_to_annotations, open_recording
from hertzian.signal import Detection


def first(document):
    return document["annotations"][0]


def test_annotations_become_signals_in_cycles_per_sample(tmp_path):
    capture(tmp_path / "deep" / "one.sigmf-meta", ["QPSK", "FMCW"], 1)
    (one,) = read_labelled(tmp_path).recordings
    assert one.name == "deep/one.sigmf-meta"
    assert one.labels == {"QPSK": 1, "FMCW": 1}
    qpsk = one.signals[0]
    entry = open_recording(tmp_path / "deep" / "one.sigmf-meta").annotations[0]
    assert qpsk.center * RATE_HZ + CENTER_HZ == pytest.approx(
        (entry.lower_hz + entry.upper_hz) / 2, abs=1
    )
    assert qpsk.bandwidth * RATE_HZ == pytest.approx(entry.upper_hz - entry.lower_hz, abs=1)
    assert (qpsk.start, qpsk.stop) == (5_000, 20_000)
    assert qpsk.edged


def test_without_edges_and_length_an_annotation_speaks_of_everything(tmp_path):
    meta = capture(tmp_path / "one.sigmf-meta", ["QPSK"], 1, edges=False)
    change(meta, lambda d: first(d).update({"core:sample_start": 0, "core:sample_count": None}))
    (signal,) = read_labelled(tmp_path).recordings[0].signals
    assert (signal.start, signal.count) == (0, 60_000)
    assert (signal.center, signal.bandwidth, signal.edged) == (0.0, 1.0, False)


def test_aliases_and_names_of_ones_own_lead_to_the_table(tmp_path):
    capture(tmp_path / "a.sigmf-meta", ["QPSK", "2FSK"], 1, named={"2FSK": "garage Door"})
    capture(tmp_path / "b.sigmf-meta", ["QPSK"], 2, named={"QPSK": "qam16"})
    found = read_labelled(tmp_path, names={"Garage door": "2fsk"})
    assert [dict(one.labels) for one in found.recordings] == [{"QPSK": 1, "2FSK": 1}, {"16QAM": 1}]


def test_a_label_of_no_table_is_named_with_its_file(tmp_path):
    meta = capture(tmp_path / "a.sigmf-meta", ["QPSK"], 1, named={"QPSK": "my beacon"})
    with pytest.raises(DatasetError, match=r"a\.sigmf-meta: label 'my beacon' is not in the label"):
        read_labelled(tmp_path)
    # it is no fault of the file: skipping files would hide it
    with pytest.raises(DatasetError, match="my beacon"):
        read_labelled(tmp_path, skip_bad=True)
    with pytest.raises(DatasetError, match=r"names: 'my beacon' is to be unknown modulation"):
        read_labelled(tmp_path, names={"my beacon": "beacon"})
    capture(tmp_path / "b.sigmf-meta", ["QPSK"], 2)
    found = read_labelled(tmp_path, leave_out=["My Beacon"])
    assert [one.name for one in found.recordings] == ["b.sigmf-meta"]
    assert found.unlabelled == (meta.name,)


def test_what_is_left_out_still_is_in_the_way(tmp_path):
    capture(tmp_path / "a.sigmf-meta", ["QPSK", "2FSK"], 1)
    (one,) = read_labelled(tmp_path, leave_out=["qpsk"]).recordings
    assert [(s.label, s.taught) for s in one.signals] == [("QPSK", False), ("2FSK", True)]
    assert one.labels == {"2FSK": 1}


def test_answers_of_our_own_are_no_truth(tmp_path):
    meta = capture(tmp_path / "a.sigmf-meta", ["QPSK"], 1)
    recording = open_recording(meta)
    guess = Detection(0, 100, 0.0, 1e5, 20.0, "OFDM", "ofdm", None, None, 0.9, 0.9, {})
    annotate_sigmf(recording, detections_to_annotations([guess], recording), meta)
    found = read_labelled(tmp_path)
    assert found.guesses == 1
    assert found.recordings[0].labels == {"QPSK": 1}
    change(meta, lambda d: d.update(annotations=[d["annotations"][0]]))
    with pytest.raises(DatasetError, match=r"1 annotations are Hertzian's own answers"):
        read_labelled(tmp_path)


def remove_data(meta):
    meta.with_name("a.sigmf-data").unlink()


def truncate_data(meta):
    data = meta.with_name("a.sigmf-data")
    data.write_bytes(data.read_bytes()[:-3])


def label_of_a_number(meta):
    change(meta, lambda d: first(d).update({"core:label": 7}))


def start_of_a_text(meta):
    change(meta, lambda d: first(d).update({"core:sample_start": "0"}))


def beyond_the_end(meta):
    change(meta, lambda d: first(d).update({"core:sample_count": 10**12}))


def after_the_end(meta):
    change(
        meta, lambda d: first(d).update({"core:sample_start": 70_000, "core:sample_count": None})
    )


def one_edge(meta):
    change(meta, lambda d: first(d).pop("core:freq_upper_edge"))


def outside_the_band(meta):
    change(meta, lambda d: d["captures"][0].update({"core:frequency": 0}))


def upside_down(meta):
    change(meta, lambda d: first(d).update({"core:freq_lower_edge": 434e6}))


def leads_out(meta):
    change(meta, lambda d: d["global"].update({"core:dataset": "../a.sigmf-data"}))


def linked_metadata(meta):
    outside = meta.parent.with_name("outside")
    outside.mkdir()
    for name in ("a.sigmf-meta", "a.sigmf-data"):
        (meta.parent / name).rename(outside / name)
        (meta.parent / name).symlink_to(outside / name)


def linked_data(meta):
    data = meta.with_name("a.sigmf-data")
    outside = meta.parent.with_name("elsewhere")
    data.rename(outside)
    data.symlink_to(outside)


def no_json(meta):
    meta.write_text('{"global": ')


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (remove_data, "has no data file"),
        (truncate_data, "is truncated"),
        (label_of_a_number, "core:label is 7; text is expected"),
        (start_of_a_text, "core:sample_start is '0'; an integer"),
        (beyond_the_end, "lies outside the recording, which has 60000"),
        (after_the_end, "lies outside the recording"),
        (one_edge, "has one frequency edge; expected both"),
        (outside_the_band, "expected a band within -500000 to 500000 Hz"),
        (upside_down, "expected a band within"),
        (leads_out, "leads out of the folder"),
        (linked_metadata, "is a link out of"),
        (linked_data, "is a link out of"),
        (no_json, "is not valid JSON"),
    ],
)
def test_a_bad_recording_is_refused_or_skipped(tmp_path, spoil, message):
    folder = tmp_path / "captures"
    spoil(capture(folder / "a.sigmf-meta", ["QPSK"], 1))
    capture(folder / "b.sigmf-meta", ["QPSK"], 2)
    with pytest.raises(DatasetError, match=message) as caught:
        read_labelled(folder)
    assert "a.sigmf-" in str(caught.value)
    assert "\n" not in str(caught.value)
    found = read_labelled(folder, skip_bad=True)
    assert [one.name for one in found.recordings] == ["b.sigmf-meta"]
    assert len(found.bad) == 1


def test_nothing_to_read_is_said(tmp_path):
    with pytest.raises(DatasetError, match="expected a folder of SigMF recordings"):
        read_labelled(tmp_path / "none")
    (tmp_path / "notes.txt").write_text("none")
    with pytest.raises(DatasetError, match=r"expected SigMF recordings .* found none"):
        read_labelled(tmp_path)
    meta = capture(tmp_path / "a.sigmf-meta", ["QPSK"], 1)
    change(meta, lambda d: first(d).pop("core:label"))
    with pytest.raises(DatasetError, match="none of its 1 recordings has an annotation with"):
        read_labelled(tmp_path)


def test_the_digests_tell_folders_and_samples_apart(tmp_path):
    meta = capture(tmp_path / "a.sigmf-meta", ["QPSK"], 1)
    other = capture(tmp_path / "b.sigmf-meta", ["QPSK"], 1)
    third = capture(tmp_path / "c.sigmf-meta", ["QPSK"], 2)
    digests = [sample_digest(open_recording(path)) for path in (meta, other, third)]
    assert digests[0] == digests[1] != digests[2]
    before = folder_digest(tmp_path)
    assert folder_digest(tmp_path) == before
    change(meta, lambda d: first(d).update({"core:label": "BPSK"}))
    assert folder_digest(tmp_path) != before
