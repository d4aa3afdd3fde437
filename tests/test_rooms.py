from pathlib import Path

import pytest
from importlinter.cli import lint_imports

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"


@pytest.mark.parametrize("contract", ["layers", "base"])
def test_rooms_import_only_upward(contract, capsys):
    """The contracts of pyproject.toml hold: the rooms' order, and base rooms free of torch."""
    status = lint_imports(str(PYPROJECT), limit_to_contracts=(contract,), no_cache=True)
    assert status == 0, capsys.readouterr().out
