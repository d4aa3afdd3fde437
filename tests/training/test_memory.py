import platform
import resource
import subprocess
import sys

import pytest

from hertzian.training.memory import keep_freed_memory

_FAULTS = """
import resource, numpy as np
from hertzian.training.memory import keep_freed_memory
assert keep_freed_memory()
def fill():
    np.empty(8 << 20, np.uint8).fill(1)
fill()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    fill()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc alone has the setting")
def test_a_block_that_comes_back_is_not_paged_in_again():
    done = subprocess.run(
        [sys.executable, "-c", _FAULTS], capture_output=True, text=True, check=True
    )
    pages = (8 << 20) // resource.getpagesize()
    assert int(done.stdout) < pages


def test_other_libraries_are_left_alone(monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    assert not keep_freed_memory()
