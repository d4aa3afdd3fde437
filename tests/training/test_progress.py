import io
import re

import pytest
from rich.console import Console
from tests.training.examples import Tiny, windows

from hertzian.training import Classifier, fit
from hertzian.training import progress as bars


@pytest.fixture
def train(tmp_path, monkeypatch):
    """Trains two epochs with everything shown, on a terminal or not; returns what was."""

    def train(terminal):
        shown = io.StringIO()
        console = Console(file=shown, force_terminal=terminal, width=120, color_system=None)
        monkeypatch.setattr(bars, "Console", lambda stderr: console)
        monkeypatch.setattr(bars, "_SHORTEST_S", 0.0)
        learner = Classifier(Tiny(), 3, 1e-3)
        data = windows(128, 1, 64)
        fit(learner, data, data, epochs=2, batch_size=32, directory=tmp_path / "run", threads=1)
        return shown.getvalue()

    return train


def test_a_log_gets_a_line_an_epoch(train, capsys):
    lines = train(terminal=False).splitlines()
    assert len(lines) == 2
    figures = r"loss \d\.\d+, validation loss \d\.\d+, accuracy \d+\.\d\d%, \d+\.\d s"
    assert re.fullmatch(rf"epoch 1/2: {figures}", lines[0])
    assert re.fullmatch(rf"epoch 2/2: {figures}", lines[1])
    assert capsys.readouterr().out == ""


def test_a_terminal_gets_a_bar_with_the_time_left(train, capsys):
    shown = train(terminal=True)
    assert "epoch 1/2" in shown
    assert "epoch 2/2" in shown
    assert re.search(r"accuracy \d+\.\d\d% +\d:\d\d:\d\d", shown)
    assert capsys.readouterr().out == ""
