"""Whether `torch.compile` can work here."""

import os
import shutil
import sys

_COMPILERS = {"darwin": "clang++", "win32": "cl"}


def can_compile() -> bool:
    """Return whether there is the C++ compiler that `torch.compile` calls: $CXX, or g++."""
    usual = _COMPILERS.get(sys.platform, "g++")
    return shutil.which(os.environ.get("CXX") or usual) is not None
