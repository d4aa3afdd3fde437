"""From what the user calls a model to its file, and to what runs it."""

import re
from importlib import import_module
from pathlib import Path

from hertzian.deployment.litert import LiteRtPredictor
from hertzian.deployment.metadata import ModelError
from hertzian.deployment.runtime import OnnxPredictor, Predictor

SHIPPED: Path = Path(__file__).resolve().parents[1] / "models" / "weights"
"""Folder of the models that come with the package: NAME.onnx, NAME.safetensors, NAME.json."""

PROGRAM = ".pte"
"""Suffix of programs for ExecuTorch."""

LITERT = ".tflite"
"""Suffix of models for LiteRT."""

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def shipped_names() -> tuple[str, ...]:
    """Return the names of the models that come with the package, sorted."""
    return tuple(sorted(path.stem for path in SHIPPED.glob("*.onnx")))


def find_model(model: str | Path) -> Path:
    """Return the file that a shipped name, a run folder or a path stands for.

    A plain name (lower case, hyphens) that is shipped wins over a folder of that name; `Path` and
    anything with a slash or a dot are always paths.

    Raises:
        ModelError: there is none.
    """
    if isinstance(model, str) and _NAME.fullmatch(model) and (SHIPPED / f"{model}.onnx").is_file():
        return SHIPPED / f"{model}.onnx"
    path = Path(model)
    if path.is_dir():
        if (path / "model.onnx").is_file():
            return path / "model.onnx"
        raise ModelError(f"{path}: a run folder holds model.onnx, this one does not")
    if path.is_file():
        return path
    shipped = ", ".join(shipped_names()) or "none"
    raise ModelError(
        f"{model}: no such model; give a shipped name ({shipped}), a run folder, an .onnx file, a "
        f"program for ExecuTorch (.pte) or a model for LiteRT (.tflite)"
    )


def load_predictor(model: str | Path, threads: int | None = None) -> Predictor:
    """Open a model by shipped name, run folder or path; see `find_model`.

    Raises:
        HertzianError: there is none, or it can't be used (a .pte needs ExecuTorch, a .tflite
            LiteRT).
    """
    path = find_model(model)
    if path.suffix.lower() == PROGRAM:
        return _open_program(path, threads)
    if path.suffix.lower() == LITERT:
        return LiteRtPredictor(path, threads)
    return OnnxPredictor(path, threads)


def _open_program(path: Path, threads: int | None) -> Predictor:
    try:
        # by its name: it needs what the base install lacks
        programs = import_module("hertzian.deployment.programs")
    except ModuleNotFoundError as error:
        raise ModelError(
            f"{path}: a program needs {error.name}: pip install 'hertzian[train,executorch]'"
        ) from None
    predictor: Predictor = programs.ProgramPredictor(path, threads)
    return predictor
