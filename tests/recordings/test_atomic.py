import stat
from pathlib import Path

import pytest

from hertzian.recordings import RecordingError, atomic_path

pytestmark = pytest.mark.base


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_appears_whole_with_its_suffix(tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    with atomic_path(target) as partial:
        partial.write_text("all of it")
        assert partial.suffix == ".html"
        assert partial.parent == tmp_path
        assert not target.exists()
    assert target.read_text() == "all of it"
    assert names_in(tmp_path) == ["report.html"]


def test_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "x.csv"
    target.write_text("old")
    with pytest.raises(ZeroDivisionError), atomic_path(target) as partial:
        partial.write_text("x" * (partial.write_text("half") // 0))
    assert target.read_text() == "old"
    assert names_in(tmp_path) == ["x.csv"]


def test_failure_before_anything_was_written(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="cannot write"), atomic_path(tmp_path / "x"):
        raise OSError("disk full")
    assert names_in(tmp_path) == []


def test_follows_a_symbolic_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    with atomic_path(tmp_path / "link") as partial:
        partial.write_text("new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_writes_into_a_device_and_does_not_replace_it(tmp_path: Path) -> None:
    with atomic_path("/dev/null") as partial:
        partial.write_text("gone")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_permissions_are_those_of_a_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    with atomic_path(tmp_path / "x") as partial:
        partial.write_text("")
    assert (tmp_path / "x").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_long_name_still_fits_while_it_is_partial(tmp_path: Path) -> None:
    target = tmp_path / ("n" * 240 + ".sigmf-meta")
    with atomic_path(target) as partial:
        partial.write_text("x")
    assert target.exists()


def test_folder_as_target(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="it is a folder"), atomic_path(tmp_path):
        pytest.fail("the block must not run")


def test_missing_folder(tmp_path: Path) -> None:
    with (
        pytest.raises(RecordingError, match=r"the folder .*nowhere does not exist"),
        atomic_path(tmp_path / "nowhere" / "x"),
    ):
        pytest.fail("the block must not run")
