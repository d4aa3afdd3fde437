"""Converts an exported program of torch to LiteRT: a script for the interpreter that has it.

It imports nothing of Hertzian. The request names the files `program` (.pt2, written by the
caller) and `out` (.tflite); the answer is one line of JSON.
"""

import json
import sys
import warnings
from typing import Any


def convert(request: dict[str, Any]) -> dict[str, Any]:
    """Convert one program; return the versions that did it."""
    import litert_torch
    import torch

    program = torch.export.load(request["program"])
    (example,), _ = program.example_inputs
    litert_torch.convert(program.module(), (example,)).export(request["out"])
    return {"torch": torch.__version__}


def main(text: str) -> int:
    """Answer one request; return the exit status."""
    warnings.simplefilter("ignore")
    try:
        answer = convert(json.loads(text))
    except Exception as error:  # whatever it is, the caller has to hear of it
        answer = {"failed": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
    return int("failed" in answer)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
