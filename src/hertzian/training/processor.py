"""What the machine can do for a training."""

import os
import shutil
import sys
from typing import Literal

import torch

Precision = Literal["32-true", "bf16-mixed"]
Accelerator = Literal["auto", "cpu", "gpu"]

_COMPILERS = {"darwin": "clang++", "win32": "cl"}


def can_compile() -> bool:
    """Return whether there is the C++ compiler that `torch.compile` calls: $CXX, or g++."""
    usual = _COMPILERS.get(sys.platform, "g++")
    return shutil.which(os.environ.get("CXX") or usual) is not None


def fast_precision(accelerator: Accelerator = "cpu") -> Precision:
    """Return "bf16-mixed" where a GPU or the processor computes in it, and else "32-true".

    Processors with AVX512-BF16, AMX or Arm's BF16 do; on others it is emulated, and slower.

    Args:
        accelerator: what trains; "auto" is a GPU where there is one.
    """
    if accelerator != "cpu" and torch.cuda.is_available():
        return "bf16-mixed" if torch.cuda.is_bf16_supported() else "32-true"
    able = torch.cpu.get_capabilities()
    fast = any(able.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))
    return "bf16-mixed" if fast else "32-true"
