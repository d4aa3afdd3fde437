"""The speed of TorchSig, measured in an environment of its own.

TorchSig needs releases that this environment must not have, so it lives in another one.
`python -m hertzian.experiments.peers.torchsig [FOLDER]` makes that; nothing else installs it.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from hertzian.workers.environment import Environment
from hertzian.workers.errors import WorkerError
from hertzian.workers.process import ask, number

ENVIRONMENT = Environment(
    name="TorchSig",
    module="hertzian.experiments.peers.torchsig",
    requirements=("torch==2.13.0", "torchsig==2.2.0"),
    imports=("torchsig",),
)

_NAME = ENVIRONMENT.name
_WORKER = Path(__file__).with_name("torchsig_worker.py")


@dataclass(frozen=True)
class Speed:
    """How fast TorchSig makes examples in one process.

    Attributes:
        examples: that were timed.
        samples: of an example.
        impairment_level: 0, 1 or 2 as TorchSig counts them; None for no transforms at all.
        seconds: that they took.
        versions: of TorchSig and torch.
    """

    examples: int
    samples: int
    impairment_level: int | None
    seconds: float
    versions: dict[str, str]

    @property
    def examples_per_s(self) -> float:
        """Examples in a second."""
        return self.examples / self.seconds


def measure_speed(
    impairment_level: int | None,
    *,
    examples: int = 1000,
    warm_up: int = 50,
    samples: int = 1024,
    seed: int = 1,
    threads: int = 1,
    folder: Path | None = None,
    timeout_s: float = 3600.0,
) -> Speed:
    """Time narrowband examples, one signal each of any of TorchSig's classes, in one process.

    Args:
        impairment_level: 0, 1 or 2; None leaves all transforms out.
        examples: how many to time.
        warm_up: made before, since compiled parts are built at first use.
        samples: of an example.
        seed: of the dataset.
        threads: that torch may use.
        folder: of the environment.
        timeout_s: the longest it may take.

    Raises:
        WorkerError: bad arguments, or TorchSig is missing or failed.
    """
    if impairment_level not in (None, 0, 1, 2):
        raise WorkerError(
            f"TorchSig's impairment level is 0, 1, 2 or None, not {impairment_level!r}"
        )
    if not (1 <= examples <= 10**6 and 0 <= warm_up <= 10**6 and 64 <= samples <= 2**22):
        raise WorkerError(
            "examples are 1 to 1 000 000, warm_up 0 to 1 000 000, samples 64 to 4 194 304"
        )
    if threads < 1 or seed < 0:
        raise WorkerError("threads are at least 1, a seed at least 0")
    request = {
        "examples": examples,
        "warm_up": warm_up,
        "samples": samples,
        "impairment_level": impairment_level,
        "seed": seed,
        "threads": threads,
    }
    answer = ask(ENVIRONMENT.find_python(folder), _WORKER, request, _NAME, timeout_s)
    seconds = number(answer, "seconds", _NAME)
    if seconds <= 0:
        raise WorkerError(f"{_NAME} answered {seconds} s for {examples} examples")
    versions = {key: str(answer.get(key)) for key in ("torchsig", "torch")}
    return Speed(examples, samples, impairment_level, seconds, versions)


if __name__ == "__main__":
    sys.exit(ENVIRONMENT.main(sys.argv[1:]))
