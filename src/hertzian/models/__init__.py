"""Networks: one file each, entered in one registry."""

from hertzian.models.heads import MultiHead, outputs_of
from hertzian.models.registry import (
    ENTRY_POINT_GROUP,
    ModelSpec,
    build,
    count_macs,
    count_parameters,
    names,
    register,
    spec,
)

__all__ = [
    "ENTRY_POINT_GROUP",
    "ModelSpec",
    "MultiHead",
    "build",
    "count_macs",
    "count_parameters",
    "names",
    "outputs_of",
    "register",
    "spec",
]
