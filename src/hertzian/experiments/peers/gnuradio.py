"""The real blocks of GNU Radio 3.10, run in the system's Python.

`make_passes` runs the generator of RML2016.10a for one class; `run_block` sends an input through
one part of its channel. Both start `gnuradio_worker.py` in the interpreter that has GNU Radio. The
recipe: O'Shea and West, Radio machine learning dataset generation with GNU Radio, 2016.
"""

import math
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hertzian.workers.errors import WorkerError
from hertzian.workers.process import ask, load_arrays, number, run_python

BITS_PER_PASS = {
    "BPSK": 10_000,
    "QPSK": 10_000,
    "8PSK": 10_000,
    "PAM4": 10_000,
    "QAM16": 20_000,
    "QAM64": 30_000,
    "GFSK": 10_000,
    "CPFSK": 10_000,
}
ANALOG = ("WBFM", "AM-DSB")
MODULATIONS = (*BITS_PER_PASS, *ANALOG)
AUDIO_HZ = 44.1e3
AUDIO_SAMPLES = 10_000
PYTHON_VARIABLE = "HERTZIAN_GNURADIO_PYTHON"

_NAME = "GNU Radio"
_WORKER = Path(__file__).with_name("gnuradio_worker.py")
_IMPORT = "from gnuradio import analog, blocks, channels, digital, filter, gr; print(gr.version())"
_MOST_SAMPLES = 2**28  # complex64: 2 GiB
_MOST_SEED = 2**31 - 17  # the paths of the fader count on from the seed, in 32 bits

BlockName = Literal["cfo", "sro", "fading", "selective", "dynamic"]


@dataclass(frozen=True)
class DynamicChannel:
    """The parameters of GNU Radio's dynamic channel model; by default those of RML2016.10a.

    Attributes:
        sample_rate_hz: of what passes through.
        sro_std_hz: of a step of the walk of the sample rate, each sample.
        sro_max_hz: its limit.
        cfo_std_hz: of a step of the walk of the carrier, each sample.
        cfo_max_hz: its limit.
        sinusoids: that make a path's gain.
        doppler_hz: the greatest.
        line_of_sight: whether the first path has one.
        k: power of the line of sight over the rest.
        delays: of the paths, in samples.
        magnitudes: of the paths, amplitudes.
        taps: of the filter that the paths make.
    """

    sample_rate_hz: float = 200e3
    sro_std_hz: float = 0.01
    sro_max_hz: float = 50.0
    cfo_std_hz: float = 0.01
    cfo_max_hz: float = 500.0
    sinusoids: int = 8
    doppler_hz: float = 1.0
    line_of_sight: bool = True
    k: float = 4.0
    delays: tuple[float, ...] = (0.0, 0.9, 1.7)
    magnitudes: tuple[float, ...] = (1.0, 0.8, 0.3)
    taps: int = 8

    def __post_init__(self) -> None:
        """Refuse what would crash the blocks."""
        if len(self.delays) != len(self.magnitudes) or not self.delays:
            raise WorkerError("a channel has one magnitude for each delay, and at least one path")
        if self.taps < 1 or self.sinusoids < 1:
            raise WorkerError("a channel has at least one tap and one sinusoid")
        if not (math.isfinite(self.sample_rate_hz) and self.sample_rate_hz > 0):
            raise WorkerError(f"a sample rate is above 0 Hz, not {self.sample_rate_hz}")


@dataclass(frozen=True)
class Windows:
    """How windows are cut from a pass: the first starts in 50..500, hops are 128..5% of the pass.

    Attributes:
        samples: of a window.
        per_pass: at most so many, drawn from all of a pass; None keeps all.
        normalise: divide each by the sum of its moduli, as the generator does.
    """

    samples: int = 128
    per_pass: int | None = None
    normalise: bool = True

    def __post_init__(self) -> None:
        """Refuse windows of nothing."""
        if self.samples < 1 or (self.per_pass is not None and self.per_pass < 1):
            raise WorkerError("windows have at least one sample, and a pass gives at least one")


@dataclass(frozen=True)
class Passes:
    """What GNU Radio made.

    Attributes:
        iq: complex64, [windows, samples]; a stream [samples], pass after pass, without windows.
        number: int64 [windows], the pass of each; for a stream [passes].
        start: int64 [windows], where each lies in its pass; for a stream zeros [passes].
        channel_seed: int64 [passes].
        length: int64 [passes], samples that each pass made before the cutting.
        seconds: in the passes alone, without the start of the interpreter.
        cpu_seconds: of all of its threads meanwhile.
        version: of GNU Radio.
    """

    iq: NDArray[np.complex64]
    number: NDArray[np.int64]
    start: NDArray[np.int64]
    channel_seed: NDArray[np.int64]
    length: NDArray[np.int64]
    seconds: float
    cpu_seconds: float
    version: str


@dataclass(frozen=True)
class PassRequest:
    """Which passes to make.

    Attributes:
        modulation: one of `MODULATIONS`, spelled as in the published file.
        passes: how many, at most.
        seed: of bits, windows and channel seeds.
        snr_db: label, noise has the standard deviation 10^(-label/10); None makes none.
        channel: its parameters; None leaves it out, and then there is no noise either.
        channel_seed: one for all passes, as the generator has (0x1337); None draws each afresh.
        bits: in each pass; None takes the generator's number.
        audio: float32 [n] at 44.1 kHz, |x| <= 0.5, for the analog classes. Each pass takes the next
            10 000 samples, round and round: exactly 10 000 repeat in each, as in the generator.
        windows: how to cut; None gives the stream.
        limit: stop after so many windows, or samples of the stream.
    """

    modulation: str
    passes: int
    seed: int
    snr_db: float | None = None
    channel: DynamicChannel | None = field(default_factory=DynamicChannel)
    channel_seed: int | None = None
    bits: int | None = None
    audio: NDArray[np.float32] | None = None
    windows: Windows | None = field(default_factory=Windows)
    limit: int | None = None

    def __post_init__(self) -> None:
        """Check it all before an interpreter starts."""
        if self.modulation not in MODULATIONS:
            raise WorkerError(
                f"GNU Radio makes {' '.join(MODULATIONS)} here, not {self.modulation!r}"
            )
        if self.passes < 1 or self.seed < 0 or (self.limit is not None and self.limit < 1):
            raise WorkerError("passes and limit are at least 1, a seed at least 0")
        if self.bits is not None and not 1 <= self.bits <= 10**7:
            raise WorkerError(f"a pass has 1 to 10 000 000 bits, not {self.bits}")
        if self.channel is None and self.snr_db is not None:
            raise WorkerError("noise is a part of the channel: leave out snr_db, or give a channel")
        if self.snr_db is not None and not abs(self.snr_db) <= 200:
            raise WorkerError(f"snr_db lies between -200 and 200, not {self.snr_db}")
        if self.channel_seed is not None:
            _check_seed(self.channel_seed)
        self._check_audio()
        self._check_size()

    def _check_audio(self) -> None:
        if (self.audio is not None) != (self.modulation in ANALOG):
            raise WorkerError(f"audio is for {' and '.join(ANALOG)}, which cannot do without it")
        if self.audio is None:
            return
        audio = self.audio
        if audio.dtype != np.float32 or audio.ndim != 1 or not len(audio):
            raise WorkerError(f"audio is float32 [n], not {audio.dtype} {list(audio.shape)}")
        if not bool(np.all(np.abs(audio) <= 0.5)):  # NaN fails too
            raise WorkerError("audio lies within -0.5..0.5")

    def _check_size(self) -> None:
        bits = self.bits or BITS_PER_PASS.get(self.modulation, 0)
        longest = 8 * bits if bits else 5 * AUDIO_SAMPLES
        if self.windows is None:
            samples = self.passes * longest
        else:
            per_pass = self.windows.per_pass or longest // self.windows.samples
            samples = self.passes * per_pass * self.windows.samples
            if self.limit is not None:
                samples = min(samples, self.limit * self.windows.samples + longest)
        if samples > _MOST_SAMPLES:
            raise WorkerError(
                f"{samples} samples are more than {_MOST_SAMPLES}: ask for fewer passes at a time"
            )

    @property
    def bits_per_pass(self) -> int:
        """Bits in each pass; 0 for an analog class."""
        return self.bits or BITS_PER_PASS.get(self.modulation, 0)


def _check_seed(seed: int) -> None:
    if not 0 <= seed <= _MOST_SEED:
        raise WorkerError(f"a channel's seed lies between 0 and {_MOST_SEED}, not {seed}")


def find_python() -> Path:
    """Return the interpreter that has GNU Radio.

    The variable HERTZIAN_GNURADIO_PYTHON names one; without it, /usr/bin/python3 and what the PATH
    calls python3 are tried.

    Raises:
        WorkerError: none has it; the message says how to install it.
    """
    named = os.environ.get(PYTHON_VARIABLE)
    if named:
        candidates = [Path(named)]
    else:
        found = shutil.which("python3")
        candidates = [Path("/usr/bin/python3"), *([Path(found)] if found else [])]
    for python in candidates:
        try:
            status, version, _ = run_python(python, ["-c", _IMPORT], 60)
        except WorkerError:
            continue
        if status == 0 and version.startswith("3.10"):
            return python
    raise WorkerError(
        f"GNU Radio 3.10 is missing in {' and '.join(map(str, candidates))}: install it with "
        "`apt-get install --no-install-recommends gnuradio` (Debian 12, Ubuntu 24.04), or name an "
        f"interpreter that has it in {PYTHON_VARIABLE}"
    )


def make_passes(
    request: PassRequest, *, python: Path | None = None, timeout_s: float = 3600.0
) -> Passes:
    """Make passes of one class; the same request gives the same bits, windows and channels.

    Raises:
        WorkerError: GNU Radio is missing, failed, or took longer than `timeout_s`.
    """
    python = python or find_python()
    with TemporaryDirectory(prefix="hertzian-gnuradio-") as name:
        folder = Path(name)
        audio = None
        if request.audio is not None:
            audio = str(folder / "audio.npy")
            np.save(audio, request.audio)
        # asdict copies the audio too, which travels as a file
        told = {
            "task": "passes",
            "out": str(folder),
            "modulation": request.modulation,
            "passes": request.passes,
            "seed": request.seed,
            "snr_db": request.snr_db,
            "channel": None if request.channel is None else asdict(request.channel),
            "channel_seed": request.channel_seed,
            "bits": request.bits_per_pass,
            "audio": audio,
            "audio_samples": AUDIO_SAMPLES,
            "window": None if request.windows is None else asdict(request.windows),
            "limit": request.limit,
        }
        answer = ask(python, _WORKER, told, _NAME, timeout_s)
        arrays = load_arrays(answer, folder, _NAME)
    try:
        return Passes(
            iq=arrays["iq"],
            number=arrays["number"],
            start=arrays["start"],
            channel_seed=arrays["channel_seed"],
            length=arrays["length"],
            seconds=number(answer, "seconds", _NAME),
            cpu_seconds=number(answer, "cpu_seconds", _NAME),
            version=str(answer.get("gnuradio")),
        )
    except KeyError as error:
        raise WorkerError(f"{_NAME} answered without {error}") from error


def run_block(
    block: BlockName,
    iq: NDArray[np.complex64],
    seeds: Sequence[int],
    *,
    channel: DynamicChannel | None = None,
    noise_amplitude: float = 0.0,
    python: Path | None = None,
    timeout_s: float = 3600.0,
) -> NDArray[np.complex64]:
    """Send one input through a part of the channel, made anew with each seed.

    Args:
        block: `cfo`, `sro`, `fading` (one path), `selective` (all paths) or `dynamic` (everything).
        iq: the input, complex64 [n].
        seeds: of the blocks.
        channel: parameters, those of RML2016.10a by default.
        noise_amplitude: for `dynamic`, the standard deviation of the complex noise.
        python: the interpreter, found by default.
        timeout_s: the longest it may take.

    Returns:
        complex64 [seeds, samples]; samples are fewer than n where a block holds some back.

    Raises:
        WorkerError: bad input, or GNU Radio is missing or failed.
    """
    if iq.dtype != np.complex64 or iq.ndim != 1 or not len(iq):
        raise WorkerError(f"a block's input is complex64 [n], not {iq.dtype} {list(iq.shape)}")
    if not seeds or len(seeds) * len(iq) > _MOST_SAMPLES:
        raise WorkerError(
            f"a block takes one seed or more, and makes {_MOST_SAMPLES} samples at most"
        )
    for seed in seeds:
        _check_seed(seed)
    python = python or find_python()
    with TemporaryDirectory(prefix="hertzian-gnuradio-") as name:
        folder = Path(name)
        np.save(folder / "input.npy", iq)
        told = {
            "task": "block",
            "out": str(folder),
            "block": block,
            "input": str(folder / "input.npy"),
            "seeds": list(seeds),
            "channel": asdict(channel or DynamicChannel()),
            "noise_amplitude": noise_amplitude,
        }
        arrays = load_arrays(ask(python, _WORKER, told, _NAME, timeout_s), folder, _NAME)
    if "iq" not in arrays:
        raise WorkerError(f"{_NAME} answered without iq")
    made: NDArray[np.complex64] = arrays["iq"]
    return made
