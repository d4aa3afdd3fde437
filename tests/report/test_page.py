import pytest

from hertzian.recordings import RecordingError
from hertzian.report.curves import accuracy_over_snr
from hertzian.report.markup import element
from hertzian.report.page import Column, Plot, Section, Table, experiment_page

pytestmark = pytest.mark.base

HOSTILE = "</title></style><script>alert(1)</script>\"'&$"


def test_page_holds_everything_itself(tmp_path, read_page):
    curve = accuracy_over_snr({"net": {0.0: 0.5, 10.0: 0.9}})
    table = Table(["Model", "Accuracy"], [["net", 0.5]])
    path = tmp_path / "page.html"
    sections = [
        Section("Results", ["What was measured.", Plot(curve, "Accuracy", "By SNR."), table])
    ]
    experiment_page(path, "A page", sections, lead="Two of three.")
    page = read_page(path)
    assert page.outside == []
    assert page.unclosed == []
    assert page.count("svg") == 1
    for text in ("A page", "Two of three.", "Results", "What was measured.", "Accuracy", "By SNR."):
        assert text in page.text


def test_every_text_is_escaped(tmp_path, read_page):
    curve = accuracy_over_snr({HOSTILE: {0.0: 0.5}, "b": {0.0: 0.1}})
    table = Table([HOSTILE, Column(HOSTILE)], [[HOSTILE, HOSTILE]], HOSTILE)
    path = tmp_path / "page.html"
    parts = [HOSTILE, Plot(curve, HOSTILE, HOSTILE), table]
    experiment_page(path, HOSTILE, [Section(HOSTILE, parts, HOSTILE)], lead=HOSTILE)
    page = read_page(path)
    assert page.count("script") == 0
    assert page.unclosed == []
    # title, h1, lead, h2, paragraph; figure: title, legend, caption; table: title, 2 heads, 2 cells
    assert "".join(page.text).count(HOSTILE) == 13
    assert [attributes["id"] for _, attributes in page.of("section")] == [HOSTILE]


def test_cells_by_type(tmp_path, read_page):
    rows = [["a", 1234567, 0.123456, None], ["b", -3, -1.5, 7]]
    experiment_page(tmp_path / "t.html", "t", [Section("s", [Table(["w", "x", "y", "z"], rows)])])
    page = read_page(tmp_path / "t.html")
    assert page.rows == [
        ["w", "x", "y", "z"],
        ["a", "1\u202f234\u202f567", "0.1235", "–"],
        ["b", "−3", "−1.5", "7"],
    ]
    sides = [attributes.get("class") for _, attributes in page.of("td")]
    assert sides == [None, "right", "right", "right"] * 2


def test_markup_of_our_own_goes_in_as_it_is(tmp_path, read_page):
    part = element("p", element("em", "so"))
    experiment_page(tmp_path / "t.html", "t", [Section("s", [part])])
    assert read_page(tmp_path / "t.html").count("em") == 1


def test_page_appears_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "page.html"
    path.write_text("before")
    bad = Section("s", [Table(["a"], [[object()]])])
    with pytest.raises(AttributeError):
        experiment_page(path, "t", [bad])
    assert path.read_text() == "before"
    assert [p.name for p in tmp_path.iterdir()] == ["page.html"]
    with pytest.raises(RecordingError, match="does not exist"):
        experiment_page(tmp_path / "no" / "page.html", "t", [])
