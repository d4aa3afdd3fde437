"""What every test shares: Hypothesis's settings and what can run without torch."""

from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples on every machine, and no failure because a shared machine was slow.
settings.register_profile("hertzian", deadline=None, derandomize=True)
settings.load_profile("hertzian")

# The rooms below torch: all of their tests run in the base install.
BASE_ROOMS = frozenset({"signal", "recordings", "report"})
HAS_TORCH = find_spec("torch") is not None


def runs_without_torch(path: Path) -> bool:
    """Tell whether a test file, or any below a folder, can be imported in the base install."""
    if path.is_dir():
        return any(runs_without_torch(file) for file in path.rglob("test_*.py"))
    return path.parent.name in BASE_ROOMS or "pytest.mark.base" in path.read_text()


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Without torch, leave alone the files that could not even be imported."""
    return None if HAS_TORCH or runs_without_torch(collection_path) else True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of the base rooms."""
    for item in items:
        if item.path.parent.name in BASE_ROOMS:
            item.add_marker(pytest.mark.base)
