"""Reference vectors from GNU Radio 3.10, small enough to keep: `python -m ...reference OUT.npz`.

The tests of waveforms and channel compare statistics with them where no GNU Radio is. Arrays:

- `audio` int16 [10 000], what the analog classes send, in units of 0.5 / 32767;
- a stream for each class, int16 [samples, 2], from sample `START` on, without a channel, in units
  of `scale_CLASS`;
- `cycles` and `shift` float32 [seeds, times], what the walks of carrier and clock have summed up
  to, in cycles and samples, at multiples of `WALK_STEP`;
- `gains` float16 [seeds, times, 2], a path without line of sight at multiples of `FADING_STEP`;
- `sight` float16 [seeds, 2], a path with line of sight as it begins;
- `taps` float16 [seeds, times, 8, 2], the delay line of the three paths at the same times;
- `clean` and `noisy` int16 [seeds, samples, 2], a tone of `TONE` cycles per sample through all of
  the dynamic channel, from sample `TONE_START` on, without noise and with noise of the standard
  deviation `NOISE`, in units of `TONE_SCALE`.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hertzian.datasets.randomness import generator
from hertzian.experiments.peers.gnuradio import (
    ANALOG,
    MODULATIONS,
    BlockName,
    DynamicChannel,
    PassRequest,
    find_python,
    make_passes,
    run_block,
)
from hertzian.recordings import atomic_path
from hertzian.signal import HertzianError
from hertzian.waveforms.gnuradio import spoken

START = 1000
SAMPLES = 20_000
WALK_STEP = 1920
FADING_STEP = 8000
TONE = 0.1
TONE_START = 60_032
TONE_SCALE = 2**-12
NOISE = 0.1

_WALK_TIMES = np.arange(1, 41) * WALK_STEP
_FADING_TIMES = np.arange(10) * FADING_STEP
_PASS = 80_000
_TONE_SAMPLES = 64
_SAMPLES_AT_ONCE = 4_000_000
_FIRST_SEED, _SEED_STEP = 10, 10  # the paths of a fader count on from a seed
_AUDIO_UNIT = 0.5 / 32_767
_ADVANCE = 3  # samples that the clock's interpolator drops

Array = NDArray[Any]


def make_reference(
    walks: int = 300, fadings: int = 400, sights: int = 10_000, tones: int = 300
) -> dict[str, Array]:
    """Run GNU Radio, and return the arrays of the module's docstring.

    Args:
        walks: seeds of the walks.
        fadings: seeds of the faders.
        sights: seeds of the path with line of sight.
        tones: seeds of the whole channel.

    Raises:
        WorkerError: GNU Radio is missing or failed.
    """
    python = find_python()
    pulses = np.zeros(_PASS, np.complex64)
    pulses[_FADING_TIMES] = 1
    tone = np.exp(2j * np.pi * TONE * np.arange(_PASS)).astype(np.complex64)
    arrays = _streams(python)
    arrays["cycles"] = _over_seeds(python, "cfo", np.ones_like(tone), walks, _cycles)
    arrays["shift"] = _over_seeds(python, "sro", tone, walks, _shift)
    arrays["gains"] = _over_seeds(
        *(python, "fading", np.ones_like(tone), fadings, _gains),
        channel=DynamicChannel(line_of_sight=False),
    )
    arrays["sight"] = _over_seeds(
        python, "fading", np.ones(1, np.complex64), sights, lambda made: _small(made[:, 0])
    )
    arrays["taps"] = _over_seeds(python, "selective", pulses, fadings, _taps)
    tone = tone[: TONE_START + 1000]
    arrays["clean"] = _over_seeds(python, "dynamic", tone, tones, _cut)
    arrays["noisy"] = _over_seeds(python, "dynamic", tone, tones, _cut, noise=NOISE)
    return arrays


def _streams(python: Path) -> dict[str, Array]:
    voice = spoken(1, generator(0))[0].numpy()
    audio = np.round(voice / _AUDIO_UNIT).astype(np.int16)
    arrays: dict[str, Array] = {"audio": audio}
    for modulation in MODULATIONS:
        analog = modulation in ANALOG
        request = PassRequest(
            modulation,
            passes=1,
            seed=1,
            channel=None,
            audio=(audio * _AUDIO_UNIT).astype(np.float32) if analog else None,
            windows=None,
        )
        iq = make_passes(request, python=python).iq[START : START + SAMPLES]
        scale = float(np.abs(_planes(iq)).max()) / 32_767
        arrays[modulation] = np.round(_planes(iq) / scale).astype(np.int16)
        arrays[f"scale_{modulation}"] = np.array(scale)
    return arrays


def _over_seeds(
    python: Path,
    block: BlockName,
    iq: NDArray[np.complex64],
    count: int,
    kept: Callable[[NDArray[np.complex64]], Array],
    *,
    channel: DynamicChannel | None = None,
    noise: float = 0.0,
) -> Array:
    """Run a block with so many seeds, and keep something of what each makes."""
    seeds = range(_FIRST_SEED, _FIRST_SEED + _SEED_STEP * count, _SEED_STEP)
    at_once = _SAMPLES_AT_ONCE // len(iq)
    parts = [
        kept(
            run_block(
                block,
                iq,
                seeds[first : first + at_once],
                channel=channel,
                noise_amplitude=noise,
                python=python,
            )
        )
        for first in range(0, count, at_once)
    ]
    return np.concatenate(parts)


def _cycles(made: NDArray[np.complex64]) -> Array:
    turned = np.unwrap(np.angle(made)) / (2 * np.pi)
    return turned[:, _WALK_TIMES].astype(np.float32)


def _shift(made: NDArray[np.complex64]) -> Array:
    sent = np.unwrap(np.angle(made).astype(np.float64)) / (2 * np.pi * TONE)
    return (sent[:, _WALK_TIMES] - _WALK_TIMES - _ADVANCE).astype(np.float32)


def _gains(made: NDArray[np.complex64]) -> Array:
    return _small(made[:, _FADING_TIMES])


def _taps(made: NDArray[np.complex64]) -> Array:
    return _small(made[:, _FADING_TIMES[:, None] + np.arange(8)])


def _cut(made: NDArray[np.complex64]) -> Array:
    window = made[:, TONE_START : TONE_START + _TONE_SAMPLES]
    return np.round(_planes(window) / TONE_SCALE).astype(np.int16)


def _small(iq: NDArray[np.complex64]) -> Array:
    return _planes(iq).astype(np.float16)


def _planes(iq: NDArray[np.complex64]) -> NDArray[np.float32]:
    return np.stack([iq.real, iq.imag], axis=-1)


def main(arguments: list[str]) -> int:
    """Write the reference vectors to the named file; return the exit status."""
    if len(arguments) != 1:
        print("usage: python -m hertzian.experiments.peers.reference OUT.npz", file=sys.stderr)
        return 2
    try:
        arrays = make_reference()
        with atomic_path(arguments[0]) as partial, partial.open("wb") as out:
            np.savez_compressed(out, allow_pickle=False, **arrays)
    except HertzianError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
