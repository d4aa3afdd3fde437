import sys
from pathlib import Path

import pytest

from hertzian.workers import environment
from hertzian.workers.environment import Environment
from hertzian.workers.errors import WorkerError

pytestmark = pytest.mark.base

GUEST = Environment("Guest", "hertzian.guest", ("guest==1",), ("json", "guest_1"))
OURS = Environment("Ours", "hertzian.ours", (), ("json", "csv"))


def test_the_environment_lies_in_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert GUEST.default_folder() == tmp_path / "hertzian" / "guest"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert GUEST.default_folder() == tmp_path / "home" / ".cache" / "hertzian" / "guest"


def test_the_message_says_how_to_install(tmp_path):
    with pytest.raises(WorkerError) as error:
        GUEST.find_python(tmp_path / "none")
    assert str(error.value) == (
        f"Guest is not installed in {tmp_path / 'none'}: "
        f"install it with `python -m hertzian.guest {tmp_path / 'none'}`"
    )


@pytest.fixture
def place(tmp_path):
    """An environment whose interpreter is this one."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    return tmp_path


def test_an_environment_without_one_of_the_modules_is_not_taken(place):
    with pytest.raises(WorkerError, match="Guest is not installed"):
        GUEST.find_python(place)
    with pytest.raises(WorkerError, match=r"with `python -m hertzian\.guest`"):
        GUEST.find_python(Path(sys.executable))


def test_a_folder_or_an_interpreter_is_taken(place):
    assert OURS.find_python(place) == place / "bin" / "python"
    assert OURS.find_python(Path(sys.executable)) == Path(sys.executable)


def test_a_folder_with_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(WorkerError, match="holds something else"):
        GUEST.install(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkerError, match="is a file"):
        GUEST.install(tmp_path / "file")


def test_an_installation_that_fails_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr(environment, "run_python", lambda *_: (1, "", "ERROR: no\nnetwork"))
    with pytest.raises(WorkerError, match=r"venv failed in .*: ERROR: no network"):
        GUEST.install(tmp_path)


def test_what_is_required_is_installed(place, monkeypatch):
    (place / "pyvenv.cfg").touch()
    ran = []
    monkeypatch.setattr(environment, "run_python", lambda *said: (ran.append(said), (0, "", ""))[1])
    assert GUEST.install(place) == place / "bin" / "python"
    assert ran[0][1] == ["-m", "venv", str(place)]
    assert ran[1][0] == place / "bin" / "python"
    assert ran[1][1][-1] == "guest==1"


def test_the_command_tells_errors_in_one_line(tmp_path, capsys):
    (tmp_path / "thesis.txt").write_text("precious")
    assert GUEST.main([str(tmp_path)]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert GUEST.main(["--help"]) == 2
    assert "usage: python -m hertzian.guest" in capsys.readouterr().err
