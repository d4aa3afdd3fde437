"""The two sides of the test: windows that GNU Radio 3.10 made, and ours of the same recipe."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch
from numpy.typing import NDArray

from hertzian.channel.gnuradio import DynamicChannel
from hertzian.datasets.making import by_sum, labelled_noise
from hertzian.datasets.passes import Passes
from hertzian.datasets.published import Kind
from hertzian.datasets.randomness import generator
from hertzian.datasets.rml2016 import CHANNEL, TRANSMITTERS
from hertzian.experiments.peers import gnuradio as peer
from hertzian.experiments.stages import ExperimentError
from hertzian.recordings import atomic_path
from hertzian.waveforms.gnuradio import Broadcast, Transmitter

OUR_CHANNEL = replace(CHANNEL, rule="3.8")
"""That of the presets, with the fader that GNU Radio has had since 3.8."""


@dataclass(frozen=True)
class Side:
    """Windows of one class, each divided by the sum of its moduli.

    Attributes:
        iq: complex64 [n, 128].
        number: int64 [n], the pass of each; passes of different labels have different numbers.
        label: float64 [n], the SNR label that the noise was made for.
    """

    iq: NDArray[np.complex64]
    number: NDArray[np.int64]
    label: NDArray[np.float64]

    def of_passes(self, lower: float, upper: float) -> "Side":
        """Return the windows of the passes between two shares of those of each label."""
        kept = np.zeros(len(self.number), dtype=bool)
        for label in np.unique(self.label):
            numbers = np.unique(self.number[self.label == label])
            first, last = (round(share * len(numbers)) for share in (lower, upper))
            kept |= np.isin(self.number, numbers[first:last])
        return Side(self.iq[kept], self.number[kept], self.label[kept])


def peer_side(
    modulation: str, passes: int, per_pass: int, labels: tuple[float, ...], seed: int, folder: Path
) -> Side:
    """Return GNU Radio's windows, `passes` for each label; those that `folder` has are kept.

    Raises:
        WorkerError: GNU Radio is missing or failed.
        ExperimentError: a file in the folder cannot be read.
    """
    parts = []
    for label in labels:
        path = folder / f"{modulation}-{label:g}.npz"
        if not path.exists():
            _store(_made(modulation, passes, per_pass, label, seed), path)
        parts.append(_read(path))
    return _joined(parts, labels)


def _made(modulation: str, passes: int, per_pass: int, label: float, seed: int) -> peer.Passes:
    audio = None
    if modulation in peer.ANALOG:
        audio = audio_of(modulation)
    request = peer.PassRequest(
        modulation,
        passes,
        _word(seed, modulation, label),
        snr_db=label,
        audio=audio,
        windows=peer.Windows(per_pass=per_pass),
    )
    return peer.make_passes(request)


def audio_of(modulation: str) -> NDArray[np.float32]:
    """Return what the preset's transmitter of an analog class sends in every pass."""
    transmitter = TRANSMITTERS[modulation]
    if not isinstance(transmitter, Broadcast):
        raise ExperimentError(f"{modulation} sends no audio")
    recording: NDArray[np.float32] = transmitter.audio(1, generator(0))[0].numpy()
    return recording


def _word(seed: int, modulation: str, label: float) -> int:
    return zlib.crc32(f"{seed} {modulation} {label:g}".encode())


def _store(made: peer.Passes, path: Path) -> None:
    with atomic_path(path) as partial:
        np.savez(partial, iq=made.iq, number=made.number, seconds=made.seconds)


def _read(path: Path) -> tuple[NDArray[np.complex64], NDArray[np.int64]]:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return arrays["iq"], arrays["number"]
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise ExperimentError(f"{path}: no windows can be read ({error}); delete it") from None


def our_side(
    modulation: str,
    passes: int,
    per_pass: int,
    labels: tuple[float, ...],
    seed: int,
    transmitter: Transmitter | None = None,
    channel: DynamicChannel = OUR_CHANNEL,
) -> Side:
    """Return our windows of the same recipe, `passes` for each label.

    Args:
        modulation: of the preset, spelled as in the published file.
        passes: for each label.
        per_pass: windows kept of each pass, chosen at random.
        labels: SNR labels.
        seed: of everything drawn.
        transmitter: in place of the preset's.
        channel: in place of the preset's.
    """
    sender = transmitter or TRANSMITTERS[modulation]
    source = Passes({modulation: sender}, channel, labelled_noise)
    parts = []
    for label in labels:
        word = _word(seed, modulation, label)
        found, kept = [], []
        for number, windows in enumerate(islice(_passes(source, modulation, label, word), passes)):
            chosen = torch.randperm(len(windows), generator=generator(word, 0, number))[:per_pass]
            found.append(windows[chosen].numpy())
            kept.append(np.full(len(chosen), number, np.int64))
        parts.append((np.concatenate(found), np.concatenate(kept)))
    return _joined(parts, labels)


def _passes(source: Passes, modulation: str, label: float, word: int) -> Iterator[torch.Tensor]:
    """Yield all windows of one pass after the other, complex64 [n, 128], without end."""
    kind, chunk = Kind(modulation), 0
    while True:
        drawn = generator(word, chunk)
        parts = source.parts(kind, label, source.chunk(kind), drawn)
        windows = by_sum(parts.signal + parts.noise)
        # a chunk ends amid its last pass
        for number in range(int(parts.group.max())):
            yield windows[parts.group == number]
        chunk += 1


def _joined(
    parts: list[tuple[NDArray[np.complex64], NDArray[np.int64]]], labels: tuple[float, ...]
) -> Side:
    numbers, first = [], 0
    for _, number in parts:
        numbers.append(number + first)
        first += int(number.max()) + 1
    return Side(
        iq=np.concatenate([iq for iq, _ in parts]),
        number=np.concatenate(numbers),
        label=np.repeat(np.asarray(labels, np.float64), [len(iq) for iq, _ in parts]),
    )
