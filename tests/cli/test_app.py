import subprocess
import sys

import pytest
import typer

from hertzian.cli import app
from hertzian.signal import HertzianError

pytestmark = pytest.mark.base


@pytest.fixture
def verb(monkeypatch):
    """Registers a verb that does what it is told."""

    def register(action):
        monkeypatch.setitem(app.VERBS, "try", lambda: action())

    return register


def raising(error):
    def action():
        raise error

    return action


def test_a_verb_that_returns_leaves_with_zero(hertzian, verb):
    verb(lambda: typer.echo("fine"))
    done = hertzian("try")
    assert (done.status, done.out, done.err) == (0, "fine\n", "")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (HertzianError("x.h5: not a dataset"), "error: x.h5: not a dataset\n"),
        (HertzianError("two\nlines and [bold]no markup[/bold]"), None),
        (HertzianError("long " * 100), "error: " + "long " * 99 + "long\n"),
        (
            PermissionError(13, "Permission denied", "out.csv"),
            "error: out.csv: Permission denied\n",
        ),
        (OSError(28, "No space left on device"), "error: No space left on device\n"),
    ],
)
def test_an_error_is_one_line_on_standard_error(hertzian, verb, error, line):
    verb(raising(error))
    done = hertzian("try")
    assert (done.status, done.out) == (1, "")
    assert done.err == (line or "error: two lines and [bold]no markup[/bold]\n")


def test_the_package_is_the_command_too():
    command = [sys.executable, "-m", "hertzian", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("hertzian ")


def test_a_fault_of_ours_keeps_its_traceback(hertzian, verb):
    verb(raising(ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        hertzian("try")


def test_an_interrupt_leaves_with_130(hertzian, verb):
    verb(raising(KeyboardInterrupt()))
    done = hertzian("try")
    assert (done.status, done.out) == (130, "")


@pytest.mark.parametrize("arguments", [("nonsense",), ("models", "--nonsense"), ("evaluate",)])
def test_wrong_use_leaves_with_2(hertzian, arguments):
    done = hertzian(*arguments)
    assert (done.status, done.out) == (2, "")
    assert "Usage: hertzian" in done.err


def test_the_help_names_every_verb(hertzian):
    done = hertzian("--help")
    assert done.status == 0
    assert all(name in done.out for name in app.VERBS)
    assert hertzian("-h").out == done.out


@pytest.mark.parametrize("name", app.VERBS)
def test_the_help_of_every_verb_has_examples(hertzian, name):
    done = hertzian(name, "--help")
    assert done.status == 0
    assert f"hertzian {name}" in done.out.split("Usage", 1)[1].split("\n", 1)[1]
    assert "--json" in done.out or isinstance(app.VERBS[name], typer.Typer)


def test_a_group_of_verbs_is_registered_too(hertzian, monkeypatch):
    group = typer.Typer()
    group.command("inner")(lambda: typer.echo("inside"))
    group.command("other")(lambda: None)
    monkeypatch.setitem(app.VERBS, "outer", group)
    assert hertzian("outer", "inner").out == "inside\n"


def test_the_version_is_that_of_the_package(hertzian, monkeypatch):
    monkeypatch.setattr(app, "version", {"hertzian": "1.2.3"}.__getitem__)
    assert hertzian("--version").out == "hertzian 1.2.3\n"


def test_the_command_starts_without_torch():
    code = (
        "import sys; from hertzian.cli.app import build; build(); "
        "sys.exit(bool({'torch', 'lightning', 'onnx', 'sklearn'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
